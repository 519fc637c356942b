import { expect, it } from "vitest";
import { indexColumns } from "./index-columns.ts";
import { entryOf, outcomeOf } from "./rule-outcome.ts";

const outcome = (sql: string, target: number) => outcomeOf(indexColumns, entryOf("INDEX", sql), 18, target);

it("leaves operator class parameters out before 13, but not the index's own", () => {
  const index = `CREATE INDEX i ON s.x USING gist (t e.gist_trgm_ops (siglen='32'), p e."Odd ops" (siglen='100')) WITH (fillfactor='70');`;
  expect(outcome(index, 12)?.sql).toBe(`CREATE INDEX i ON s.x USING gist (t e.gist_trgm_ops, p e."Odd ops") WITH (fillfactor='70');`);
  expect(outcome(index, 13)).toBeUndefined();
});

it("leaves statistics targets of index columns out before 11", () => {
  expect(outcome("CREATE INDEX i ON s.x USING btree (lower(t));\nALTER INDEX s.i ALTER COLUMN 1 SET STATISTICS 77;\n", 10)?.sql).toBe(
    "CREATE INDEX i ON s.x USING btree (lower(t));\n",
  );
});

it("names the BRIN classes of 14", () => {
  expect(outcome("CREATE INDEX i ON s.x USING brin (n numeric_minmax_multi_ops);", 13)?.impossible?.since).toBe(14);
});
