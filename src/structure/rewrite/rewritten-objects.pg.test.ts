import { describe, expect, it } from "vitest";
import { type TestDatabase, createDatabase } from "../../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../../test/kit/majors.ts";
import type { Major } from "../../embedded/binaries.ts";
import { openSession } from "../../wire/session.ts";
import { applyEntries, prepareForEntries } from "../apply-entries.ts";
import { dumpStructure } from "../dump.ts";
import { parseDump } from "../parse-dump.ts";
import { type Rewritten, findRemovedFeatures, rewriteEntries } from "./index.ts";

const { signal } = new AbortController();

/** Dumps, rewrites and applies: what a migration does with the structure. */
async function move(source: TestDatabase, target: TestDatabase): Promise<Rewritten> {
  const text = await dumpStructure(source.endpoint("source"), { snapshot: undefined, publications: false, noOwner: false, noPrivileges: false, program: undefined }, signal);
  const rewritten = await rewriteEntries(parseDump(text), { sourceVersionNum: source.major * 10_000, targetVersionNum: target.major * 10_000, wholeDatabase: true });
  await using session = await openSession(target.endpoint("target"));
  await prepareForEntries(session);
  await applyEntries(session, rewritten.entries, () => undefined, signal);
  return rewritten;
}

async function pair(source: Major, target: Major): Promise<[TestDatabase, TestDatabase]> {
  return [await createDatabase(source), await createDatabase(target)];
}

