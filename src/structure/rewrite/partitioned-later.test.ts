import { expect, it } from "vitest";
import { partitionedLater } from "./partitioned-later.ts";
import { entryOf, outcomeOf } from "./rule-outcome.ts";

const root = entryOf("TABLE", "CREATE TABLE s.p (\n    a integer\n)\nPARTITION BY LIST (a);", { name: "p", dumpId: 9 });

it.each([
  ["FK CONSTRAINT", "ALTER TABLE ONLY s.x\n    ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES s.p(a);", 12],
  ["TRIGGER", "CREATE TRIGGER t BEFORE INSERT ON s.p FOR EACH ROW EXECUTE FUNCTION s.f();", 13],
  ["PUBLICATION TABLE", "ALTER PUBLICATION pub ADD TABLE ONLY s.p;", 13],
  ["SEQUENCE", "ALTER TABLE s.p ALTER COLUMN a ADD GENERATED ALWAYS AS IDENTITY (\n    SEQUENCE NAME s.p_a_seq\n    START WITH 1\n);", 17],
  ["CONSTRAINT", "ALTER TABLE s.p\n    ADD CONSTRAINT e EXCLUDE USING gist (a WITH =);", 17],
  ["FK CONSTRAINT", "ALTER TABLE s.p\n    ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES s.y(a) NOT VALID;", 18],
])("%s %s is impossible before %i, and on other tables it is not", (type, sql, since) => {
  expect(outcomeOf(partitionedLater, entryOf(type, sql), 18, since - 1, [root])?.impossible?.since).toBe(since);
  expect(outcomeOf(partitionedLater, entryOf(type, sql), 18, since, [root])).toBeUndefined();
  expect(outcomeOf(partitionedLater, entryOf(type, sql.replaceAll("s.p", "s.q")), 18, since - 1, [root])).toBeUndefined();
});

it("lets identities pass that partitions do not share at the source either", () => {
  const identity = entryOf("SEQUENCE", "ALTER TABLE s.p ALTER COLUMN a ADD GENERATED ALWAYS AS IDENTITY (\n    SEQUENCE NAME s.p_a_seq\n);");
  expect(outcomeOf(partitionedLater, identity, 16, 12, [root])).toBeUndefined();
});
