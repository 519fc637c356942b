import { expect, it } from "vitest";
import { operatorFunction } from "./operator-function.ts";
import { entryOf, outcomeOf } from "./rule-outcome.ts";

it("writes PROCEDURE for 10", () => {
  const operator = entryOf("OPERATOR", "CREATE OPERATOR s.+ (\n    FUNCTION = s.f,\n    LEFTARG = integer\n);");
  expect(outcomeOf(operatorFunction, operator, 14, 10)?.sql).toContain("\n    PROCEDURE = s.f,");
  expect(outcomeOf(operatorFunction, operator, 14, 11)).toBeUndefined();
});
