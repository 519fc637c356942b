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
