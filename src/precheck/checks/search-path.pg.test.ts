import { expect, it } from "vitest";
import { itemsOf, mend, taskOptions } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { OUTER_MAJORS, TEST_MAJORS } from "../../../test/kit/majors.ts";
import { migrate } from "../../../test/kit/migrate.ts";
import { newProgress } from "../../task/events.ts";

const newest = TEST_MAJORS.at(-1)!;
const hooks = () => ({ report: () => undefined, progress: newProgress(), signal: new AbortController().signal });

it.each(OUTER_MAJORS)(
  "PostgreSQL %i: functions that need a search_path are named with the place that calls them; SQL mends it, and the rows arrive",
  { timeout: 120_000 },
  async (major) => {
    const [source, target] = [await createDatabase(major), await createDatabase(newest)];
    const ends = [source.endpoint("source"), target.endpoint("target")] as const;
    await source.query(`alter database ${source.name} set track_functions = 'all'`);
    await source.query(`create function lowered(text) returns text immutable language plpgsql as 'begin return lower($1); end';
    create schema "S"; create function "S"."Norm"(text) returns text strict immutable language plpgsql as 'begin return lowered($1); end';
    create table zones (z text); insert into zones values ('a');
    create function has(text) returns bool stable language plpgsql as 'begin return exists (select from zones where z = $1); end';
    create function qualified(text) returns text immutable language plpgsql as 'begin return public.lowered($1); end';
    create function pinned(text) returns text immutable language plpgsql set search_path = public as 'begin return lowered($1); end';
    create table "T" (t text); create index by_norm on "T" ("S"."Norm"(t)); create index fine on "T" (qualified(t)); create index pinned on "T" (pinned(t)); insert into "T" values (null), ('A');
    create table v (t text check (has(t))); insert into v values ('a')`);
    const [item] = await itemsOf("search-path", ...ends);
    expect(item).toMatchObject({
      result: "alarm",
      evidence: ["constraint v_t_check of public.v: public.has names zones of public", "index by_norm of public.T: S.Norm names lowered of public"],
      fixSql: `alter function "S"."Norm"(text) set search_path = "S", "public", pg_temp;\nalter function "public"."has"(text) set search_path = "public", pg_temp;`,
    });
    const exclude = [
      { kind: "table", pattern: "public.T" },
      { kind: "table", pattern: "public.v" },
    ] as const;
    expect(await itemsOf("search-path", ...ends, { exclude })).toMatchObject([{ result: "passed" }]);
    await mend(item, ...ends);
    expect(await itemsOf("search-path", ...ends)).toMatchObject([{ result: "passed" }]);
    if (major !== newest) return;
    await source.query(`insert into "T" values ('B')`);
    expect(await migrate(taskOptions(...ends, { acceptAlarms: true }), hooks())).toMatchObject({ state: "succeeded", rows: 5 });
  },
);

it("never runs a function of the database: whoever made it would do by it what our account may", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  await source.query(`alter database ${source.name} set track_functions = 'all'`);
  await source.query(`create function public.trap() returns void language plpgsql as 'begin perform pg_catalog.pg_advisory_lock(4711); end';
    create function public.f(int) returns int immutable language plpgsql as 'begin perform public.trap(); return $1; end';
    create table public.m (a int check (public.f(a) > 0)); create index on public.m (public.f(a)); insert into public.m select generate_series(1, 10)`);
  await source.query("select pg_stat_reset(), pg_advisory_unlock_all()");
  expect(await itemsOf("search-path", source.endpoint("source"), target.endpoint("target"))).toMatchObject([{ result: "passed", evidence: ["1 functions looked at"] }]);
  await expect.poll(async () => await source.query("select funcname from pg_stat_user_functions where schemaname = 'public'")).toEqual([]);
});

it("looks through calls, operators and their classes, partition keys and domains, and at what extensions brought", { timeout: 120_000 }, async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  const ends = [source.endpoint("source"), target.endpoint("target")] as const;
  await source.query(`create extension pg_trgm; create schema app;
    create function app.inner_f(int) returns int immutable language sql as 'select $1';
    create function app.outer_f(int) returns int immutable language plpgsql as 'begin return app.middle_f($1); end';
    create function app.middle_f(int) returns int immutable language plpgsql as 'begin return inner_f($1); end';
    set search_path = app;
    create table app.parted (id int) partition by list (app.outer_f(id)); create table app.part partition of app.parted default;
    create function app.near(a text, b text) returns bool immutable language plpgsql as 'begin return similarity(a, b) > 0; end';
    create operator app.<~ (leftarg = text, rightarg = text, function = app.near);
    create table app.pairs (a text, b text, check (a operator(app.<~) b));
    create function app.uses_operator(text) returns text immutable language sql as 'select case when $1 <~ $1 then $1 end';
    create domain app.word as text check (app.uses_operator(value) is not null); create table app.words (w app.word);
    create function app.cmp(int, int) returns int immutable language plpgsql as 'begin return app.inner_f($1) - inner_f($2); end';
    create operator class app.by_cmp for type int using btree as operator 1 <, operator 2 <=, operator 3 =, operator 4 >=, operator 5 >, function 1 app.cmp(int, int);
    create table app.classed (n int); create index by_cmp on app.classed (n app.by_cmp);
    create table app.late (id int, mail text); create function app.norm(text) returns text strict immutable language plpgsql as 'begin return lower(word_of($1)); end';
    create function app.word_of(text) returns text immutable language sql begin atomic select $1; end; create index on app.late (app.norm(mail));
    insert into app.late select i, null from generate_series(1, 200) i; insert into app.late values (201, 'A');
    create table app.gen (m text, l text generated always as (app.norm(m)) stored)`);
  await source.query("set search_path = app, public");
  const [item] = await itemsOf("search-path", ...ends);
  expect(item?.evidence).toEqual([
    "column l of app.gen: app.norm names word_of of app",
    "constraint pairs_check of app.pairs: app.near names similarity of public",
    "domain word in app.words: app.uses_operator names <~ of app",
    "index by_cmp of app.classed: app.cmp names inner_f of app",
    "index late_norm_idx of app.late: app.norm names word_of of app",
    "partition key of app.parted: app.middle_f names inner_f of app",
  ]);
  const broken = await createDatabase(newest);
  await expect(migrate(taskOptions(ends[0], broken.endpoint("target"), { acceptAlarms: true }), hooks())).rejects.toThrow("does not exist");
  await mend(item, ...ends);
  expect(await itemsOf("search-path", ...ends)).toMatchObject([{ result: "passed" }]);
  // What worked at the source works still, and now on the target, too.
  await source.query(
    "insert into app.parted values (1); insert into app.pairs values ('word', 'word'); insert into app.words values ('word'); insert into app.classed values (2), (1)",
  );
  expect(await migrate(taskOptions(...ends, { acceptAlarms: true }), hooks())).toMatchObject({ state: "succeeded", rows: 206 });
});

