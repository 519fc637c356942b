import { expect, it } from "vitest";
import { aggregateModify } from "./aggregate-modify.ts";
import { entryOf, outcomeOf } from "./rule-outcome.ts";

const aggregate = (clause: string) => entryOf("AGGREGATE", `CREATE AGGREGATE s.a(integer) (\n    SFUNC = int4pl,\n    STYPE = integer${clause}\n);`);

it("leaves SHAREABLE out before 11, and names READ_WRITE", () => {
  expect(outcomeOf(aggregateModify, aggregate(",\n    FINALFUNC_MODIFY = SHAREABLE"), 18, 10)?.sql).toBe(aggregate("").sql);
  expect(outcomeOf(aggregateModify, aggregate(",\n    MFINALFUNC_MODIFY = READ_WRITE"), 18, 10)?.impossible?.since).toBe(11);
  expect(outcomeOf(aggregateModify, aggregate(",\n    FINALFUNC_MODIFY = SHAREABLE"), 18, 11)).toBeUndefined();
});
