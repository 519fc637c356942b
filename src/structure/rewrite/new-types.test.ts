import { expect, it } from "vitest";
import { newTypes } from "./new-types.ts";
import { entryOf, outcomeOf } from "./rule-outcome.ts";

it.each([
  ["TABLE", "CREATE TABLE s.x (\n    p jsonpath[]\n);", 12],
  ["FUNCTION", "CREATE FUNCTION s.f(anycompatible) RETURNS xid8\n    LANGUAGE sql\n    AS $$select null$$;", 13],
  ["DOMAIN", "CREATE DOMAIN s.d AS pg_catalog.int4multirange;", 14],
  ["VIEW", "CREATE VIEW s.v AS\n SELECT ('{}'::text)::datemultirange AS m;", 14],
  ["AGGREGATE", "CREATE AGGREGATE s.a(tsmultirange) (\n    SFUNC = s.f,\n    STYPE = tsmultirange\n);", 14],
])("%s %s is impossible before %i", (type, sql, since) => {
  expect(outcomeOf(newTypes, entryOf(type, sql), 18, since - 1)?.impossible?.since).toBe(since);
  expect(outcomeOf(newTypes, entryOf(type, sql), 18, since)).toBeUndefined();
});

it("knows the multiranges of own range types, whatever their name", () => {
  const range = entryOf("TYPE", 'CREATE TYPE s.r AS RANGE (\n    subtype = text,\n    multirange_type_name = s."Many R"\n);', { name: "r", dumpId: 9 });
  const table = entryOf("TABLE", 'CREATE TABLE s.x (\n    a s."Many R"[]\n);');
  expect(outcomeOf(newTypes, table, 18, 13, [range])?.impossible?.since).toBe(14);
});

it("is not taken in by columns, own types and strings of that name", () => {
  expect(outcomeOf(newTypes, entryOf("TABLE", "CREATE TABLE s.x (\n    jsonpath text DEFAULT 'xid8',\n    b s.int4multirange\n);"), 18, 10)).toBeUndefined();
});
