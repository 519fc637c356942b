import { expect, it } from "vitest";
import { itemsOf, itemsOfCheck, runChecks, asAccount, createAccount } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { TEST_MAJORS, THOROUGH } from "../../../test/kit/majors.ts";
import { Ledger } from "../../copy/ledger.ts";
import { startServer } from "../../embedded/server.ts";
import { parseEndpoint } from "../../wire/endpoint.ts";
import { allObjects } from "../../structure/existing-objects.ts";
import { shortMemory } from "../../task/task-memory.ts";
import { openSession } from "../../wire/session.ts";
import { structureRehearsal } from "./structure-rehearsal.ts";

const [oldest, newest] = [TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!];
const ID = "structure-rehearsal";

/** What no rule of structure/rewrite looks for, and an older server refuses. */
const REFUSED_BY_10: readonly (readonly [sql: string, object: string])[] = [
  ["create table t (id int, a point, p polygon, i int)", ""],
  ["create index spgist_polygon on t using spgist (p)", "INDEX public.spgist_polygon"],
  ["create view bytes as select i::bytea as b from t", "VIEW public.bytes"],
  ["create table negative_scale (n numeric(3, -2))", "TABLE public.negative_scale"],
  ["create index on negative_scale (n)", ""],
  ["create function memo() returns int language sql set enable_memoize = off as 'select 1'", "FUNCTION public.memo()"],
  ["create view prefixed as select 'abc'::text ^@ 'a' as b", "VIEW public.prefixed"],
  ["create view prefixed_twice as select b, b as c from prefixed", ""],
  [`create view path as select jsonb_path_query('1', '$.string()') as p`, "VIEW public.path"],
  ["create view lsn as select '0/1'::pg_lsn + 1 as l", "VIEW public.lsn"],
];

it.runIf(newest >= 18 && oldest < 11)("names everything that the older target refuses, and leaves nothing there", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(oldest)];
  for (const [sql] of REFUSED_BY_10) await source.query(sql);
  const items = await runChecks(source.endpoint("source"), target.endpoint("target"));
  const evidence = items.filter(({ result }) => result === "failed").flatMap((item) => item.evidence);
  const named = (object: string): string[] => evidence.filter((line) => line.startsWith(`${object}: `));
  expect(REFUSED_BY_10.filter(([, object]) => object !== "" && named(object).length === 0)).toEqual([]);
  expect(items.find(({ id }) => id === ID)).toMatchObject({ result: "failed" });
  // Views over refused views and indexes on refused tables are consequences.
  expect(evidence.filter((line) => /prefixed_twice|negative_scale_n_idx/.test(line))).toEqual([]);
  await using session = await openSession(target.endpoint("target"));
  expect(await allObjects(session)).toEqual({ names: [], total: 0 });
});

it("meets what the account may not do", async () => {
  await createAccount(newest, "rehearsing_writer");
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  await source.query("create function logged() returns int language sql set log_statement = 'none' as 'select 1'");
  await target.query(`grant create on database ${target.name} to rehearsing_writer; grant create on schema public to rehearsing_writer`);
  const [item] = await itemsOf(ID, source.endpoint("source"), asAccount(target, "target", "rehearsing_writer"), { noOwner: true, noPrivileges: true });
  expect(item).toMatchObject({ result: "failed", evidence: [expect.stringMatching(/^FUNCTION public\.logged\(\): permission denied to set parameter/)] });
});

