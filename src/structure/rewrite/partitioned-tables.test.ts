import { expect, it } from "vitest";
import { partitionedTables } from "./partitioned-tables.ts";
import { entryOf, outcomeOf } from "./rule-outcome.ts";

const root = entryOf("TABLE", 'CREATE TABLE s."p p" (\n    a integer\n)\nPARTITION BY LIST (a);', { name: "p p", dumpId: 9 });
const outcome = (type: string, sql: string) => outcomeOf(partitionedTables, entryOf(type, sql), 18, 10, [root]);

it("names for 10 what came in 11", () => {
  expect(outcomeOf(partitionedTables, entryOf("TABLE", "CREATE TABLE s.h (\n    a integer\n)\nPARTITION BY HASH (a);", { name: "h" }), 18, 10)?.impossible?.feature).toBe(
    "hash partitioning",
  );
  expect(outcome("TABLE ATTACH", 'ALTER TABLE ONLY s."p p" ATTACH PARTITION s.d DEFAULT;')?.impossible?.feature).toBe("default partitions");
  expect(outcome("CONSTRAINT", 'ALTER TABLE ONLY s."p p"\n    ADD CONSTRAINT k PRIMARY KEY (a);')?.impossible?.feature).toBe("keys of partitioned tables");
  expect(outcome("FK CONSTRAINT", 'ALTER TABLE s."p p"\n    ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES s.y(a);')?.impossible?.feature).toBe("foreign keys of partitioned tables");
  expect(outcome("TRIGGER", 'CREATE TRIGGER t AFTER INSERT ON s."p p" FOR EACH ROW EXECUTE PROCEDURE s.f();')?.impossible?.feature).toBe("row triggers on partitioned tables");
  expect(outcome("INDEX", 'CREATE UNIQUE INDEX i ON ONLY s."p p" USING btree (a);')?.impossible?.feature).toBe("unique indexes on partitioned tables");
});

it("leaves an index on the partitioned table out, and what is attached to it", () => {
  expect(outcome("INDEX", 'CREATE INDEX i ON ONLY s."p p" USING btree (a);')).toMatchObject({ drop: true, note: expect.stringContaining("partitions keep theirs") });
  expect(outcome("INDEX ATTACH", "ALTER INDEX s.i ATTACH PARTITION s.j;")).toEqual({ drop: true });
});

it("has nothing against partitions and other tables", () => {
  expect(outcome("TABLE ATTACH", `ALTER TABLE ONLY s."p p" ATTACH PARTITION s.d FOR VALUES IN (' DEFAULT;');`)).toBeUndefined();
  expect(outcome("CONSTRAINT", "ALTER TABLE ONLY s.d\n    ADD CONSTRAINT k PRIMARY KEY (a);")).toBeUndefined();
  expect(outcome("TRIGGER", 'CREATE TRIGGER t AFTER INSERT ON s."p p" FOR EACH STATEMENT EXECUTE PROCEDURE s.f();')).toBeUndefined();
});
