import { expect, it } from "vitest";
import { extractNumeric } from "./extract-numeric.ts";
import { entryOf, outcomeOf } from "./rule-outcome.ts";

const view = (expression: string) => entryOf("VIEW", `CREATE VIEW s.v AS\n SELECT ${expression} AS e\n   FROM s.t;`);
const rewritten = (expression: string) => outcomeOf(extractNumeric, view(expression), 18, 13)?.sql?.slice("CREATE VIEW s.v AS\n SELECT ".length, -" AS e\n   FROM s.t;".length);

it("keeps EXTRACT numeric before 14, with the digits that a field has", () => {
  expect(rewritten("EXTRACT(year FROM ts)")).toBe("((EXTRACT(year FROM ts))::numeric)");
  expect(rewritten("EXTRACT(second FROM ts)")).toBe("round((EXTRACT(second FROM ts))::numeric, 6)");
  expect(rewritten("EXTRACT(milliseconds FROM i)")).toBe("round((EXTRACT(milliseconds FROM i))::numeric, 3)");
  expect(rewritten("EXTRACT(epoch FROM ts)")).toBe("((((EXTRACT(epoch FROM ts) * (1000000)::double precision))::bigint)::numeric * 0.000001)");
  expect(rewritten("EXTRACT(epoch FROM (ts)::date)")).toBe("((EXTRACT(epoch FROM (ts)::date))::numeric)");
});

it("finds where it ends, also when it stands in itself and beside strings that look like it", () => {
  expect(rewritten(`f(EXTRACT(day FROM g("EXTRACT(", 'EXTRACT(x)'::text, EXTRACT(second FROM ts))), 2)`)).toBe(
    `f(((EXTRACT(day FROM g("EXTRACT(", 'EXTRACT(x)'::text, round((EXTRACT(second FROM ts))::numeric, 6))))::numeric), 2)`,
  );
  const body = entryOf("FUNCTION", "CREATE FUNCTION s.f() RETURNS numeric\n    LANGUAGE sql\n    AS $$select EXTRACT(year FROM now())$$;");
  expect(outcomeOf(extractNumeric, body, 18, 13)).toBeUndefined();
});

it("has a note only where digits may be lost", () => {
  expect(outcomeOf(extractNumeric, view("EXTRACT(julian FROM ts)"), 14, 13)?.note).toMatch(/15 significant digits/);
  expect(outcomeOf(extractNumeric, view("EXTRACT(second FROM ts)"), 14, 13)?.note).toBeUndefined();
});

it("leaves the columns of an index alone, which queries on the older target look for as they are written", () => {
  const index = (columns: string) => entryOf("INDEX", `CREATE INDEX i ON s.t USING btree (${columns}) WHERE (EXTRACT(year FROM ts) > (2000)::numeric);`);
  expect(outcomeOf(extractNumeric, index("a, EXTRACT(year FROM ts) DESC"), 14, 13)).toBeUndefined();
  expect(outcomeOf(extractNumeric, index("EXTRACT(year FROM ts), round(EXTRACT(second FROM ts), 2)"), 14, 13)?.sql).toBe(
    index("EXTRACT(year FROM ts), round(round((EXTRACT(second FROM ts))::numeric, 6), 2)").sql,
  );
});

it("is not for targets that compute it themselves, nor for sources that wrote date_part", () => {
  expect(outcomeOf(extractNumeric, view("EXTRACT(year FROM ts)"), 18, 14)).toBeUndefined();
  expect(outcomeOf(extractNumeric, view("date_part('year'::text, ts)"), 18, 13)).toBeUndefined();
});
