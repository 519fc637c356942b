import { describe, expect, it } from "vitest";
import { createAccount, itemsOf, itemsOfCheck, taskOptions } from "../../../test/kit/checks.ts";
import { type TestDatabase, createDatabase } from "../../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../../test/kit/majors.ts";
import type { Major } from "../../embedded/binaries.ts";
import { newProgress } from "../../task/events.ts";
import { migrate } from "../../../test/kit/migrate.ts";
import type { MigrationOptions } from "../../plan/migration-options.ts";
import type { CheckItem } from "../check.ts";
import type { CheckContext } from "../context.ts";
import { checkWithin } from "./values-representable.ts";

const check = async (source: TestDatabase, target: TestDatabase, changes: Partial<MigrationOptions> = {}): Promise<CheckItem[]> =>
  await itemsOf("values-representable", source.endpoint("source"), target.endpoint("target"), changes);

async function pair(source: Major, target: Major): Promise<[TestDatabase, TestDatabase]> {
  return [await createDatabase(source, "template template0 encoding 'UTF8'"), await createDatabase(target, "template template0 encoding 'UTF8'")];
}

const INFINITE = `
  create type money_range as range (subtype = numeric);
  create type "Pair" as (a integer, "Value" numeric);
  create domain amount as numeric;
  create domain amounts as amount[];
  create table fine (n numeric, p numeric(10, 2), t text, r numrange);
  insert into fine values (1, 2, 'Infinity', '[1,)'), (null, null, null, 'empty'), ('NaN', 'NaN', '-Infinity', null);
  create table "Odd t" ("n n" numeric, a numeric[], r numrange, d amount, c "Pair", ca "Pair"[], m money_range, dd amounts);
  insert into "Odd t" (c) values ((1, null)), (null);`;

