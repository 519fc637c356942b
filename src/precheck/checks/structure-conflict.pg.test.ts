import { describe, expect, it } from "vitest";
import { openSession } from "../../wire/session.ts";
import { asAccount, createAccount, itemsOf, mend } from "../../../test/kit/checks.ts";
import { createDatabase, onServer, useDatabase } from "../../../test/kit/databases.ts";
import { OUTER_MAJORS, TEST_MAJORS } from "../../../test/kit/majors.ts";

describe.each(OUTER_MAJORS)("PostgreSQL %i", (major) => {
  it("asks for an empty database when everything moves", async () => {
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await target.query("create extension hstore"); // belongs to nobody's data
    expect(await itemsOf("structure-conflict", source.endpoint("source"), target.endpoint("target"))).toMatchObject([{ result: "passed" }]);
    await target.query(`
      create schema "Odd one"; create table "Odd one"."T" (a int); create view public.v as select 1; create sequence public.s;
      create type public.mood as enum ('x'); create function public.f(int, mood) returns int language sql as 'select 1'; select lo_create(77)`);
    const [item] = await itemsOf("structure-conflict", source.endpoint("source"), target.endpoint("target"));
    expect(item).toMatchObject({ result: "failed" });
    expect(item?.evidence).toEqual([
      "schema Odd one", 'table "Odd one"."T"', "function public.f(integer, public.mood)", "type public.mood", "sequence public.s", "view public.v", "large object 77",
    ]); // prettier-ignore
    expect(item?.fix).toContain(target.name);
  });

  it("lists at most twenty, and counts the others", async () => {
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await target.query("do $$begin for n in 1..50 loop execute 'create table t' || n || ' (a int)'; end loop; end$$");
    const [item] = await itemsOf("structure-conflict", source.endpoint("source"), target.endpoint("target"));
    expect(item?.evidence).toHaveLength(20);
    expect(item?.evidence.at(-1)).toBe("and 31 more");
  });

  it("looks at the names alone when objects are picked", async () => {
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await source.query("create schema s; create table s.a (a int); create table s.b (a int); create function s.f(int) returns int language sql as 'select 1'");
    await target.query("create table public.a (a int); create schema other");
    const include = [{ kind: "schema", pattern: "s" }] as const;
    expect(await itemsOf("structure-conflict", source.endpoint("source"), target.endpoint("target"), { include })).toMatchObject([
      { result: "passed", evidence: [`no selected object exists in database ${target.name}`] },
    ]);
    await target.query(
      "create schema s; create view s.b as select 1; create function s.f(int) returns int language sql as 'select 1'; create function s.f(text) returns int language sql as 'select 1'",
    );
    const [item] = await itemsOf("structure-conflict", source.endpoint("source"), target.endpoint("target"), { include });
    expect(item?.evidence).toEqual(["schema s", "view s.b", "function s.f(integer)"]);
  });

  it("names a migration that broke off, and one that is at work", async () => {
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await target.query("create schema godwit; create table godwit.task (id text, epoch int); insert into godwit.task values ('another', 1)");
    const [item] = await itemsOf("structure-conflict", source.endpoint("source"), target.endpoint("target"));
    expect(item).toMatchObject({
      result: "failed",
      evidence: [`schema godwit in database ${target.name}, of task another`],
      fix: expect.stringContaining("godwit task terminate another") as string,
    });
    expect(item?.fixSql).toBeUndefined(); // the schema holds how far the task has come
    await createAccount(major, "conflict_writer");
    const [blind] = await itemsOf("structure-conflict", source.endpoint("source"), asAccount(target, "target", "conflict_writer"));
    expect(blind).toMatchObject({ result: "failed", evidence: [`schema godwit in database ${target.name}, of a task that the account conflict_writer cannot see`] });
    expect(blind?.fixSql).toBeUndefined();
    await using _lane = await openSession(target.endpoint("target"), { applicationName: "godwit another/1" });
    const [atWork] = await itemsOf("structure-conflict", source.endpoint("source"), target.endpoint("target"));
    expect(atWork).toMatchObject({ result: "failed", why: expect.stringContaining("at work at this moment") as string });
    expect(atWork?.fixSql).toBeUndefined();
  });
});

const [oldest, newest] = [TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!];

it.runIf(oldest !== newest)("a database that moves under its own name may exist on the target, empty", async () => {
  const [source, elsewhere] = [await createDatabase(oldest), await createDatabase(newest)];
  const include = [{ kind: "database", pattern: source.name }] as const;
  const items = async (): Promise<unknown> => await itemsOf("structure-conflict", source.endpoint("source"), elsewhere.endpoint("target"), { include });
  expect(await items()).toEqual([]); // it will be created
  await onServer(newest, async (admin) => await admin.query(`create database ${source.name}`));
  const there = await useDatabase(newest, source.name);
  expect(await items()).toMatchObject([{ result: "passed" }]);
  await there.query("create table theirs (a int)");
  expect(await items()).toMatchObject([{ result: "failed", evidence: ["table public.theirs"] }]);
});

