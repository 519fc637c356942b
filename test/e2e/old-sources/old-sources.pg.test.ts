import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { jsonLines, runCli } from "../../kit/spawn-cli.ts";
import { keyConditions } from "../../../src/copy/key-bounds.ts";
import { OLD_MAJORS, ownBuild } from "../../../src/embedded/binaries.ts";
import { type EmbeddedServer, startServer } from "../../../src/embedded/server.ts";
import type { CheckItem } from "../../../src/precheck/check.ts";
import { type MigrationEvent, type MigrationSummary, newProgress } from "../../../src/task/events.ts";
import { migrate } from "../../kit/migrate.ts";
import type { MigrationOptions } from "../../../src/plan/migration-options.ts";
import { verifyDatabases } from "../../../src/task/verify-databases.ts";
import { verifyTables } from "../../../src/verify/verify.ts";
import { type Endpoint, parseEndpoint } from "../../../src/wire/endpoint.ts";
import { openSession } from "../../../src/wire/session.ts";
import { taskOptions } from "../../kit/checks.ts";
import { createDatabase, onServer } from "../../kit/databases.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";
import { createZooRoles, loadSql, removedSql } from "../../zoo/zoo.ts";
import { compareStructure } from "../matrix/compare-structure.ts";
import { readFacts } from "../matrix/facts.ts";
import { olderZooSql } from "./older-zoo.ts";

const NEWEST = TEST_MAJORS.at(-1)!;