it("stands in for databases and roles that are to be created, in an empty database only", async () => {
  await using server = await startServer({ major: newest });
  const source = await createDatabase(newest);
  await source.query("create extension hstore"); // else nothing would have to be tried between equals
  const role = `rehearsed_owner_${process.pid}`;
  await source.query(
    `create role ${role}; create schema s authorization ${role}; create table s.t (a int); alter table s.t owner to ${role}; create view s.v as select a from s.t`,
  );
  const include = [
    { kind: "role" as const, pattern: role },
    { kind: "database" as const, pattern: source.name },
  ];
  const target = parseEndpoint("target", server.uri("postgres"));
  try {
    expect(await itemsOf(ID, source.endpoint("source"), target, { include })).toMatchObject([
      { result: "passed", evidence: [expect.stringMatching(/^\d statements were tried and rolled back$/)] },
    ]);
    await using session = await openSession(target);
    await session.query("create schema s; create table s.t (b int)");
    expect(await itemsOf(ID, source.endpoint("source"), target, { include })).toMatchObject([{ result: "passed", evidence: [expect.stringContaining("is not empty")] }]);
    expect(await session.query("select from pg_roles where rolname like 'rehearsed%'")).toEqual([]);
    // What an account may not do in somebody else's database it may do in the one that it creates.
    await session.query("drop schema s cascade; create role plain login createdb createrole password 'secret'; revoke create on schema public from public");
    await source.query("drop extension hstore");
    const plain = { ...target, user: "plain", password: "secret" };
    expect(await itemsOf(ID, source.endpoint("source"), plain, { include, noOwner: true, noPrivileges: true })).toMatchObject([
      { result: "passed", evidence: [expect.stringContaining("belongs to another role")] },
    ]);
  } finally {
    await source.query(`drop schema s cascade; drop role ${role}`);
  }
});

it.runIf(newest >= 17 && oldest < 11)("goes on behind a statement that the target cannot even read, and tries event triggers and converted bodies", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(oldest)];
  await source.query(`create table t (a int);
    create function f() returns event_trigger language plpgsql as 'begin end';
    create event trigger e on ddl_command_end when tag in ('CREATE PROCEDURE') execute function f();
    create event trigger ok on ddl_command_end when tag in ('CREATE TABLE') execute function f();
    create view v as select a from t order by a fetch first 1 row with ties;
    create function g() returns int begin atomic select a from t where xmltext('x') is not null; end;
    create table n (x numeric(3, -2))`);
  const items = await runChecks(source.endpoint("source"), target.endpoint("target"));
  const evidence = items.flatMap((item) => (item.result === "failed" ? item.evidence : []));
  for (const object of ["EVENT TRIGGER e: ", "VIEW public.v: ", "FUNCTION public.g(): ", "TABLE public.n: "])
    expect(evidence.filter((line) => line.startsWith(object))).not.toEqual([]);
  expect(evidence.filter((line) => line.startsWith("EVENT TRIGGER ok"))).toEqual([]);
});

it("is not needed between equals", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  await source.query("create table t (a int)");
  expect(await itemsOf(ID, source.endpoint("source"), target.endpoint("target"))).toMatchObject([{ result: "passed", evidence: [expect.stringContaining("not needed")] }]);
});

it("meets characters that the target's encoding does not have", async () => {
  const withEncoding = (encoding: string): string => `encoding '${encoding}' lc_collate 'C' lc_ctype 'C' template template0`;
  const [source, target] = [await createDatabase(newest, withEncoding("UTF8")), await createDatabase(newest, withEncoding("LATIN1"))];
  await source.query(`create table "é" (a int); create table t (a int); comment on table t is 'Ж'`);
  const [item] = await itemsOf(ID, source.endpoint("source"), target.endpoint("target"));
  expect(item).toMatchObject({ result: "failed", evidence: [expect.stringMatching(/^COMMENT public\.TABLE t: character with byte sequence 0xd0 0x96/)] });
});

it("lets owners have their place in schemas of others, as they are allowed to", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  for (const role of ["rehearsing_writer", "rehearsed_boss", "rehearsed_guest"]) await createAccount(newest, role);
  await source.query(`create schema s authorization rehearsed_boss; grant create on schema s, public to rehearsed_guest; create table s.t (a int); create table public.u (a int);
    alter table s.t owner to rehearsed_guest; alter table public.u owner to rehearsed_guest`);
  await target.query(`alter database ${target.name} owner to rehearsing_writer; grant rehearsed_boss, rehearsed_guest to rehearsing_writer`);
  try {
    expect(await itemsOf(ID, source.endpoint("source"), asAccount(target, "target", "rehearsing_writer"))).toMatchObject([{ result: "passed" }]);
  } finally {
    await target.query("revoke rehearsed_boss, rehearsed_guest from rehearsing_writer");
  }
});