describe.skipIf(!TEST_MAJORS.includes(10) || !TEST_MAJORS.includes(18))("values that an older major cannot hold, from 18 to 10", () => {
  it("infinity in numeric is found, wherever it stands, and nothing else is taken for it", async () => {
    const [source, target] = await pair(18, 10);
    await source.query(INFINITE);
    expect(await check(source, target)).toMatchObject([{ result: "passed", evidence: ["2 tables looked at"] }]);
    await source.query(`
      insert into "Odd t" ("n n") values ('Infinity'); insert into "Odd t" (a) values ('{1,-Infinity,NULL}'); insert into "Odd t" (r) values ('[1,infinity]');
      insert into "Odd t" (d) values ('-Infinity'); insert into "Odd t" (c) values ((1, 'Infinity')); insert into "Odd t" (ca) values (array[null, (1, 'Infinity')::"Pair"]);
      insert into "Odd t" (m) values ('[-Infinity,1]'); insert into "Odd t" (dd) values ('{Infinity}')`);
    const columns = ["n n", "a", "r", "d", "c", "ca", "m", "dd"];
    expect(await check(source, target)).toMatchObject([{ result: "failed", evidence: columns.map((column) => `public."Odd t".${column}: infinity in numeric (14)`) }]);
    expect(await check(source, target, { exclude: [{ kind: "table", pattern: "Odd t" }] })).toMatchObject([{ result: "passed" }]);
    expect(await check(source, target, { type: "structure" })).toEqual([]);
  });

  it("infinity in interval, which would arrive as 178 million years", async () => {
    const [source, target] = await pair(18, 10);
    await source.query(`create table t (i interval, a interval[], ok interval); insert into t values ('infinity', array['-infinity'::interval], '178000000 years')`);
    expect(await check(source, target)).toMatchObject([{ result: "failed", evidence: ["public.t.i: infinity in interval (17)", "public.t.a: infinity in interval (17)"] }]);
  });

  it("labels of ltree that are new in 16, wherever its extension and the values are", async () => {
    const [source, target] = await pair(18, 10);
    await source.query(`
      create schema "Ext"; create extension ltree schema "Ext"; set search_path = "Ext", public;
      create domain public.way as ltree;
      create table public.t (l ltree, q lquery, x ltxtquery, a ltree[], d way);
      insert into t values (('a.b_1.' || repeat('x', 255))::ltree, '*{1,2}.!a@*%|b_c.*', 'a & !b*@ | (c%)', '{a.b,c}', 'a')`);
    expect(await check(source, target)).toMatchObject([{ result: "passed", evidence: ["1 tables looked at"] }]);
    await source.query(`insert into t (l) values ('a.b-c')`);
    const line = (column: string, type: string) => `public.t.${column}: ${type} with hyphens in labels, or labels of more than 255 characters (16)`;
    expect(await check(source, target)).toMatchObject([{ result: "failed", evidence: [line("l", "ltree")] }]);
    await source.query(`
      update t set l = 'a'; insert into t (q) values ('*.a-b'); insert into t (x) values ('a-b & c');
      insert into t (a) values (array['a'::ltree, ('b.' || repeat('x', 256) || '.c')::ltree]); insert into t (d) values (('a.' || repeat('ä', 256))::ltree)`);
    expect(await check(source, target)).toMatchObject([{ result: "failed", evidence: [line("q", "lquery"), line("x", "ltxtquery"), line("a", "ltree"), line("d", "ltree")] }]);
  });

  it("a table that somebody has locked is named, with who holds it, and does not use up the time of the others", async () => {
    const [source, target] = await pair(18, 10);
    await source.query(`create table t (n numeric); create table u (n numeric); insert into u select 1 from generate_series(1, 10000)`);
    const inner = checkWithin(20_000);
    const locking = { ...inner, run: async (context: CheckContext) => (await source.query("begin; lock table t in access exclusive mode"), await inner.run(context)) };
    const [holder] = await source.query<{ pid: number }>("select pg_backend_pid() as pid");
    const began = performance.now();
    const [item] = await itemsOfCheck(locking, source.endpoint("source"), target.endpoint("target"));
    expect(item).toMatchObject({
      result: "alarm",
      evidence: [
        expect.stringMatching(new RegExp(`^not looked at: public\\.t, which is locked: process ${holder!.pid} \\(postgres, test, idle in transaction for \\d+ s\\) holds it$`)),
      ],
    });
    expect(performance.now() - began).toBeLessThan(10_000);
    await source.query("rollback");
  });

  it("tables that there is no time for are named", async () => {
    const [source, target] = await pair(18, 10);
    await source.query(`create table t (n numeric); insert into t values ('Infinity'); create table other (a integer)`);
    const item = async (limitMs: number) => await itemsOfCheck(checkWithin(limitMs), source.endpoint("source"), target.endpoint("target"));
    expect(await item(0)).toMatchObject([{ result: "alarm", evidence: ["not looked at: public.t"] }]);
    expect(await item(10_000)).toMatchObject([{ result: "failed" }]);
  });
});

describe.skipIf(!TEST_MAJORS.includes(14) || !TEST_MAJORS.includes(18))("between 14 and 18", () => {
  it("methods of jsonpath are found, not keys and strings that look like them", async () => {
    const [source, target] = await pair(18, 14);
    await source.query(`create table t (p jsonpath); insert into t values ('$."date"."x.date()"'), ('$.a ? (@ == ".string()")'), ('$.a.datetime().type()'), ('$.double()')`);
    expect(await check(source, target)).toMatchObject([{ result: "passed" }]);
    await source.query("insert into t values ('$.a.decimal(4, 2)')");
    expect(await check(source, target)).toMatchObject([{ result: "failed", evidence: ["public.t.p: jsonpath with a method of 17"] }]);
  });

  it.each([
    [18, 14],
    [14, 18],
    [14, 14],
  ] as const)('"char" beyond ASCII travels as binary, and is found where it cannot, from %i to %i', async (from, to) => {
    // prettier-ignore
    const [source, target] = await pair(from, to);
    await source.query(`
      create table plain (id integer primary key, c "char", a "char"[]);
      insert into plain select g, (g - case when g > 127 then 256 else 0 end)::"char", array[(-g % 128)::"char"] from generate_series(0, 255) g;
      create table beside (c "char", x xml); insert into beside values ('a', '<a/>'), ('\\', null), (null, null)`);
    expect(await check(source, target)).toMatchObject([{ result: "passed" }]);
    const options = taskOptions(source.endpoint("source"), target.endpoint("target"), { acceptAlarms: true, verify: true });
    await migrate(options, { report: () => undefined, progress: newProgress(), signal: new AbortController().signal });
    expect(await target.query("select count(*)::int as n from plain where get_byte(charsend(c), 0) = id")).toEqual([{ n: 256 }]);

    await source.query(`update beside set c = (-23)::"char" where c = 'a'`);
    expect(await check(source, target)).toMatchObject([{ result: "failed", evidence: ['public.beside.c: "char" beyond ASCII, in a table that travels as text'] }]);
  });
});