for (const major of OLD_MAJORS) {
  // Nobody packages these: see test/README.md.
  describe.skipIf(ownBuild(major) === undefined)(`PostgreSQL ${major} as a source`, () => {
    let server: EmbeddedServer;
    const plain = (): Endpoint => parseEndpoint("source", server.uri("letters").replace(/\/\/.*@/, "//plain:plain@"));
    const source = (database = "zoo"): Endpoint => parseEndpoint("source", server.uri(database));

    beforeAll(async () => {
      server = await startServer({ major });
      await connected(server.uri(), async (admin) => {
        await createZooRoles(admin);
        await admin.query("create database zoo template template0");
        await admin.query("create database removed template template0");
        await admin.query("create database letters template template0");
        await admin.query("create role plain login password 'plain'");
      });
      await connected(server.uri("zoo"), async (client) => await loadSql(client, olderZooSql(major)));
      await connected(server.uri("letters"), async (client) => await client.query(LETTERS));
    });

    afterAll(async () => {
      await server.stop();
    });

    it.each(TEST_MAJORS)("arrives on %i, equal in structure and data, and no check is worried", async (target) => {
      await onServer(target, createZooRoles);
      const to = await createDatabase(target, "template template0");
      const { summary, events } = await run(taskOptions(source(), to.endpoint("target"), {}));
      expect(worries(events)).toEqual([]);
      expect(await differences(source(), to.endpoint("target"))).toEqual([]);
      expect(summary).toMatchObject({ state: "succeeded", largeObjects: 3 });
      expect(await compareStructure({ endpoint: source(), major }, { endpoint: to.endpoint("target"), major: target })).toEqual({ onlySource: [], onlyTarget: [] });
      expect(await readFacts(to.endpoint("target"))).toEqual(await readFacts(source()));
    });

    it("is checked, moved and verified from the command line", async () => {
      await onServer(NEWEST, createZooRoles);
      const to = await createDatabase(NEWEST, "template template0");
      const uris = { GODWIT_SOURCE: server.uri("zoo"), GODWIT_TARGET: to.uri };
      expect(await runCli(["check"], uris)).toMatchObject({ code: 0, stderr: "" });
      expect(await runCli(["migrate"], uris)).toMatchObject({ code: 0, stderr: "" });
      expect(await runCli(["verify"], uris)).toMatchObject({ code: 0, stderr: "" });
      await to.query("update zoo.thousands set n = n + 1 where id = 5; delete from zoo.types_numeric where id = -6");
      const { code, stdout } = await runCli(["verify", "--json"], uris);
      expect(code).toBe(1);
      const differences = jsonLines(stdout).filter((line) => line["event"] === "difference");
      expect(differences.toSorted((a, b) => String(a["table"]).localeCompare(String(b["table"])))).toEqual([
        expect.objectContaining({ table: "zoo.thousands", keys: ["id=5: differs in columns n"] }),
        expect.objectContaining({ table: "zoo.types_numeric", keys: ["id=-6: only on the source"] }),
      ]);
    });

    it.skipIf(NEWEST < 14)("has what newer versions took away: it is named, and nothing is written", async () => {
      await connected(server.uri("removed"), async (client) => {
        await client.query("create schema zoo");
        await loadSql(client, removedSql("removed-in-12"));
        await loadSql(client, removedSql("removed-in-14"));
      });
      const to = await createDatabase(NEWEST, "template template0");
      const events: MigrationEvent[] = [];
      await expect(run(taskOptions(source("removed"), to.endpoint("target")), events)).rejects.toMatchObject({ code: "precheck-failed" });
      const named = checks(events).flatMap(({ evidence }) => evidence);
      for (const object of ["TABLE zoo.with_oids", "COLUMN zoo.old_times.t", "OPERATOR zoo.!!"]) expect(named).toContainEqual(expect.stringContaining(object));
      expect(await to.query("select from pg_namespace where nspname = 'zoo'")).toEqual([]);
    });

    it("is cut by key, to be copied and to be compared", async () => {
      const to = await createDatabase(NEWEST, "template template0");
      await run(taskOptions(source(), to.endpoint("target"), { include: [{ kind: "table", pattern: "zoo.thousands" }] }));
      await using session = await openSession(source());
      const [table] = await session.query<{ oid: string; rows: string }>("select 'zoo.thousands'::regclass::oid::text as oid, count(*) as rows from zoo.thousands");
      const conditions = await keyConditions(session, table!.oid, 5);
      expect(conditions).toHaveLength(5);
      let rows = 0;
      for (const condition of conditions) rows += Number((await session.query<{ n: string }>(`select count(*) as n from zoo.thousands where ${condition}`))[0]!.n);
      expect(rows).toBe(Number(table!.rows));
      const pair = { schema: "zoo", name: "thousands", bytes: 1_000_000 };
      const options = { concurrency: 2, chunkBytes: 100_000, signal: new AbortController().signal };
      expect(await verifyTables(source(), to.endpoint("target"), [pair], options)).toEqual({ tables: 1, rows, differences: [], unreadable: [] });
    });

    it("needs no superuser: rights to read are enough, and where they do not reach is said before", async () => {
      await connected(server.uri("letters"), async (client) => await client.query("create table closed (id integer)"));
      const to = await createDatabase(NEWEST, "template template0");
      const options = taskOptions(plain(), to.endpoint("target"), { verify: true, noOwner: true, noPrivileges: true });
      const events: MigrationEvent[] = [];
      await expect(run(options, events)).rejects.toMatchObject({ code: "precheck-failed" });
      expect(checks(events).find(({ result }) => result === "failed")).toMatchObject({ id: "source-privileges", evidence: ["no SELECT on table public.closed"] });
      await connected(server.uri("letters"), async (client) => await client.query("grant select on closed to plain"));
      expect((await run(options)).summary).toMatchObject({ state: "succeeded", largeObjects: 2, rows: 2 });
      const contents = "select id, md5(lo_get(body)) as body, t from letter order by id";
      expect(await to.query(contents)).toEqual(await connected(server.uri("letters"), async (client) => (await client.query(contents)).rows));
    });

    it.skipIf(major < 9.5)("never reads fewer rows: row-level security is noticed", async () => {
      await connected(
        server.uri("letters"),
        async (client) => await client.query("alter table letter enable row level security; create policy not_the_first on letter using (id > 1)"),
      );
      const to = await createDatabase(NEWEST, "template template0");
      const events: MigrationEvent[] = [];
      await expect(run(taskOptions(plain(), to.endpoint("target"), { include: [{ kind: "table", pattern: "letter" }] }), events)).rejects.toMatchObject({
        code: "precheck-failed",
      });
      expect(checks(events).find(({ result }) => result === "failed")).toMatchObject({
        id: "source-privileges",
        evidence: ["row-level security hides rows of public.letter"],
      });
    });

    it("moves as an instance: databases with their settings, roles with passwords and memberships", async () => {
      await connected(server.uri(), async (admin) => {
        await admin.query(`
          create role office createdb; create role clerk login noinherit password 'clerk''s' connection limit 7 valid until '2040-01-01'; grant office to clerk with admin option;
          alter role clerk set statement_timeout = '5s'; comment on role office is 'an office';
          alter role clerk set search_path = zoo, "$user"`);
        await admin.query("create database shop owner office template template0 connection limit 20");
        await admin.query(
          "comment on database shop is 'a shop'; alter database shop set work_mem = '5MB'; alter role clerk in database shop set work_mem = '6MB'; grant create on database shop to clerk",
        );
      });
      await connected(server.uri("shop"), async (client) => {
        await client.query("create table article (id serial primary key, name text); insert into article (name) values ('a'), ('b'); alter table article owner to office");
      });
      await using target = await startServer({ major: NEWEST, settings: { max_locks_per_transaction: 512 }, hba: ["host all clerk 127.0.0.1/32 md5"] });
      const options = taskOptions(source("postgres"), parseEndpoint("target", target.uri()), { instance: true, verify: true });
      const { summary, events } = await run({
        ...options,
        exclude: [
          { kind: "database", pattern: "removed" },
          { kind: "database", pattern: "letters" },
        ],
      });
      expect(worries(events)).toEqual(
        ["clerk", "plain"].map(
          (role) => expect.objectContaining({ message: expect.stringMatching(new RegExp(`^role ${role}: its password is an md5 hash`)) as unknown }) as unknown,
        ),
      );
      expect(summary).toMatchObject({ state: "succeeded", databases: 2, roles: 7 });
      const facts = async (uri: string): Promise<unknown> => await connected(uri, async (client) => (await client.query(INSTANCE)).rows);
      expect(await facts(target.uri())).toEqual(await facts(server.uri()));
      // The md5 hash still lets its owner in.
      await connected(target.uri("shop").replace(/\/\/.*@/, "//clerk:clerk's@"), async (clerk) => {
        expect((await clerk.query("show work_mem")).rows).toEqual([{ work_mem: "6MB" }]);
      });
      expect(await connected(target.uri("shop"), async (client) => (await client.query("select tableowner from pg_tables where tablename = 'article'")).rows)).toEqual([
        { tableowner: "office" },
      ]);
    });
  });
}