it("meets locales that the target's machine does not have", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  // As if it had been made on another machine.
  await source.query("create collation far (locale = 'C'); update pg_collation set collcollate = 'xx_YY.utf8', collctype = 'xx_YY.utf8' where collname = 'far'");
  expect(await itemsOf(ID, source.endpoint("source"), target.endpoint("target"))).toMatchObject([
    { result: "failed", evidence: [expect.stringMatching(/^COLLATION public\.far: could not create locale "xx_YY.utf8"/)] },
  ]);
});

it("meets collations of the source's machine, and labels of what is loaded there", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  await source.query('create table own (a text collate "C")');
  const items = async () => await itemsOf(ID, source.endpoint("source"), target.endpoint("target"));
  expect(await items()).toMatchObject([{ result: "passed", evidence: [expect.stringContaining("not needed")] }]);
  await source.query(`create table far (a text collate "de-x-icu"); create table labelled (a int); create domain d as text collate "fr-x-icu"; create index on own (a collate "nl-x-icu");
    insert into pg_seclabel values ('labelled'::regclass, 'pg_class'::regclass, 0, 'selinux', 'x')`);
  await target.query("delete from pg_collation where collname in ('de-x-icu', 'fr-x-icu', 'nl-x-icu')");
  const [item] = await items();
  expect(item?.result).toBe("failed");
  expect(item?.evidence.map((line) => line.split(":")[0]).toSorted()).toEqual([
    "DOMAIN public.d",
    "INDEX public.own_a_idx",
    "SECURITY LABEL public.TABLE labelled",
    "TABLE public.far",
  ]);
});

it("meets a target whose schema public is gone", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  await source.query("create table t (a int)");
  await target.query("drop schema public");
  expect(await itemsOf(ID, source.endpoint("source"), target.endpoint("target"))).toMatchObject([
    { result: "failed", evidence: expect.arrayContaining(['TABLE public.t: schema "public" does not exist']) },
  ]);
});

it("meets event triggers of the target", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  await source.query("create table t (a int)");
  await target.query(`create schema theirs; create function theirs.refuse() returns event_trigger language plpgsql as $$ begin raise exception 'no % here', tg_tag; end $$;
    create event trigger refuse on ddl_command_start when tag in ('CREATE TABLE') execute function theirs.refuse()`);
  const include = [{ kind: "table", pattern: "public.t" }] as const;
  expect(await itemsOf(ID, source.endpoint("source"), target.endpoint("target"), { include })).toMatchObject([
    { result: "failed", evidence: ["TABLE public.t: no CREATE TABLE here"] },
  ]);
});

it("tells of tables that were added to an extension by hand", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  await source.query("create extension hstore; create table mine (a int); alter extension hstore add table mine");
  const items = async () => await itemsOf(ID, source.endpoint("source"), target.endpoint("target"));
  const evidence = ["table public.mine: belongs to extension hstore at the source, which does not bring it on the target"];
  expect(await items()).toMatchObject([{ result: "alarm", evidence, fix: expect.stringContaining("ALTER EXTENSION … DROP TABLE … at the source") as string }]);
  await source.query("alter extension hstore drop table mine");
  expect(await items()).toMatchObject([{ result: "passed" }]);
});