const OLDER = ([16, 14, 10] as const satisfies readonly Major[]).filter((major) => TEST_MAJORS.includes(major) && TEST_MAJORS.includes(18));

describe("values that travel as names", () => {
  it.each(OLDER)("are found where what they name came after %i, and not where the migration makes it", async (to) => {
    const [source, target] = await pair(18, to);
    await source.query(`
      create type own as (a int); create domain kind as regtype; create function own_f(int) returns int language sql as 'select 1'; create operator |+ (leftarg = int, rightarg = int, procedure = int4pl);
      create text search configuration own_c (copy = english); create schema own_s; create sequence own_q;
      create table t (p regproc, pr regprocedure, o regoper, op regoperator, ty regtype, a regtype[], d kind, c regclass, cf regconfig, di regdictionary, r regrole, n regnamespace);
      insert into t values ('int4pl', 'lower(text)', '|/', '=(int,int)', 'int[]', '{int,own}', 'text', 'pg_class', 'english', 'simple', current_user::regrole, 'pg_catalog'),
        ('own_f', 'own_f(int)', '|+', '|+(int,int)', 'own[]', '{}', 'own', 'own_q', 'own_c', '12345678', '-', 'own_s'), ('-', '-', '0', '0', '-', '{-}', '99999', '-', '-', '-', '99999', '-')`);
    expect(await check(source, target)).toMatchObject([{ result: "passed", evidence: ["1 tables looked at"] }]);
    const options = taskOptions(source.endpoint("source"), target.endpoint("target"), { acceptAlarms: true });
    await migrate(options, { report: () => undefined, progress: newProgress(), signal: new AbortController().signal });
    expect(await target.query("select t::text from t order by 1")).toEqual(await source.query("select t::text from t order by 1"));

    const fresh = await createDatabase(to);
    await source.query(`
      insert into t (p) values ('pg_get_acl'); insert into t (pr) values ('array_reverse(anyarray)'); insert into t (c) values ('pg_stat_io'), ('pg_aios');
      insert into t (ty) values ('pg_aios'); insert into t (a) values ('{int,pg_aios}'); insert into t (d) values ('pg_aios[]')`);
    await source.query("insert into t (o) select oid from pg_operator where oprname = '=' limit 1");
    const missing = (column: string, type: string, more = ""): string => `public.t.${column}: ${type} of what the target does not have${more}`;
    const several = ", or has several of";
    expect(await check(source, fresh)).toMatchObject([
      {
        result: "failed",
        evidence: [
          missing("p", "regproc", several),
          missing("pr", "regprocedure"),
          missing("o", "regoper", several),
          missing("ty", "regtype"),
          missing("a", "regtype"),
          missing("d", "regtype"),
          missing("c", "regclass"),
        ],
      },
    ]);
  });

  it.runIf(TEST_MAJORS.includes(14) && TEST_MAJORS.includes(18))("are found where they name roles that the target lacks, unless these move", async () => {
    const [source, target] = await pair(14, 18);
    await createAccount(14, "only_at_source");
    await source.query("create table t (r regrole); insert into t values ('only_at_source')");
    expect(await check(source, target)).toMatchObject([{ result: "failed", evidence: ["public.t.r: regrole of roles that neither exist on the target nor move"] }]);
    expect(await check(source, target, { include: [{ kind: "role", pattern: "only_at_source" }] })).toMatchObject([{ result: "passed" }]);
  });
});

