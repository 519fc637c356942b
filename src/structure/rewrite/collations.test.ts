import { expect, it } from "vitest";
import { collations } from "./collations.ts";
import { entryOf, outcomeOf } from "./rule-outcome.ts";

it.each([
  ["provider = icu, deterministic = false, locale = 'und'", 12],
  ["provider = icu, locale = 'und', rules = '&V << w'", 16],
  ["provider = builtin, locale = 'C.UTF-8'", 17],
])("%s is impossible before %i", (options, since) => {
  const collation = entryOf("COLLATION", `CREATE COLLATION s.c (${options});`);
  expect(outcomeOf(collations, collation, 18, since - 1)?.impossible?.since).toBe(since);
  expect(outcomeOf(collations, collation, 18, since)).toBeUndefined();
});
