import { expect, it } from "vitest";
import { postfixOperators } from "./postfix-operators.ts";
import { entryOf, outcomeOf } from "./rule-outcome.ts";

it("names postfix operators on the way over 14", () => {
  const postfix = entryOf("OPERATOR", "CREATE OPERATOR s.!! (\n    FUNCTION = s.factorial,\n    LEFTARG = integer\n);");
  expect(outcomeOf(postfixOperators, postfix, 13, 14)?.impossible?.since).toBe(14);
  expect(outcomeOf(postfixOperators, postfix, 13, 12)).toBeUndefined();
  const prefix = entryOf("OPERATOR", "CREATE OPERATOR s.!! (\n    FUNCTION = s.factorial,\n    RIGHTARG = integer\n);");
  expect(outcomeOf(postfixOperators, prefix, 13, 14)).toBeUndefined();
});

it("names expressions that use one", () => {
  const view = (expression: string) => entryOf("VIEW", `CREATE VIEW s.v AS\n SELECT ${expression} AS a FROM s.t;`);
  expect(outcomeOf(postfixOperators, view("(5 !)"), 13, 14)?.impossible?.since).toBe(14);
  expect(outcomeOf(postfixOperators, view("(5 OPERATOR(s.!!))"), 13, 14)?.impossible?.since).toBe(14);
  expect(outcomeOf(postfixOperators, view("count(*)"), 13, 14)).toBeUndefined();
  expect(outcomeOf(postfixOperators, view("(a || '!)'::text)"), 13, 14)).toBeUndefined();
});