it("sees variables' types, lists of relations, typed literals, collations, text search configurations and range types", { timeout: 120_000 }, async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  const ends = [source.endpoint("source"), target.endpoint("target")] as const;
  await source.query(`create type mood as enum ('sad', 'ok'); create type pair as (a int, b int); create domain posint as int check (value > 0);
    create table kinds (id int, a int); create table k1 (id int); create table k2 (id int); insert into kinds values (1, 1); insert into k1 values (1); insert into k2 values (1);
    create collation mine (provider = libc, locale = 'C'); create text search configuration mine (copy = simple);
    create function of_enum(text) returns bool immutable language plpgsql as 'declare m mood; begin m := $1; return true; end';
    create function of_row(int) returns int immutable language plpgsql as 'declare r kinds; begin r.id := $1; return r.id; end';
    create function of_pair(int) returns int immutable language plpgsql as 'declare p constant pair := row($1, 1); begin return p.a; end';
    create function of_column(int) returns int immutable language plpgsql as 'declare x kinds.a%type := $1; begin return x; end';
    create function of_rowtype(int) returns int immutable language plpgsql as 'declare x kinds%rowtype; begin x.a := $1; return x.a; end';
    create function of_list(int) returns bool stable language plpgsql as 'begin return not exists (select from public.k1, k2 where k2.id < $1); end';
    create function of_literal(int) returns int immutable language plpgsql as 'begin return $1 + posint ''5''; end';
    create function of_collation(text) returns bool immutable language plpgsql as 'declare c text collate mine := $1; begin return c > ''''; end';
    create function of_search(text) returns tsvector immutable language plpgsql as 'begin return to_tsvector(''mine'', $1); end';
    create function d0(int, int) returns float8 immutable language sql as 'select ($1 - $2)::float8';
    create function d(int, int) returns float8 immutable language plpgsql as 'begin return d0($1, $2); end';
    create type span as range (subtype = int, subtype_diff = d);
    create table w (id int, t text check (of_enum(t)), check (of_collation(t)), check (of_list(id)), pair int generated always as (of_pair(id)) stored, part int generated always as (of_column(id)) stored);
    create index by_row on w (of_row(id)); create index by_rowtype on w (of_rowtype(id)); create index by_literal on w (of_literal(id)); create index by_search on w using gin (of_search(t));
    create index by_span on w using gist (span(id, id + 1)); insert into w select 1, 'ok' from generate_series(1, 1000);
    create table spans (s span); insert into spans values ('[1,2)'); create view of_spans as select s from spans`);
  const [item] = await itemsOf("search-path", ...ends);
  expect(item?.evidence).toEqual([
    "column pair of public.w: public.of_pair names pair of public",
    "column part of public.w: public.of_column names kinds of public",
    "column s of public.spans: public.d names d0 of public",
    "constraint w_id_check of public.w: public.of_list names k2 of public",
    "constraint w_t_check of public.w: public.of_enum names mood of public",
    "constraint w_t_check1 of public.w: public.of_collation names mine of public",
    "index by_literal of public.w: public.of_literal names posint of public",
    "index by_row of public.w: public.of_row names kinds of public",
    "index by_rowtype of public.w: public.of_rowtype names kinds of public",
    "index by_search of public.w: public.of_search names mine of public",
    "index by_span of public.w: public.d names d0 of public",
  ]);
  await mend(item, ...ends);
  expect(await itemsOf("search-path", ...ends)).toMatchObject([{ result: "passed" }]);
  expect(await migrate(taskOptions(...ends, { acceptAlarms: true }), hooks())).toMatchObject({ state: "succeeded", rows: 1004 });
  const rows = "select array(select w::text from w order by 1) || array(select s::text from spans) as rows";
  expect(await target.query(rows)).toEqual(await source.query(rows));
});

it("offers no SQL where it cannot be told which of several is meant", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  await source.query(`create schema a; create schema b; create function a.g(int) returns int immutable language sql as 'select $1'; create function b.g(int) returns int immutable language sql as 'select -$1';
    create function public.f(int) returns int immutable language plpgsql as 'begin return g($1); end'; create table t (n int check (public.f(n) = n))`);
  const [item] = await itemsOf("search-path", source.endpoint("source"), target.endpoint("target"));
  expect(item).toMatchObject({ result: "alarm", evidence: ["constraint t_n_check of public.t: public.f names g of a or b"] });
  expect(item?.fixSql).toBeUndefined();
});
