import { Client } from "pg";
import { afterEach, describe, expect, it } from "vitest";
import { type EmbeddedServer, startServer } from "../../../src/embedded/server.ts";
import { readDatabases } from "../../../src/structure/databases.ts";
import { readRoles } from "../../../src/structure/read-roles.ts";
import { newProgress } from "../../../src/task/events.ts";
import type { MigrationEvent } from "../../../src/task/events.ts";
import { checkOnly } from "../../../src/task/migrate.ts";
import { migrate } from "../../kit/migrate.ts";
import type { MigrationOptions } from "../../../src/plan/migration-options.ts";
import { parseEndpoint } from "../../../src/wire/endpoint.ts";
import { openSession } from "../../../src/wire/session.ts";
import { taskOptions } from "../../kit/checks.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";

const servers: EmbeddedServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map(async (server) => await server.stop()));
});

async function run(server: EmbeddedServer, database: string, ...statements: string[]): Promise<void> {
  const client = new Client({ connectionString: server.uri(database) });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}

function optionsFor(source: EmbeddedServer, target: EmbeddedServer): MigrationOptions {
  return taskOptions(parseEndpoint("source", source.uri()), parseEndpoint("target", target.uri()), { instance: true, verify: true });
}

describe("an instance", () => {
  it.each([
    [TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!],
    [TEST_MAJORS.at(-1)!, TEST_MAJORS.at(-1)!],
  ])("moves with its databases, roles, settings and rights from PostgreSQL %i to %i", async (from, to) => {
    const [source, target] = await Promise.all([startServer({ major: from }), startServer({ major: to })]);
    servers.push(source, target);
    await run(
      source,
      "postgres",
      "create role app_owner login password 'one-secret' createdb connection limit 7",
      "create role app_reader; grant app_reader to app_owner with admin option; comment on role app_reader is 'reads'",
      "alter role app_owner set search_path = 'Sales Data', public; alter role app_owner set work_mem = '8MB'",
      'create database "Shop DB" owner app_owner',
      "create database latin encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0 connection limit 5",
      "create database empty_one",
      `alter database "Shop DB" set statement_timeout = '1min'; alter role app_owner in database "Shop DB" set lock_timeout = '3s'`,
      `revoke connect on database "Shop DB" from public; grant connect on database "Shop DB" to app_reader; comment on database "Shop DB" is 'the shop'`,
      "create table public.in_postgres (a int primary key); insert into public.in_postgres values (1); alter database postgres set work_mem = '6MB'",
    );
    await run(
      source,
      "Shop DB",
      'set role app_owner; create schema "Sales Data"; create table "Sales Data"."order" (id serial primary key, note text)',
      `insert into "Sales Data"."order" (note) select 'n' || g from generate_series(1, 5000) g; grant select on "Sales Data"."order" to app_reader`,
      `alter default privileges for role app_owner in schema "Sales Data" grant select on tables to app_reader`,
      "select lo_from_bytea(4711, '\\x00ff'); alter large object 4711 owner to app_owner",
    );
    await run(source, "latin", "create table t (v text); insert into t values ('caf' || chr(233))");

    const events: MigrationEvent[] = [];
    const hooks = { report: (event: MigrationEvent) => void events.push(event), progress: newProgress(), signal: new AbortController().signal };
    const summary = await migrate(optionsFor(source, target), hooks);

    expect(events.filter((event) => event.event === "check" && event.item.result !== "passed")).toEqual([]);
    expect(summary).toMatchObject({ state: "succeeded", databases: 4, roles: 2, rows: 5002, largeObjects: 1, verifiedTables: 3 });
    await using before = await openSession(parseEndpoint("source", source.uri()));
    await using after = await openSession(parseEndpoint("target", target.uri()));
    const named = async (session: typeof before) => (await readRoles(session)).filter((role) => !role.isBootstrap);
    const comparable = (roles: Awaited<ReturnType<typeof named>>) =>
      roles.map(({ memberships, ...role }) => ({ ...role, memberships: memberships.map(({ role: group, member, admin }) => ({ group, member, admin })) }));
    expect(comparable(await named(after))).toEqual(comparable(await named(before)));
    const databases = async (session: typeof before) =>
      (await readDatabases(session)).map(({ name, owner, encoding, connectionLimit, grants, comment, settings }) => ({
        name,
        owner,
        encoding,
        connectionLimit,
        grants,
        comment,
        settings,
      }));
    expect(await databases(after)).toEqual(await databases(before));
    // The password hash moved: the role logs in with its old password.
    const asOwner = new Client({ host: target.host, port: target.port, user: "app_owner", password: "one-secret", database: "Shop DB" });
    await asOwner.connect();
    expect((await asOwner.query("select count(*)::int as n, current_setting('work_mem') as mem, current_setting('lock_timeout') as lock from \"order\"")).rows).toEqual([
      { n: 5000, mem: "8MB", lock: "3s" },
    ]);
    await asOwner.end();
    expect(JSON.stringify(events)).not.toMatch(/SCRAM-SHA-256\$|one-secret/);
  });

  it("says which databases allow no connections and stay behind", async () => {
    const major = TEST_MAJORS.at(-1)!;
    const [source, target] = await Promise.all([startServer({ major }), startServer({ major })]);
    servers.push(source, target);
    await run(source, "postgres", "create database open_one", "create database closed_one allow_connections false", "create database other_closed allow_connections false");
    await run(target, "postgres", "create database open_one");
    const noticesOf = async (changes: Partial<MigrationOptions>): Promise<string[]> => {
      const notices: string[] = [];
      const report = (event: MigrationEvent): void => void (event.event === "notice" && notices.push(event.message));
      await checkOnly({ ...optionsFor(source, target), ...changes }, { report, progress: newProgress(), signal: new AbortController().signal });
      return notices;
    };
    const stays = (name: string): string => `database ${name} of the source does not allow connections and is not moved`;
    expect(await noticesOf({})).toEqual([stays("closed_one"), stays("other_closed")]);
    expect(await noticesOf({ exclude: [{ kind: "database", pattern: "other_*" }] })).toEqual([stays("closed_one")]);
    expect(await noticesOf({ include: [{ kind: "database", pattern: "open_one" }] })).toEqual([]);
    await expect(noticesOf({ include: [{ kind: "database", pattern: "closed_one" }] })).rejects.toMatchObject({
      code: "object-unknown",
      message: expect.stringContaining("does not allow connections"),
    });
  });
});
