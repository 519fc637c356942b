import { expect, it } from "vitest";
import { extractNumeric } from "./extract-numeric.ts";
import { entryOf, outcomeOf } from "./rule-outcome.ts";

const view = (expression: string) => entryOf("VIEW", `CREATE VIEW s.v AS\n SELECT ${expression} AS e\n   FROM s.t;`);
const rewritten = (expression: string) => outcomeOf(extractNumeric, view(expression), 18, 13)?.sql?.slice("CREATE VIEW s.v AS\n SELECT ".length, -" AS e\n   FROM s.t;".length);

const finite = (call: string) => `NULLIF(NULLIF(${call}, 'Infinity'::double precision), '-Infinity'::double precision)`;

it("keeps EXTRACT numeric before 14, with the digits that a field has", () => {
  expect(rewritten("EXTRACT(day FROM ts)")).toBe("((EXTRACT(day FROM ts))::numeric)");
  expect(rewritten("EXTRACT(year FROM ts)")).toBe(`((${finite("EXTRACT(year FROM ts)")})::numeric)`);
  expect(rewritten("EXTRACT(second FROM ts)")).toBe("round((EXTRACT(second FROM ts))::numeric, 6)");
  expect(rewritten("EXTRACT(milliseconds FROM i)")).toBe("round((EXTRACT(milliseconds FROM i))::numeric, 3)");
  expect(rewritten("EXTRACT(epoch FROM (ts)::date)")).toBe(`((${finite("EXTRACT(epoch FROM (ts)::date)")})::numeric)`);
});

it("knows fields by all their spellings", () => {
  for (const spelling of ["s", "secs", "SECONDS", "'Seconds'"]) expect(rewritten(`EXTRACT(${spelling} FROM ts)`)).toBe(`round((EXTRACT(${spelling} FROM ts))::numeric, 6)`);
  for (const spelling of ["ms", "millisecond", "MSecs"]) expect(rewritten(`EXTRACT(${spelling} FROM ts)`)).toBe(`round((EXTRACT(${spelling} FROM ts))::numeric, 3)`);
  for (const spelling of ["us", "microseconds", "USECS"]) expect(rewritten(`EXTRACT(${spelling} FROM ts)`)).toBe(`((EXTRACT(${spelling} FROM ts))::numeric)`);
  expect(rewritten("EXTRACT(YRS FROM ts)")).toBe(`((${finite("EXTRACT(YRS FROM ts)")})::numeric)`);
});

it("puts the epoch together from whole seconds and microseconds, unless that would ask a function twice", () => {
  const exact = (epoch: string, time: string) =>
    `((((EXTRACT(${epoch} FROM ${time}) - (EXTRACT(microseconds FROM ${time}) / (1000000)::double precision)))::bigint)::numeric + ((EXTRACT(microseconds FROM ${time}))::numeric * 0.000001))`;
  const once = (time: string) => `((((${finite(`EXTRACT(epoch FROM ${time})`)} * (1000000)::double precision))::bigint)::numeric * 0.000001)`;
  expect(rewritten("EXTRACT(EPOCH FROM max(ts))")).toBe(exact("EPOCH", "max(ts)"));
  for (const time of ["clock_timestamp()", "public.f(ts)", `public."F f"(ts)`, "(ts OPERATOR(public.+) 1)", "( SELECT t.ts\n FROM t)"])
    expect(rewritten(`EXTRACT(epoch FROM ${time})`)).toBe(once(time));
});

it("stays double precision where that is the same: compared with a whole number", () => {
  expect(rewritten("(EXTRACT(year FROM ts) > (1990)::numeric)")).toBeUndefined();
  expect(rewritten("(EXTRACT(year FROM ts))::double precision")).toBeUndefined();
  expect(rewritten("(EXTRACT(second FROM ts) > (30)::numeric)")).toBe("(round((EXTRACT(second FROM ts))::numeric, 6) > (30)::numeric)");
});

it("finds where it ends, also when it stands in itself and beside strings that look like it", () => {
  expect(rewritten(`f(EXTRACT(day FROM g("EXTRACT(", 'EXTRACT(x)'::text, EXTRACT(second FROM ts))), 2)`)).toBe(
    `f(((EXTRACT(day FROM g("EXTRACT(", 'EXTRACT(x)'::text, round((EXTRACT(second FROM ts))::numeric, 6))))::numeric), 2)`,
  );
  const body = entryOf("FUNCTION", "CREATE FUNCTION s.f() RETURNS numeric\n    LANGUAGE sql\n    AS $$select EXTRACT(year FROM now())$$;");
  expect(outcomeOf(extractNumeric, body, 18, 13)).toBeUndefined();
});

it("has a note only where digits or infinity may be lost", () => {
  const note = (expression: string) => outcomeOf(extractNumeric, view(expression), 14, 13)?.note;
  for (const field of ["julian", "JD"]) expect(note(`EXTRACT(${field} FROM ts)`)).toMatch(/15 significant digits/);
  for (const field of ["epoch", "year", "decade"]) expect(note(`EXTRACT(${field} FROM ts)`)).toMatch(/^EXTRACT of an infinite time is NULL there[^;]*$/);
  expect(note("EXTRACT(epoch FROM public.f())")).toMatch(/; EXTRACT\(epoch …\) of what a function or query answers/);
  for (const finite of ["second FROM ts", "day FROM ts", "epoch FROM now()", "epoch FROM clock_timestamp()", "year FROM CURRENT_DATE", "year FROM CURRENT_TIMESTAMP(3)"])
    expect(note(`EXTRACT(${finite})`)).toBeUndefined();
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

it("leaves whole columns of a partition key alone, where what is infinite has its place", () => {
  const table = (key: string) => entryOf("TABLE", `CREATE TABLE s.x (\n    ts timestamp without time zone\n)\nPARTITION BY ${key};`);
  expect(outcomeOf(extractNumeric, table("RANGE (a, EXTRACT(year FROM ts))"), 14, 13)).toBeUndefined();
  for (const key of ["HASH (EXTRACT(year FROM ts))", "RANGE (((EXTRACT(year FROM ts) / a)))", "LIST (EXTRACT(second FROM ts))"])
    expect(outcomeOf(extractNumeric, table(key), 14, 13)?.sql).toContain("::numeric");
});
