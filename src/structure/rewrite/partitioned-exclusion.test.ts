import { expect, it } from "vitest";
import { partitionedExclusion } from "./partitioned-exclusion.ts";
import { entryOf, outcomeOf } from "./rule-outcome.ts";

const constraint = (table: string, name: string, only = "ONLY ") =>
  entryOf("CONSTRAINT", `ALTER TABLE ${only}s.${table}\n    ADD CONSTRAINT ${name} EXCLUDE USING gist (a WITH =);`);
const parent = constraint("p", '"p excl"');
const child = constraint("c", "c_excl");
const attach = entryOf("INDEX ATTACH", 'ALTER INDEX s."p excl" ATTACH PARTITION s.c_excl;');
const dump = [parent, child, attach];

it("makes the constraint on the partitioned table for all partitions at once", () => {
  expect(outcomeOf(partitionedExclusion, parent, 18, 18, dump)?.sql).toBe(constraint("p", '"p excl"', "").sql);
  expect(outcomeOf(partitionedExclusion, child, 18, 18, dump)).toEqual({ drop: true });
  expect(outcomeOf(partitionedExclusion, attach, 18, 18, dump)).toEqual({ drop: true });
});

it("leaves others alone", () => {
  expect(outcomeOf(partitionedExclusion, constraint("x", "x_excl"), 18, 18, dump)).toBeUndefined();
  expect(outcomeOf(partitionedExclusion, entryOf("INDEX ATTACH", "ALTER INDEX s.p_key ATTACH PARTITION s.c_key;"), 18, 18, dump)).toBeUndefined();
});
