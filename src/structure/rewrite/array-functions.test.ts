import { expect, it } from "vitest";
import { arrayFunctions } from "./array-functions.ts";
import { entryOf, outcomeOf } from "./rule-outcome.ts";

const aggregate = (element: string, array: string) =>
  `CREATE AGGREGATE s.accumulate(${element}) (\n    SFUNC = array_append,\n    STYPE = ${array},\n    INITCOND = '{anyarray}'\n);\n\n\nALTER AGGREGATE s.accumulate(${element}) OWNER TO o;`;
const old = aggregate("anyelement", "anyarray");
const current = aggregate("anycompatible", "anycompatiblearray");

it("follows the change of array_append & co. in 14, in both directions", () => {
  expect(outcomeOf(arrayFunctions, entryOf("AGGREGATE", old), 13, 14)?.sql).toBe(current);
  expect(outcomeOf(arrayFunctions, entryOf("AGGREGATE", current), 14, 10)?.sql).toBe(old);
  expect(outcomeOf(arrayFunctions, entryOf("AGGREGATE", current), 14, 18)).toBeUndefined();
});

it("follows in comments and privileges of these objects, and nowhere else", () => {
  const comment = entryOf("COMMENT", "COMMENT ON AGGREGATE s.accumulate(anyelement) IS 'over anyelement';", { dumpId: 2, dependencies: [1] });
  expect(outcomeOf(arrayFunctions, comment, 13, 14, [entryOf("AGGREGATE", old)])?.sql).toBe("COMMENT ON AGGREGATE s.accumulate(anycompatible) IS 'over anyelement';");
  const other = entryOf("AGGREGATE", "CREATE AGGREGATE s.first(anyelement) (\n    SFUNC = s.f,\n    STYPE = anyelement\n);");
  expect(outcomeOf(arrayFunctions, other, 13, 14)).toBeUndefined();
});

it("changes operators", () => {
  const operator = "CREATE OPERATOR s.|+ (\n    FUNCTION = array_append,\n    LEFTARG = anyarray,\n    RIGHTARG = anyelement\n);";
  expect(outcomeOf(arrayFunctions, entryOf("OPERATOR", operator), 10, 18)?.sql).toContain("LEFTARG = anycompatiblearray,\n    RIGHTARG = anycompatible\n");
});