const LETTERS = `
  create table letter (id serial primary key, body oid, t text);
  insert into letter (body, t) values (lo_from_bytea(0, 'one'), 'ü'), (lo_from_bytea(0, decode(repeat('00ff', 800000), 'hex')), null);
  grant select on letter, letter_id_seq to plain;
  do $$ begin execute (select string_agg(format('grant select on large object %s to plain', body), ';') from letter); end $$`;

/** Roles, memberships and databases: what 9.4 shows of them. */
const INSTANCE = `
  select 'role ' || r.rolname || ' ' || row(r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, r.rolreplication, r.rolconnlimit, a.rolpassword, r.rolvaliduntil, r.rolconfig,
         shobj_description(r.oid, 'pg_authid'))::text as fact
    from pg_roles r join pg_authid a on a.oid = r.oid where r.oid >= 16384
  union all select 'member ' || pg_get_userbyid(roleid) || ' ' || pg_get_userbyid(member) || ' ' || admin_option from pg_auth_members where member >= 16384
  union all select 'database ' || datname || ' ' || row(pg_get_userbyid(datdba), encoding, datcollate, datctype, datistemplate, datallowconn, datconnlimit, shobj_description(oid, 'pg_database'))::text
    from pg_database where datname in ('zoo', 'shop')
  union all select 'setting ' || coalesce(d.datname, '') || ' ' || coalesce(r.rolname, '') || ' ' || s.setconfig::text
    from pg_db_role_setting s left join pg_database d on d.oid = s.setdatabase left join pg_roles r on r.oid = s.setrole
  order by 1`;

async function run(options: MigrationOptions, events: MigrationEvent[] = []): Promise<{ summary: MigrationSummary; events: readonly MigrationEvent[] }> {
  const summary = await migrate(options, { report: (event) => void events.push(event), progress: newProgress(), signal: new AbortController().signal });
  return { summary, events };
}

async function differences(source: Endpoint, target: Endpoint): Promise<unknown[]> {
  const events: MigrationEvent[] = [];
  const verified = await verifyDatabases(taskOptions(source, target), {
    report: (event) => void events.push(event),
    progress: newProgress(),
    signal: new AbortController().signal,
  });
  expect(verified.tables).toBeGreaterThan(45);
  return events;
}

/** Failed checks and alarms, warnings, differences; but that the zoo's foreign server answers nobody is as it should be. */
function worries(events: readonly MigrationEvent[]): unknown[] {
  return [
    ...checks(events).filter(({ result }) => result !== "passed"),
    ...events.filter(
      (event) =>
        event.event === "difference" ||
        event.event === "error" ||
        (event.event === "notice" && event.level === "warning" && !/could not be analyzed: .*"zoo_server"/.test(event.message)),
    ),
  ];
}

function checks(events: readonly MigrationEvent[]): CheckItem[] {
  return events.flatMap((event) => (event.event === "check" ? [event.item] : []));
}

async function connected<T>(uri: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: uri, application_name: "test" });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
