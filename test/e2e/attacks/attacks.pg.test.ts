import { describe, expect, it } from "vitest";
import { type MigrationEvent, newProgress } from "../../../src/task/events.ts";
import { migrate } from "../../kit/migrate.ts";
import { parseEndpoint } from "../../../src/wire/endpoint.ts";
import { createDatabase, type TestDatabase } from "../../kit/databases.ts";
import { OUTER_MAJORS, TEST_MAJORS } from "../../kit/majors.ts";

/** Found by trying to lose something: each was a defect once. */
const NEWEST = TEST_MAJORS.at(-1)!;

async function move(source: TestDatabase, target: TestDatabase, report: (event: MigrationEvent) => void = () => undefined): Promise<void> {
  const options = { type: "full", instance: false, include: [], exclude: [], concurrency: 2, noOwner: false, noPrivileges: false, publications: false, tablespaceMap: {}, acceptAlarms: true, verify: true, statistics: false, pgDump: undefined } as const; // prettier-ignore
  await migrate({ ...options, source: source.endpoint("source"), target: target.endpoint("target") }, { report, progress: newProgress(), signal: new AbortController().signal });
}

describe.each(OUTER_MAJORS)("PostgreSQL %i", (major) => {
  it("a TRUNCATE at the source during the copy is noticed", async () => {
    const source = await createDatabase(major);
    const target = await createDatabase(NEWEST);
    await source.query(
      "create table big as select g as a, repeat('x', 500) as b from generate_series(1, 100000) g; create table small as select g as a from generate_series(1, 1000) g",
    );
    const moving = move(source, target, (event) => {
      if (event.event === "step" && event.step === "copy" && event.state === "started") void source.query("truncate small").catch(() => undefined);
    });
    // Either the rows came first, or the migration says what happened; never an empty table and success.
    const outcome = await moving.then(
      async () => (await target.query<{ n: number }>("select count(*)::int as n from small"))[0]?.n,
      (error: { code: string }) => error.code,
    );
    expect([1000, "source-changed"]).toContain(outcome);
  });

  const renames = {
    "a table that takes the name of another": "alter table small rename to small_old; create table small (like small_old)",
    "a schema that takes the name of another": "alter schema app rename to app_old; create schema app; create table app.small (like app_old.small)",
    "a column that takes the name of another": "alter table small rename b to b_old; alter table small add b text",
    "a column that is made anew": "alter table small drop b; alter table small add b text",
  };
  it.each(Object.entries(renames))("%s between snapshot and copy ends the migration, named", async (_, rename) => {
    const source = await createDatabase(major);
    const target = await createDatabase(NEWEST);
    await source.query("create schema app; create table app.small as select g as a, g::text as b from generate_series(1, 1000) g");
    const renaming: Promise<unknown>[] = [];
    const moving = move(source, target, (event) => {
      if (event.event === "step" && event.step === "precheck" && event.state === "started") renaming.push(source.query(`set search_path = app; begin; ${rename}; commit`));
    });
    await expect(moving).rejects.toMatchObject({
      code: "source-changed",
      message: expect.stringMatching(/renamed or dropped meanwhile, or a column of it: app\.small$/) as string,
    });
    await Promise.all(renaming);
  });

  it("a column that comes at the source between snapshot and copy is no matter", async () => {
    const source = await createDatabase(major);
    const target = await createDatabase(NEWEST);
    await source.query("create table small as select g as a from generate_series(1, 1000) g");
    const adding: Promise<unknown>[] = [];
    await move(source, target, (event) => {
      if (event.event === "step" && event.step === "precheck" && event.state === "started") adding.push(source.query("alter table small add b text"));
    });
    await Promise.all(adding);
    expect(await target.query("select count(*)::int as n from small")).toEqual([{ n: 1000 }]);
  });

  it("a TRUNCATE between snapshot and copy ends the migration, named, with the way on", async () => {
    const source = await createDatabase(major);
    const target = await createDatabase(NEWEST);
    await source.query("create table kept as select 1 as a; create table emptied as select g as a from generate_series(1, 1000) g");
    const emptying: Promise<unknown>[] = [];
    const moving = move(source, target, (event) => {
      if (event.event === "step" && event.step === "precheck" && event.state === "started") emptying.push(source.query("truncate emptied"));
    });
    await expect(moving).rejects.toMatchObject({
      code: "source-changed",
      exitCode: 3,
      message: expect.stringMatching(/^source .*truncated, rewritten or dropped meanwhile: public\.emptied$/) as string,
      advice: expect.stringContaining("Do without TRUNCATE, rewriting ALTER TABLE and renaming at the source") as string,
    });
    await Promise.all(emptying);
  });

  it("event triggers do not fire for our own statements", async () => {
    const source = await createDatabase(major);
    const target = await createDatabase(NEWEST);
    await source.query(`create table t (a int); create function refuse() returns event_trigger language plpgsql as 'begin raise exception ''no drops here''; end';
      create event trigger e on sql_drop execute procedure refuse()`);
    await move(source, target);
    expect(await target.query("select evtname from pg_event_trigger")).toEqual([{ evtname: "e" }]);
    await target.query("alter event trigger e disable");
  });

  it("an index on a materialized view that needs a primary key, and on empty vectors and NULL elements", async () => {
    const source = await createDatabase(major);
    const target = await createDatabase(NEWEST);
    await source.query(`create table t (id int primary key, a text, b text[]); insert into t values (1, 'x', array['a', null, 'NULL']);
      create materialized view mv as select id, a from t group by id; create index on mv using hash (a);
      create table vectors (a oidvector, b int2vector); insert into vectors values ('', ''), ('1 2', '3')`);
    await target.query(`alter database ${target.name} set array_nulls = off`);
    await move(source, target);
    expect(await target.query("select array_position(b, null) as at from t")).toEqual([{ at: 2 }]);
    expect(await target.query("select count(*)::int as n from pg_indexes where tablename = 'mv'")).toEqual([{ n: 1 }]);
  });

  it("bytes of a SQL_ASCII database arrive as they are", async () => {
    const clauses = "encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C' template template0";
    const source = await createDatabase(major, clauses);
    const target = await createDatabase(NEWEST, clauses);
    await source.query(String.raw`create table t (a text); insert into t select convert_from('\xe9ff41', 'SQL_ASCII')`);
    await move(source, target);
    expect(await target.query("select encode(convert_to(a, 'SQL_ASCII'), 'hex') as bytes from t")).toEqual([{ bytes: "e9ff41" }]);
  });
});

