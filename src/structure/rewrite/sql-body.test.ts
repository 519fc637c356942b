import { expect, it } from "vitest";
import { entryOf, outcomeOf } from "./rule-outcome.ts";
import { sqlBody } from "./sql-body.ts";

const header = "CREATE FUNCTION s.f(a integer DEFAULT 2, t text DEFAULT '\n    RETURN x'::text) RETURNS integer\n    LANGUAGE sql IMMUTABLE\n";
const tail = "\n\n\nALTER FUNCTION s.f(a integer, t text) OWNER TO o;";
const outcome = (body: string, target: number) => outcomeOf(sqlBody, entryOf("FUNCTION", `${header}    ${body};${tail}`), 18, target);

it("makes a string of RETURN before 14", () => {
  expect(outcome("RETURN ((a || ';'::text) || '$body$'::text)", 13)?.sql).toBe(`${header}    AS $body1$SELECT ((a || ';'::text) || '$body$'::text)$body1$;${tail}`);
  expect(outcome("RETURN a", 14)).toBeUndefined();
});

it("makes a string of BEGIN ATOMIC, with its CASE … END", () => {
  const body = "INSERT INTO s.x (a)\n   VALUES (f.a);\n SELECT\n         CASE\n             WHEN (a > 1) THEN a\n             ELSE 2\n         END AS b;";
  expect(outcome(`BEGIN ATOMIC\n ${body}\nEND`, 10)?.sql).toBe(`${header}    AS $body$${body}$body$;${tail}`);
});