it("tells of default privileges on the target, and of a source schema that bears our name", async () => {
  const major = TEST_MAJORS.at(-1)!;
  const [source, target] = [await createDatabase(major), await createDatabase(major)];
  await source.query("create table t (a int)");
  await createAccount(major, "conflict_writer");
  await target.query("alter default privileges for role conflict_writer grant select on tables to public"); // we create nothing as somebody else
  expect(await itemsOf("structure-conflict", source.endpoint("source"), target.endpoint("target"))).toMatchObject([{ result: "passed" }]);
  await target.query("alter default privileges revoke execute on functions from public");
  expect(await itemsOf("structure-conflict", source.endpoint("source"), target.endpoint("target"))).toMatchObject([
    { result: "alarm", evidence: [expect.stringMatching(/^functions that postgres creates: /)] },
  ]);
  expect(await itemsOf("structure-conflict", source.endpoint("source"), target.endpoint("target"), { noPrivileges: true })).toMatchObject([{ result: "passed" }]);
  await source.query("create schema godwit");
  expect(await itemsOf("structure-conflict", source.endpoint("source"), target.endpoint("target"))).toMatchObject([
    { result: "failed", evidence: ["schema godwit of the source"] },
  ]);
});

it.each(OUTER_MAJORS)("tells of default privileges of every kind, also those in a schema; PostgreSQL %i", async (major) => {
  const [source, target] = [await createDatabase(major), await createDatabase(major)];
  const [reader, writer] = ["Default reader", "default_writer"];
  await createAccount(major, reader);
  await createAccount(major, writer);
  await target.query(`alter database ${target.name} owner to ${writer}; alter schema public owner to ${writer}; create schema other authorization ${writer}`);
  await source.query("create table t (a int); create schema other; create table other.t (a int)");
  const include = [{ kind: "table", pattern: "public.t" }] as const; // nothing is created in the other schema
  const items = async (end = asAccount(target, "target", writer)) => await itemsOf("structure-conflict", source.endpoint("source"), end, { include });
  const kinds = [
    ["functions", "execute"],
    ...(major >= 18 ? [["large objects", "select"]] : []),
    ["schemas", "usage"], // since 10: https://www.postgresql.org/docs/10/release-10.html
    ["sequences", "usage"],
    ["tables", "select"],
    ["types", "usage"],
  ] as const;
  // Large objects and schemas are in none.
  const ofSchemas = kinds.filter(([kind]) => kind !== "large objects" && kind !== "schemas");
  const alter = async (change: string): Promise<void> => {
    const each = [...kinds.map((kind) => [...kind, ""]), ...["public", "other"].flatMap((schema) => ofSchemas.map((kind) => [...kind, `in schema ${schema} `]))];
    for (const [kind, right, where] of each) await target.query(`alter default privileges for role ${writer} ${where}${change.replace("…", `${right} on ${kind}`)} "${reader}"`);
  };
  await alter("grant … to");
  const told = (kind: string, where: string): unknown =>
    expect.stringMatching(new RegExp(`^${kind} that ${writer} creates${where}: \\{.*"\\\\"Default reader\\\\"=[rUX]/${writer}"`));
  expect(await items()).toMatchObject([
    {
      result: "alarm",
      evidence: [...kinds.map(([kind]) => told(kind, "")), ...ofSchemas.map(([kind]) => told(kind, " in schema public"))],
      fix: expect.stringContaining("ALTER DEFAULT PRIVILEGES … REVOKE …") as string,
    },
  ]);
  expect(await items(target.endpoint("target"))).toMatchObject([{ result: "passed" }]); // of another account
  await alter("revoke … from");
  expect(await items()).toMatchObject([{ result: "passed" }]);
});

it("looks at the names of indexes, too: they are built when the rows are there", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  await source.query('create table a (a int constraint a_key primary key, b int); create index "by b" on a (b); create table c (a int)');
  await target.query('create table other (a int); create index a_key on other (a); create view "by b" as select 1; create index c on other (a)');
  const items = async (pattern: string) =>
    await itemsOf("structure-conflict", source.endpoint("source"), target.endpoint("target"), { include: [{ kind: "table", pattern: `public.${pattern}` }] });
  expect(await items("a")).toMatchObject([{ result: "failed", evidence: ["index public.a_key", 'relation public."by b"'] }]);
  expect(await items("c")).toMatchObject([{ result: "failed", evidence: ["index public.c"] }]);
  await target.query('alter index a_key rename to a_key2; drop view "by b"; drop index c');
  expect(await items("a")).toMatchObject([{ result: "passed" }]);
});