it("leaves the lock table to others", async () => {
  await using server = await startServer({ major: oldest, settings: { max_locks_per_transaction: 10, max_connections: 20 } });
  const create = "do $$ begin for i in 1..60 loop execute format('create table t%s (a text)', i); end loop; end $$";
  const [older, newer] = [await createDatabase(oldest), await createDatabase(newest)];
  await older.query(`create extension hstore; ${create}`);
  await newer.query(create);
  const target = parseEndpoint("target", server.uri("postgres"));
  expect(await itemsOf(ID, older.endpoint("source"), target)).toMatchObject([{ result: "passed", evidence: [expect.stringContaining("not rehearsed: ")] }]);
  expect(await itemsOf(ID, newer.endpoint("source"), target)).toMatchObject([
    {
      result: "alarm",
      evidence: [expect.stringMatching(/^not rehearsed: \d+ statements, about \d+ locks; the target's lock table holds 200$/)],
      fix: expect.stringContaining("raise max_locks_per_transaction on the target") as string,
    },
  ]);
  {
    await using session = await openSession(target);
    await session.query("alter system set max_locks_per_transaction = 64");
  }
  await server.restart();
  for (const source of [older, newer])
    expect(await itemsOf(ID, source.endpoint("source"), target)).toMatchObject([{ result: "passed", evidence: [expect.stringContaining("were tried and rolled back")] }]);
});

it.runIf(oldest < newest)("leaves very large structures to the known differences of versions", async () => {
  const [source, older, same] = [await createDatabase(newest), await createDatabase(oldest), await createDatabase(newest)];
  // Comments are the cheapest statements; hstore, as nothing would have to be tried between equals.
  await source.query(`create extension hstore; do $$ begin
    for t in 1..13 loop
      execute format('create table t%s (%s)', t, (select string_agg(format('c%s int', c), ', ') from generate_series(1, 1600) c));
      for c in 1..1600 loop execute format('comment on column t%s.c%s is %L', t, c, 'x'); end loop;
    end loop; end $$`);
  const evidence = [expect.stringMatching(/^not rehearsed: 208\d\d statements, about \d+ locks/)];
  expect(await itemsOf(ID, source.endpoint("source"), older.endpoint("target"))).toMatchObject([
    { result: "alarm", evidence, fix: expect.stringContaining("Up to 20000 statements") },
  ]);
  expect(await itemsOf(ID, source.endpoint("source"), same.endpoint("target"))).toMatchObject([{ result: "passed", evidence }]);
  await source.query("drop table t1");
  expect(await itemsOf(ID, source.endpoint("source"), older.endpoint("target"))).toMatchObject([
    { result: "passed", evidence: [expect.stringMatching(/^192\d\d statements were tried/)] },
  ]);
});

it("rehearses between equals, too, where the target has extensions: their names are taken", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  await source.query("create operator % (leftarg = text, rightarg = text, procedure = pg_catalog.texteq)");
  const items = async () => await itemsOf(ID, source.endpoint("source"), target.endpoint("target"));
  expect(await items()).toMatchObject([{ result: "passed", evidence: [expect.stringContaining("not needed")] }]);
  await target.query("create extension pg_trgm");
  expect(await items()).toMatchObject([{ result: "failed", evidence: [expect.stringMatching(/^OPERATOR public\.%.*: operator % already exists/)] }]);
});

it.runIf(THOROUGH && newest > oldest)("is an alarm, and no refusal, where somebody is making something of the same name on the target", async () => {
  const [source, target] = [await createDatabase(oldest), await createDatabase(newest)];
  await source.query("create table same (id int primary key)");
  await target.query("begin; create table same (a int)");
  const [holder] = await target.query<{ pid: number }>("select pg_backend_pid() as pid");
  const [item] = await itemsOf(ID, source.endpoint("source"), target.endpoint("target"));
  expect(item).toMatchObject({
    result: "alarm",
    evidence: [
      expect.stringContaining("lock timeout"),
      expect.stringMatching(new RegExp(`a table that nobody else sees yet is locked: process ${holder!.pid} \\(postgres, test, idle in transaction`)),
    ],
    why: expect.stringContaining("could not be finished"),
  });
  await target.query("rollback");
  expect(await itemsOf(ID, source.endpoint("source"), target.endpoint("target"))).toMatchObject([{ result: "passed" }]);
});

it.runIf(oldest < newest)("is an alarm for an older target where no database can stand in for the one that is to be created", async () => {
  await using server = await startServer({ major: oldest });
  const source = await createDatabase(newest);
  await source.query("create table t (a int)");
  const target = parseEndpoint("target", server.uri());
  const items = async (end = target) =>
    await itemsOf(ID, source.endpoint("source"), end, { include: [{ kind: "database", pattern: source.name }], noOwner: true, noPrivileges: true });
  const alarm = (evidence: string, fix: string): object => ({
    result: "alarm",
    evidence: [`not rehearsed: database postgres, which would stand in for the one to be created, ${evidence}`],
    why: expect.stringContaining(`PostgreSQL ${oldest} is older than the source`) as string,
    fix,
  });
  await using session = await openSession(target);
  await session.query("create table public.theirs (a int)");
  expect(await items()).toMatchObject([alarm("is not empty", "Name an empty database in the target URI.")]);
  await session.query("drop table public.theirs; create extension hstore schema public");
  expect(await items()).toMatchObject([alarm("is not empty", "Name an empty database in the target URI.")]);
  await session.query("drop extension hstore; create role plain login createdb password 'secret'");
  const plain = { ...target, user: "plain", password: "secret" };
  const ofOther = "belongs to another role, which the new one will not";
  expect(await items(plain)).toMatchObject([alarm(ofOther, "Name an empty database of the account's own in the target URI.")]);
  await session.query("create database own owner plain");
  const rehearsed = [{ result: "passed", evidence: [expect.stringMatching(/^\d+ statements were tried and rolled back$/)] }];
  expect(await items({ ...plain, database: "own" })).toMatchObject(rehearsed);
  expect(await items()).toMatchObject(rehearsed);
});

it("is not tried again for a task that has begun", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  await source.query("create extension hstore; create table t (a int)");
  const ends = [source.endpoint("source"), target.endpoint("target")] as const;
  const task = shortMemory();
  expect(await itemsOfCheck(structureRehearsal, ...ends, {}, task)).toMatchObject([{ result: "passed", evidence: [expect.stringContaining("were tried and rolled back")] }]);
  await using session = await openSession(ends[1]);
  await Ledger.open(session, task.id);
  expect(await itemsOfCheck(structureRehearsal, ...ends, {}, task)).toMatchObject([{ result: "passed", evidence: ["rehearsed before the first run of this task"] }]);
});

