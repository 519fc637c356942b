import { expect, it } from "vitest";
import { namesInBody } from "./body-names.ts";

const of = (body: string): string[] => namesInBody(body).map(({ kind, schema, name }) => `${kind} ${schema === undefined ? "" : `${schema}.`}${name}`);

it("sees what is called, read, written and cast to, with its schema", () => {
  expect(of("begin return Lowered($1) || public.other ( $1 ); end")).toEqual(["function lowered", "operator ||", "function public.other"]);
  expect(of(`select 1 from zones join "My s"."T ""x""" on true`)).toEqual(["relation zones", 'relation My s.T "x"']);
  expect(of("update only a set b = 1; insert into c.d (x) values (1); delete from e using f")).toEqual([
    "relation only",
    "relation a",
    "operator =",
    "relation c.d",
    "function values",
    "relation e",
    "relation f",
  ]);
  expect(of('select $1::mood, cast($1 as s.kind), x::"Odd"')).toEqual(["type mood", "function cast", "type s.kind", "type Odd"]);
  expect(of("declare r zones%rowtype; begin return a <~ b; end")).toEqual(["relation zones", "operator %", "operator <~"]);
});

it("does not look into comments and strings", () => {
  expect(of("-- f(x)\n/* g(x) */ select 'h(x) '' from t' || $q$ from u $q$ || E'i(' || 1.5")).toEqual(["operator ||"]);
});

it("sees the types of variables", () => {
  const declared = `<<l>> declare m mood; "N" constant s.kind not null := 'a'; a pair[] = null; t text collate mine default 'x'; begin
    null; declare d dom; begin null; end; end`;
  expect(of(declared)).toEqual(["operator <<", "operator >>", "type mood", "type s.kind", "operator =", "type pair", "type text", "collation mine", "type dom"]);
  expect(of("declare x k.a%type; y s.k.a%type; z x%type; r kinds%rowtype; q s.kinds%rowtype; begin end")).toEqual([
    "relation k",
    "operator %",
    "relation s.k",
    "relation kinds",
    "relation s.kinds",
  ]);
  expect(
    of("declare n int; w character varying; d double precision; p alias for $1; c scroll cursor for select 1; e no scroll cursor for select 2; f cursor for select 3; begin end"),
  ).toEqual([]);
});

it("sees every relation of a list", () => {
  expect(of("select a, b from public.k1, k2 x, only s.k3, lateral (select c, d) y join k4 on f(g, h) = array[i, j], k5 where l in (m, n) order by o, p")).toEqual([
    "relation public.k1",
    "relation k2",
    "relation only",
    "relation s.k3",
    "function lateral",
    "relation k4",
    "function f",
    "operator =",
    "relation k5",
    "function in",
  ]);
  expect(of("select a is distinct from b, c; select d, e into f from g; h(i, j)")).toEqual(["relation f", "relation g", "function h"]);
});

it("sees types of literals, and no others before strings", () => {
  expect(of("return posint '5' + \"Odd\" E'a\\'b' > all(array[mood 'a', s.kind 'b'])")).toEqual([
    "type posint",
    "operator +",
    "type Odd",
    "operator >",
    "function all",
    "type mood",
    "type s.kind",
  ]);
  expect(
    of(`declare x text default 'a'; begin raise notice 'a'; execute 'a'; if $1 like 'a' escape 'b' and x between 'a' and 'b' then return b'1'; else raise 'c'; end if;
      return case when x at time zone 'z' then 'a' else 'b' end; exception when sqlstate '22012' then return x'1f'; end`).filter((name) => name !== "type text"),
  ).toEqual([]);
});

it("sees collations and text search configurations", () => {
  expect(of(`select $1 collate mine, $1 collate s."Other"`)).toEqual(["collation mine", "collation s.Other"]);
  expect(
    of(`select to_tsvector('mine', $1) @@ websearch_to_tsquery('s."Other"'::regconfig, 'x'), pg_catalog.ts_headline('third', $1, $2), to_tsvector('text'), lower('a', 'b')`),
  ).toEqual([
    "function to_tsvector",
    "configuration mine",
    "operator @@",
    "function websearch_to_tsquery",
    "configuration s.Other",
    "type regconfig",
    "function pg_catalog.ts_headline",
    "configuration third",
    "function lower",
  ]);
});
