import { expect, it } from "vitest";
import { newFunctions } from "./new-functions.ts";
import { entryOf, outcomeOf } from "./rule-outcome.ts";

const withDefault = (expression: string) => entryOf("TABLE", `CREATE TABLE s.x (\n    id uuid DEFAULT ${expression} NOT NULL\n);`);

it("names calls of functions that the target does not have, in both directions", () => {
  expect(outcomeOf(newFunctions, withDefault("gen_random_uuid()"), 18, 12)?.impossible).toMatchObject({ feature: "function gen_random_uuid()", since: 13 });
  expect(outcomeOf(newFunctions, withDefault("gen_random_uuid()"), 18, 13)).toBeUndefined();
  expect(outcomeOf(newFunctions, withDefault("pg_catalog.uuidv7()"), 18, 17)?.impossible?.since).toBe(18);
  const view = entryOf("VIEW", "CREATE VIEW s.v AS\n SELECT pg_is_in_backup() AS b;");
  expect(outcomeOf(newFunctions, view, 14, 15)?.impossible?.since).toBe(15);
  expect(outcomeOf(newFunctions, view, 13, 14)).toBeUndefined();
});

it("leaves functions of the same name in other schemas, strings and bodies alone", () => {
  expect(outcomeOf(newFunctions, withDefault("public.gen_random_uuid()"), 18, 10)).toBeUndefined();
  expect(outcomeOf(newFunctions, withDefault("f('uuidv7()'::text)"), 18, 10)).toBeUndefined();
  expect(outcomeOf(newFunctions, entryOf("FUNCTION", "CREATE FUNCTION s.f() RETURNS uuid\n    LANGUAGE sql\n    AS $$select uuidv7()$$;"), 18, 10)).toBeUndefined();
});