describe.skipIf(!TEST_MAJORS.includes(10) || !TEST_MAJORS.includes(18))("objects that a rule changed work on the target", () => {
  it("polymorphic aggregates and operators over array_append, from 10 to 18", async () => {
    const [source, target] = await pair(10, 18);
    await source.query(`
      create aggregate accumulate(anyelement) (sfunc = array_append, stype = anyarray, initcond = '{}');
      comment on aggregate accumulate(anyelement) is 'c';
      revoke execute on function accumulate(anyelement) from public;
      create operator |+ (leftarg = anyarray, rightarg = anyelement, procedure = array_append);
      comment on operator |+ (anyarray, anyelement) is 'c';
      create view used as select accumulate(i) as a, array[1, 2] operator(public.|+) 3 as b from generate_series(1, 3) i`);
    expect((await move(source, target)).impossible).toEqual([]);
    expect(await target.query("select a::text, b::text from used")).toEqual([{ a: "{1,2,3}", b: "{1,2,3}" }]);
  });

  it("SQL-standard bodies, from 18 to 10", async () => {
    const [source, target] = await pair(18, 10);
    await source.query(`
      create table counted (n integer);
      create function add_one(n integer) returns integer begin atomic insert into counted values (n); select case when n > 1 then n + 1 else -1 end; end;
      create function shout(t text) returns text immutable return upper(t) || ';$body$'`);
    const { notes } = await move(source, target);
    expect(notes).toHaveLength(2);
    expect(await target.query("select add_one(5) as a, shout('x') as s")).toEqual([{ a: 6, s: "X;$body$" }]);
    expect(await target.query("select n from counted")).toEqual([{ n: 5 }]);
  });

  it("substrings by pattern, in a view and in SQL-standard bodies, from 18 to 10", async () => {
    const [source, target] = await pair(18, 10);
    await source.query(`
      create view cut as select substring(substring(x from 'a#"%#"d' for '#') from '#"_#"%' for substring('#' from 1 for 1)) as s from (values ('abcd')) as v (x);
      create function cut_return(x text) returns text return substring(x from 'a#"%#"d' for '#');
      create function cut_atomic(x text) returns text begin atomic select substring(x from 'a#"%#"d' for '#'); end`);
    expect((await move(source, target)).impossible).toEqual([]);
    expect(await target.query("select s, cut_return('abcd') as r, cut_atomic('abcd') as a from cut")).toEqual([{ s: "b", r: "bc", a: "bc" }]);
  });

  it("schema public is as closed on 10 as it was on 18, and as open on 18 as it was on 10", async () => {
    const mayCreate = "select has_schema_privilege('pg_monitor', 'public', 'create') as may";
    const [new18, old10] = await pair(18, 10);
    await move(new18, old10);
    expect(await old10.query(mayCreate)).toEqual([{ may: false }]);
    const [old, current] = await pair(10, 18);
    await move(old, current);
    expect(await current.query(mayCreate)).toEqual([{ may: true }]);
  });

  it("default privileges that leave an owner nothing leave nothing on 18 either", async () => {
    const [source, target] = await pair(10, 18);
    await source.query("alter default privileges revoke all on tables from current_user");
    await move(source, target);
    expect(await target.query("select defaclacl::text as acl from pg_default_acl")).toEqual([{ acl: "{}" }]);
  });

  it("rights on what only one of the majors has are left out, and follow functions that got another argument, between 10 and 18", async () => {
    const mayEnd = (args: string) => `select has_function_privilege('public', 'pg_terminate_backend(${args})', 'execute') as may`;
    const [old, current] = await pair(10, 18);
    await old.query(`
      grant execute on function pg_start_backup(text, boolean, boolean) to pg_monitor;
      revoke execute on function pg_terminate_backend(integer) from public;
      grant execute on function pg_create_logical_replication_slot(name, name, boolean) to pg_monitor;
      grant select (buffers_backend) on pg_stat_bgwriter to pg_monitor;
      grant select on pg_pltemplate to pg_monitor;
      revoke usage on type abstime from public`);
    const up = await move(old, current);
    expect(up.notes.filter((note) => note.endsWith("left out, the target has no such object")).map((note) => note.replace(/[(:].*/, ""))).toEqual([
      "ACL pg_catalog.TYPE abstime", "ACL pg_catalog.FUNCTION pg_start_backup", "ACL pg_catalog.TABLE pg_pltemplate", "ACL pg_catalog.COLUMN pg_stat_bgwriter.buffers_backend",
    ]); // prettier-ignore
    expect(await current.query(mayEnd("integer, bigint"))).toEqual([{ may: false }]);

    const [new18, old10] = await pair(18, 10);
    await new18.query(`
      grant execute on function pg_backup_start(text, boolean) to pg_monitor; grant select on pg_stat_io to pg_monitor; grant usage on type pg_snapshot to pg_monitor;
      revoke execute on function pg_terminate_backend(integer, bigint) from public`);
    const down = await move(new18, old10);
    expect(down.notes.filter((note) => note.endsWith("left out, the target has no such object"))).toHaveLength(3);
    expect(await old10.query(mayEnd("integer"))).toEqual([{ may: false }]);
  });

  it("not-null constraints that are not valid go on refusing nulls", async () => {
    const [source, target] = await pair(18, 10);
    await source.query("create table t (a integer); insert into t values (null); alter table t add constraint there not null a not valid");
    await move(source, target);
    await expect(target.query("insert into t values (null)")).rejects.toMatchObject({ code: "23514", constraint: "there" });
    expect(await target.query("select convalidated from pg_constraint where conname = 'there'")).toEqual([{ convalidated: false }]);
  });
});

describe.skipIf(!TEST_MAJORS.includes(18))("exclusion constraints of partitioned tables", () => {
  it("come back attached, from 18 to 18", async () => {
    const [source, target] = await pair(18, 18);
    await source.query(
      `
      create table p (during int4range, exclude using gist (during with &&)) partition by range (during);
      create table p1 partition of p for values from ('[0,1)') to ('[100,101)') partition by range (during);
      create table p11 partition of p1 for values from ('[0,1)') to ('[50,51)')`.replaceAll("exclude using gist (during with &&)", "exclude using gist (during with =)"),
    );
    await move(source, target);
    const attached =
      "select inhrelid::regclass::text as child, inhparent::regclass::text as parent from pg_inherits join pg_class c on c.oid = inhrelid where c.relkind in ('i', 'I') order by 1";
    expect(await target.query(attached)).toEqual(await source.query(attached));
  });
});

describe.skipIf(!TEST_MAJORS.includes(10))("findRemovedFeatures", () => {
  it("names tables with oids and the old types, also in arrays, domains and arguments", async () => {
    const database = await createDatabase(10);
    await database.query(`
      create table "With Oids" (a integer) with oids;
      create table times (a abstime, b reltime[], c interval);
      create domain d as tinterval;
      create function f(abstime) returns integer language sql as 'select 1'`);
    await using session = await openSession(database.endpoint("source"));
    const found = async (target: number) =>
      (await findRemovedFeatures(session, { sourceVersionNum: 100000, targetVersionNum: target * 10_000 })).map(({ since, objects }) => [since, objects]);
    expect(await found(11)).toEqual([[12, ['TABLE public."With Oids"']]]);
    expect(await found(18)).toEqual([
      [12, ['TABLE public."With Oids"']],
      [12, ["COLUMN public.times.a", "COLUMN public.times.b", "FUNCTION public.f(abstime)", "TYPE public.d"]],
    ]);
  });
});
