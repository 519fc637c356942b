import { describe, expect, it } from "vitest";
import { createDatabase, type TestDatabase } from "../../kit/databases.ts";
import { OUTER_MAJORS } from "../../kit/majors.ts";
import { selectAndMove, selector, titleOf } from "./select-and-move.ts";

async function databaseOf(major: TestDatabase["major"], sql: string): Promise<TestDatabase> {
  const source = await createDatabase(major, "template template0");
  await source.query(sql);
  return source;
}

describe.each(OUTER_MAJORS)("what a selection of PostgreSQL %i takes along", (major) => {
  const hasIndexTrees = major >= 11;

  it("partitions of a partitioned table, in any schema and depth", async () => {
    const source = await databaseOf(
      major,
      `create schema parts;
       create table root (id int not null, at date not null) partition by range (at);
       create table parts.y2023 partition of root for values from ('2023-01-01') to ('2024-01-01');
       create table "root 2024" partition of root for values from ('2024-01-01') to ('2025-01-01') partition by list (id);
       create table "root 2024 one" partition of "root 2024" for values in (1);
       create table "root 2024 two" partition of "root 2024" for values in (2);
       create table other (like root) partition by range (at);
       create table other_1 partition of other for values from ('2023-01-01') to ('2024-01-01');
       ${hasIndexTrees ? "create index root_at on root (at); create index other_at on other (at);" : ""}
       insert into root values (1, '2023-05-05'), (1, '2024-05-05'), (2, '2024-05-05')`,
    );
    const attached = (table: string, index: string): string[] => [`TABLE ATTACH ${table}`, `TABLE ${table}`, ...(hasIndexTrees ? [`INDEX ${index}`, `INDEX ATTACH ${index}`] : [])];
    const top = [...(hasIndexTrees ? ["INDEX public.root_at"] : []), "SCHEMA parts", "TABLE public.root", ...attached("parts.y2023", "parts.y2023_at_idx")];
    const year = [...attached("public.root 2024", "public.root 2024_at_idx"), ...attached("public.root 2024 one", "public.root 2024 one_at_idx")];
    const two = attached("public.root 2024 two", "public.root 2024 two_at_idx");

    const all = await selectAndMove(source, { include: ["table=root"] });
    expect(all.moved).toEqual([...top, ...year, ...two].toSorted());
    expect(await all.target.query("select count(*)::int from root")).toEqual([{ count: 3 }]);
    const withoutTwo = await selectAndMove(source, { include: ["table=public.root"], exclude: ["table=*two"] });
    expect(withoutTwo.moved).toEqual([...top, ...year].toSorted());
    // an excluded root takes its partitions with it
    expect((await selectAndMove(source, { exclude: ["table=root"] })).moved).toEqual(
      ["SCHEMA parts", "TABLE public.other", ...attached("public.other_1", "public.other_1_at_idx"), ...(hasIndexTrees ? ["INDEX public.other_at"] : [])].toSorted(),
    );
  });

  it("extensions that own a type, a function or an operator class", async () => {
    const source = await databaseOf(
      major,
      `create schema ext; create schema "Other"; create schema unused;
       create extension hstore schema ext; create extension citext schema "Other"; create extension pg_trgm schema ext; create extension btree_gist schema unused;
       grant execute on function ext.hstore(text, text) to current_user; revoke execute on function ext.hstore(text, text), ext.similarity(text, text), "Other".citext(boolean), unused.gbt_oid_fetch(internal) from public;
       create table typed (h ext.hstore, c "Other".citext[], t text);
       create index typed_t on typed using gin (t ext.gin_trgm_ops);
       grant usage on schema ext to public;
       insert into typed values ('a=>1', '{A,b}', 'text');
       create table plain (id int)`,
    );
    const { moved } = await selectAndMove(source, { include: ["table=public.typed"] });
    expect((await selector(source))({ include: ["extension=citext"] }).entries.map(titleOf)).toEqual([
      "SCHEMA Other",
      "EXTENSION citext",
      "COMMENT EXTENSION citext",
      "ACL Other.FUNCTION citext(boolean)",
    ]);
    expect(moved.filter((title) => !title.startsWith("COMMENT "))).toEqual(
      [
        "ACL Other.FUNCTION citext(boolean)",
        "ACL SCHEMA ext",
        "ACL ext.FUNCTION hstore(text, text)",
        "ACL ext.FUNCTION similarity(text, text)",
        "EXTENSION citext",
        "EXTENSION hstore",
        "EXTENSION pg_trgm",
        "INDEX public.typed_t",
        "SCHEMA Other",
        "SCHEMA ext",
        "TABLE public.typed",
      ].toSorted(),
    );
    const hstore = (await selector(source))({ include: ["extension=hstore"] });
    expect(hstore.entries.map(titleOf).filter((title) => title.startsWith("ACL ext."))).toEqual(["ACL ext.FUNCTION hstore(text, text)"]);
    const without = await selectAndMove(source, { exclude: ["table=typed", "schema=ext", "extension=citext", "schema=Other"] });
    expect(without.moved.filter((title) => !title.startsWith("COMMENT "))).toEqual([
      "ACL unused.FUNCTION gbt_oid_fetch(internal)",
      "EXTENSION btree_gist",
      "SCHEMA unused",
      "TABLE public.plain",
    ]);
  });

  it("operator classes, operators and functions of a type, casts between what moves", async () => {
    const source = await databaseOf(
      major,
      `create type level as enum ('low', 'high'); create type other as enum ('x');
       create function level_less(level, level) returns boolean language internal immutable strict as 'enum_lt';
       create function level_rank(level) returns int language internal immutable strict as 'hashenum';
       create function other_rank(other) returns int language internal immutable strict as 'hashenum';
       create function level_compare(level, level) returns int language internal immutable strict as 'enum_cmp';
       create operator <<| (leftarg = level, rightarg = level, procedure = level_less);
       create operator |>> (leftarg = level, rightarg = level, procedure = level_less);
       create operator class level_ops for type level using btree as operator 1 <<|, function 1 level_compare(level, level);
       create cast (level as int) with function level_rank(level);
       create cast (other as int) with function other_rank(other);
       create domain rank as int check (value::text <> 'x');
       create table leveled (l level, r int); create index leveled_l on leveled (l level_ops);
       create view ranked as select l::int as rank from leveled`,
    );
    const table = ["FUNCTION public.level_compare(public.level, public.level)", "FUNCTION public.level_less(public.level, public.level)", "INDEX public.leveled_l", "OPERATOR CLASS public.level_ops",
      "OPERATOR FAMILY public.level_ops", "OPERATOR public.<<|", "TABLE public.leveled", "TYPE public.level"]; // prettier-ignore
    expect((await selectAndMove(source, { include: ["table=leveled"] })).moved).toEqual(table);
    const view = ["CAST CAST (public.level AS integer)", "FUNCTION public.level_rank(public.level)", "VIEW public.ranked"];
    expect((await selectAndMove(source, { include: ["table=leveled", "view=ranked"] })).moved).toEqual([...table, ...view].toSorted());
    // excluding a function takes with it what no pattern names
    const rest = await selectAndMove(source, { exclude: ["function=level_rank", "function=other_rank", "view=ranked"] });
    expect(rest.moved).toEqual([...table, "DOMAIN public.rank", "OPERATOR public.|>>", "TYPE public.other"].toSorted());
  });

  it("parents that are named, identity and inherited defaults", async () => {
    const source = await databaseOf(
      major,
      `create table parent (id int generated by default as identity, name text default 'x'); create table parent_b (extra text);
       create table child (own int) inherits (parent, parent_b); alter table child alter name drop default;
       create table grandchild () inherits (child); create table stranger () inherits (parent);
       create materialized view one as select name from parent; create materialized view two as select * from one; create view three as select * from two`,
    );
    const { moved } = await selectAndMove(source, { include: ["table=public.parent*", "table=child", "materialized-view=*", "view=three"] });
    expect(moved).toEqual(
      [
        "DEFAULT public.child name",
        "MATERIALIZED VIEW public.one",
        "MATERIALIZED VIEW public.two",
        "SEQUENCE public.parent_id_seq",
        "TABLE public.child",
        "TABLE public.parent",
        "TABLE public.parent_b",
        "VIEW public.three",
      ].toSorted(),
    );
  });

  it("foreign servers with their user mappings", async () => {
    const source = await databaseOf(
      major,
      `create schema ext; create extension file_fdw schema ext; create foreign data wrapper dummy;
       create server files foreign data wrapper file_fdw; create server "my files" foreign data wrapper dummy; create server unused foreign data wrapper dummy;
       create user mapping for public server files; create user mapping for public server "my files";
       create foreign table remote (id int) server "my files"; create foreign table remote_too (id int) server unused`,
    );
    expect((await selectAndMove(source, { include: ["table=remote"] })).moved).toEqual(
      ["FOREIGN DATA WRAPPER dummy", "FOREIGN TABLE public.remote", "SERVER my files", "USER MAPPING USER MAPPING public SERVER my files"].toSorted(),
    );
  });

  it.runIf(major >= 14)("what SQL bodies and generated columns use", async () => {
    const source = await databaseOf(
      major,
      `create schema lib; create table lib.rates (rate int); create type lib.unit as enum ('m'); create collation lib.c from "C";
       create function lib.base(int) returns int language sql immutable return $1 + 1;
       create function lib.of_unit(u lib.unit default 'm') returns int language sql immutable begin atomic select lib.base(1); end;
       create function lib.unused() returns bigint language sql begin atomic select count(*) from lib.rates; end;
       create table measured (v int, w int generated always as (v + lib.of_unit()) stored, t text collate lib.c)`,
    );
    expect((await selectAndMove(source, { include: ["table=measured"] })).moved).toEqual(
      ["COLLATION lib.c", "FUNCTION lib.base(integer)", "FUNCTION lib.of_unit(lib.unit)", "SCHEMA lib", "TABLE public.measured", "TYPE lib.unit"].toSorted(),
    );
  });

  it("objects of odd names, and none whose name is only alike", async () => {
    const odd = ['a.b', 'Upper', 'has "quotes"', "it's", "ünïcode 表", "100%_*?", "100%_xy", "back\\slash", "two\nlines", "a,b=c", "b", "upper", " lead"]; // prettier-ignore
    const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;
    const schemas = ["a", "a.b", "Odd*"];
    const tables = schemas.map((schema) =>
      odd.map((name) => `create table ${quote(schema)}.${quote(name)} (id int, "a b" int, k int) partition by list (id);
        create table ${quote(schema)}.${quote(`${name} 1`)} partition of ${quote(schema)}.${quote(name)} for values in (1);`).join("\n")); // prettier-ignore
    const source = await databaseOf(major, `${schemas.map((schema) => `create schema ${quote(schema)};`).join("\n")} ${tables.join("\n")}`);
    const select = await selector(source);
    const chosen = (...include: string[]): string[] =>
      select({ include })
        .entries.filter(({ type, name }) => type === "TABLE" && !name.endsWith(" 1"))
        .map(({ schema, name }) => `${schema} ${name}`)
        .toSorted();
    const { target } = await selectAndMove(source, { include: odd.map((name) => `table=a.${quote(name)}`) });
    const moved = await target.query<{ schema: string; name: string }>(
      "select relnamespace::regnamespace::text as schema, relname as name from pg_class where relkind in ('p', 'r') and relnamespace >= 16384",
    );
    expect(moved.map(({ schema, name }) => `${schema} ${name}`).toSorted()).toEqual(odd.flatMap((name) => [`a ${name}`, `a ${name} 1`]).toSorted());
    expect(chosen('table="a.b"."a.b"', 'table="a.b".Upper', 'table="Odd*"."100%_*?"')).toEqual(["Odd* 100%_*?", "a.b Upper", "a.b a.b"]);
    // Dots outside of quotes may part schema and name anywhere.
    expect(chosen("table=a.b.b")).toEqual(["a.b b"]);
    expect(chosen("table=a.a.b", "table=?dd?.100%_x*")).toEqual(["Odd* 100%_xy", "a a.b"]);
    expect(chosen("schema=a.b")).toEqual(odd.map((name) => `a.b ${name.replace("\n", " ")}`).toSorted());
  });
});
