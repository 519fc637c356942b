import { expect, it } from "vitest";
import { entryOf, outcomeOf } from "./rule-outcome.ts";
import { subscripting } from "./subscripting.ts";

it("names base types with a subscript function before 14", () => {
  const type = entryOf("TYPE", "CREATE TYPE s.t (\n    INTERNALLENGTH = variable,\n    INPUT = s.i,\n    OUTPUT = s.o,\n    SUBSCRIPT = jsonb_subscript_handler\n);");
  expect(outcomeOf(subscripting, type, 18, 13)?.impossible?.since).toBe(14);
  expect(outcomeOf(subscripting, type, 18, 14)).toBeUndefined();
});