describe.runIf(NEWEST >= 17)("a login event trigger that writes rows", () => {
  const TRIGGER = `create table logins (id int generated always as identity primary key, at timestamptz default clock_timestamp(), who text default session_user);
    create function note_login() returns event_trigger language plpgsql security definer set search_path = public as 'begin insert into logins default values; end';
    create event trigger on_login on login execute function note_login(); alter event trigger on_login enable always; create table plain as select 1 as a`;

  it("does not fire for the sessions of a superuser, so that source and target are equal at the end", async () => {
    const source = await createDatabase(NEWEST);
    const target = await createDatabase(NEWEST);
    await source.query(TRIGGER);
    await move(source, target);
    // The first connection to the source fires: nobody knows before it what the account may. It comes before the snapshot.
    expect(await target.query("select count(*)::int as logins from logins")).toEqual([{ logins: 1 }]);
    await target.query("alter event trigger on_login disable");
  });

  it("does not hinder an account that may not keep it quiet", async () => {
    const source = await createDatabase(NEWEST);
    const target = await createDatabase(NEWEST);
    await source.query(TRIGGER);
    const role = `mover_${process.pid}`;
    await source.query(`create role ${role} login password 'x'`);
    try {
      await source.query(`grant select on all tables in schema public to ${role}; grant select on all sequences in schema public to ${role}`);
      await move({ ...source, endpoint: (side) => ({ ...source.endpoint(side), user: role, password: "x" }) }, target);
      expect(await target.query("select a from plain")).toEqual([{ a: 1 }]);
      await target.query("alter event trigger on_login disable");
    } finally {
      await target.query(`drop owned by ${role}`);
      await source.query(`drop owned by ${role}; drop role ${role}`);
    }
  });
});

it.each(["postgres://u:pa@SECRETX@127.0.0.1/shop", "postgres://u:12/SECRETX@h:5432/shop", "postgres://u:12?SECRETX@h/shop", "postgres://u:12?SECRETX=3@h/shop"])(
  "a password that is not encoded is not quoted: %s",
  (uri) => {
    expect(() => parseEndpoint("source", uri)).toThrow(expect.objectContaining({ code: "uri-invalid", message: expect.not.stringContaining("SECRETX") as string }));
  },
);