it("values that name what is not there while rows are copied", async () => {
  const newest = TEST_MAJORS.at(-1)!;
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  await source.query(`create table other (a int); create view v as select 1 as a; create materialized view m as select 1 as a; create function one() returns int language sql as 'select 1';
    create extension hstore; create table t (id serial primary key, c regclass, p regproc); insert into t (c, p) values ('t', 'one'), ('other', 'int4pl'), ('v', '-'), ('m', '-'), ('t_id_seq', '-'), ('pg_class_oid_index', '-')`);
  expect(await check(source, target)).toMatchObject([{ result: "passed" }]);
  const include = [{ kind: "table", pattern: "public.t" }] as const;
  const relations = "public.t.c: regclass of indexes, which are built when the rows are there, or of relations that do not move";
  expect(await check(source, target, { include })).toMatchObject([{ result: "failed", evidence: [relations] }]);
  await target.query("create table other (b int); create view v as select 2 as b; create materialized view m as select 2 as b");
  expect(await check(source, target, { include })).toMatchObject([{ result: "passed" }]);
  await source.query(`update t set c = 't_pkey' where c = 'other'::regclass; create function one(a int) returns int language sql as 'select 1'`);
  const fresh = await createDatabase(newest);
  expect(await check(source, fresh)).toMatchObject([{ result: "failed", evidence: [relations, "public.t.p: regproc of functions that share their name"] }]);
});

it("values of type name that are too long in the target's encoding, which would be cut", async () => {
  const [oldest, newest] = [TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!];
  const withEncoding = (encoding: string): string => `encoding '${encoding}' lc_collate 'C' lc_ctype 'C' template template0`;
  const [source, target, ascii] = [await createDatabase(oldest, withEncoding("LATIN1")), await createDatabase(newest, withEncoding("UTF8")), await createDatabase(newest, withEncoding("SQL_ASCII"))]; // prettier-ignore
  // The xml makes a table travel as text: nothing is refused there.
  await source.query(`create domain label as name; create type pair as (a int, n name);
    create table t (id int primary key, n name, a name[], d label, c pair, x xml); create table plain (n name);
    insert into t values (1, repeat('é', 31), array[null, repeat('e', 63)::name], null, (1, null), '<a/>'); insert into plain values (repeat('é', 31))`);
  expect(await check(source, target)).toMatchObject([{ result: "passed", evidence: ["2 tables looked at"] }]);
  await source.query(
    `insert into t values (2, repeat('é', 63), array[null, repeat('é', 32)::name], repeat('é', 32), (1, repeat('é', 32)), null); insert into plain values (repeat('é', 32))`,
  );
  const columns = ["plain.n", "t.n", "t.a", "t.d", "t.c"];
  const [item] = await check(source, target);
  expect(item).toMatchObject({ result: "failed" });
  expect(item?.evidence.toSorted()).toEqual(columns.map((column) => `public.${column}: name that takes more than 63 bytes in UTF8`).toSorted());
  expect(await check(source, ascii)).toMatchObject([{ result: "failed", evidence: item?.evidence }]);
  // What would become of it.
  expect(await target.query("select length(repeat('é', 63)::name)")).toEqual([{ length: 31 }]);
  await source.query("update t set n = repeat('é', 31), a = null, d = null, c = null; update plain set n = 'e'");
  expect(await check(source, target)).toMatchObject([{ result: "passed" }]);
  const options = taskOptions(source.endpoint("source"), target.endpoint("target"), { acceptAlarms: true });
  await migrate(options, { report: () => undefined, progress: newProgress(), signal: new AbortController().signal });
  expect(await target.query("select length(n) from t")).toEqual([{ length: 31 }, { length: 31 }]);
});

describe.skipIf(!TEST_MAJORS.includes(18))("where no line is crossed", () => {
  it("no table is read", async () => {
    const [source, target] = await pair(18, 18);
    await source.query(INFINITE);
    expect(await check(source, target)).toMatchObject([{ result: "passed", evidence: [] }]);
  });
});
