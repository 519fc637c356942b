import { expect, it } from "vitest";
import { rangeMultirangeName } from "./range-multirange-name.ts";
import { entryOf, outcomeOf } from "./rule-outcome.ts";

it("leaves multirange_type_name out before 14, wherever it stands", () => {
  const type = (middle: string, tail: string) => `CREATE TYPE s.r AS RANGE (\n    subtype = text${middle}${tail}\n);`;
  const name = ',\n    multirange_type_name = s."Odd, name"';
  const more = ',\n    collation = pg_catalog."C"';
  expect(outcomeOf(rangeMultirangeName, entryOf("TYPE", type(name, more)), 18, 13)?.sql).toBe(type("", more));
  expect(outcomeOf(rangeMultirangeName, entryOf("TYPE", type(name, "")), 18, 13)?.sql).toBe(type("", ""));
  expect(outcomeOf(rangeMultirangeName, entryOf("TYPE", type(name, "")), 18, 14)).toBeUndefined();
});