it("tells of names that extensions on the target hold", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  await source.query("create table t (a int); create function similarity(text, text) returns real language sql as 'select 1::real'; create table pg_stat_statements (a int)");
  await target.query("create extension pg_trgm; create extension pg_stat_statements; create extension hstore");
  const ends = [source.endpoint("source"), target.endpoint("target")] as const;
  const [item] = await itemsOf("structure-conflict", ...ends);
  expect(item).toMatchObject({
    result: "failed",
    evidence: ["view public.pg_stat_statements of extension pg_stat_statements", "function public.similarity(text, text) of extension pg_trgm"],
    fixSql: 'drop extension "pg_stat_statements", "pg_trgm";',
  });
  await mend(item, ...ends);
  expect(await itemsOf("structure-conflict", ...ends)).toMatchObject([{ result: "passed" }]);
});

it("tells of what has no schema, and of all that a schema may hold", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  const items = async (publications = false) => await itemsOf("structure-conflict", source.endpoint("source"), target.endpoint("target"), { publications });
  const event =
    "create function public.watch() returns event_trigger language plpgsql as 'begin end'; create event trigger watch on ddl_command_end execute function public.watch()";
  const both = `create function pg_catalog.to_day(int) returns date language sql as 'select current_date'; create cast (int as date) with function pg_catalog.to_day(int);
    create foreign data wrapper w; create server far foreign data wrapper w; create publication p; create access method btree2 type index handler pg_catalog.bthandler`;
  const only = "create foreign data wrapper mine; create publication mine; create server elsewhere foreign data wrapper mine";
  await target.query(only);
  const language = "create function public.tame() returns language_handler language c as '$libdir/plpgsql', 'plpgsql_call_handler'; create language tame handler public.tame";
  await source.query(`${both}; ${event}; ${language}`);
  expect(await items(true)).toMatchObject([{ result: "passed" }]);
  await target.query(`${both}; create language tame handler pg_catalog.plpgsql_call_handler`);
  await target.query(
    "create function pg_catalog.watch() returns event_trigger language plpgsql as 'begin end'; create event trigger watch on ddl_command_end execute function pg_catalog.watch()",
  );
  const evidence = ["access method btree2", "cast (integer AS date)", "event trigger watch", "foreign data wrapper w", "procedural language tame", "publication p", "server far"];
  expect(await items(true)).toMatchObject([{ result: "failed", evidence }]);
  expect(await items()).toMatchObject([{ result: "failed", evidence: evidence.filter((line) => line !== "publication p") }]);
  await target.query("drop event trigger watch; drop access method btree2; drop cast (int as date); drop language tame; drop server far; drop foreign data wrapper w");
  expect(await items(true)).toMatchObject([{ result: "failed", evidence: ["publication p"] }]);
  expect(await items()).toMatchObject([{ result: "passed" }]);
  await target.query(`create collation public.cc (locale = 'C'); create conversion public.cv for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8;
    create text search configuration public.cfg (copy = pg_catalog.simple); create text search dictionary public.dict (template = pg_catalog.simple);
    create operator public.+| (leftarg = int, rightarg = int, procedure = int4pl); create operator public.!!! (rightarg = int, procedure = int4um);
    create operator class public.oc for type int using btree as operator 1 <, operator 2 <=, operator 3 =, operator 4 >=, operator 5 >, function 1 btint4cmp(int, int)`);
  expect(await items()).toMatchObject([
    {
      result: "failed",
      evidence: [
        "operator public.!!!(-, integer)", "operator public.+|(integer, integer)", "collation public.cc", "text search configuration public.cfg", "conversion public.cv",
        "text search dictionary public.dict", "operator class public.oc", "operator family public.oc",
      ],
    },
  ]); // prettier-ignore
});

it("does not mistake what shares a name with another kind for it when objects are picked", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  await source.query("create schema s; create table s.a (a int); create collation s.c (locale = 'C')");
  await target.query("create collation a (locale = 'C'); create schema s2");
  const items = async () => await itemsOf("structure-conflict", source.endpoint("source"), target.endpoint("target"), { include: [{ kind: "schema", pattern: "s" }] });
  expect(await items()).toMatchObject([{ result: "passed" }]);
  await target.query("create schema s; create collation s.a (locale = 'C'); create collation s.c (locale = 'C')");
  expect(await items()).toMatchObject([{ result: "failed", evidence: ["schema s", "collation s.c"] }]);
});