/** What is asked of the server's machine or build. */
const OF_THE_MACHINE: readonly (readonly [sql: string, since: number])[] = [
  ["create collation own (locale = 'C')", 10],
  ["create text search dictionary own (template = pg_catalog.simple, stopwords = english)", 10],
  ["create function own() returns language_handler language c as '$libdir/plpgsql', 'plpgsql_call_handler'", 10],
  ["create procedure own() language c as '$libdir/plpgsql', 'plpgsql_call_handler'", 11],
  ["create table own (a text compression pglz)", 14],
  ['create domain own as text collate "en-x-icu"', 10],
];

it("is needed between equals for what asks something of the machine or the build, and for a target that is not plain", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  const evidence = async (): Promise<unknown> => {
    const [item] = await itemsOfCheck(structureRehearsal, source.endpoint("source"), target.endpoint("target"));
    return [item?.result, item?.evidence.map((line) => line.replace(/^\d+ /, ""))];
  };
  const [needed, not] = [
    ["passed", ["statements were tried and rolled back"]],
    ["passed", ["not needed: the same version, a superuser, and no extensions"]],
  ];
  expect(await evidence()).toEqual(not);
  for (const [sql] of OF_THE_MACHINE.filter(([, since]) => newest >= since)) {
    await source.query(sql);
    expect([sql, await evidence()]).toEqual([sql, needed]);
    await source.query(`drop ${/^create (.*? own)/.exec(sql)![1]!.replace("own()", "own")}`);
  }
  expect(await evidence()).toEqual(not);
  await target.query(
    `create function pg_catalog.quiet() returns event_trigger language plpgsql as 'begin end'; create event trigger quiet on ddl_command_end execute function pg_catalog.quiet()`,
  );
  expect(await evidence()).toEqual(needed);
  await target.query("alter event trigger quiet disable");
  expect(await evidence()).toEqual(not);
});
