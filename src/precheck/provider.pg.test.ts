import { expect, it } from "vitest";
import { itemsOf, runChecks } from "../../test/kit/checks.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { startServer } from "../embedded/server.ts";
import { parseEndpoint } from "../wire/endpoint.ts";
import { openSession } from "../wire/session.ts";

const newest = TEST_MAJORS.at(-1)!;
const TYPE = { type: "full+incremental" } as const;

/** The role by which each is known, what its own switch is called, and where its settings are. */
const SERVICES = [
  ["rds_superuser", "rds.logical_replication = 1", "in its parameter group"],
  ["cloudsqlsuperuser", "cloudsql.logical_decoding = on", "by its database flags"],
  ["alloydbsuperuser", "alloydb.logical_decoding = on", "by its database flags"],
  ["azure_pg_admin", "azure.replication_support = logical", "by its server parameters"],
  ["supabase_admin", "not to its pooler", "by `supabase postgres-config update`"],
  ["neon_superuser", "in the project's settings", "in the project's settings"],
  ["pg_tencentdb_superuser", "parameter settings", "in its parameter settings"],
] as const;

/** Every check that changes the server's settings, at the source or on the target. */
const BRING_SETTINGS = ["connections", "parameter-conflict", "replication-slots", "structure-limits", "wal-level", "wal-retention"];

it("a managed service is told in its own words, and is not asked for ALTER SYSTEM", async () => {
  const small = { max_connections: 20, max_locks_per_transaction: 10, allow_system_table_mods: "on" };
  await using server = await startServer({
    major: newest,
    settings: { ...small, wal_level: "replica", max_replication_slots: 1, max_slot_wal_keep_size: "1GB", DateStyle: "SQL, DMY" },
  });
  await using target = await startServer({ major: newest, settings: small });
  const ends = [parseEndpoint("source", server.uri()), parseEndpoint("target", target.uri())] as const;
  await using session = await openSession(ends[0]);
  await using other = await openSession(ends[1]);
  await session.query("select pg_create_physical_replication_slot('taken')");
  for (let n = 0; n < 190; n++) await session.query(`create table public.t${n} (a int primary key)`);
  const [own] = await itemsOf("wal-level", ...ends, TYPE);
  expect(own).toMatchObject({ result: "failed", fixSql: "alter system set wal_level = 'logical';", fixOn: { side: "source", database: "postgres" } });
  const options = { ...TYPE, concurrency: 30 };
  const changing = (await runChecks(...ends, options)).filter(({ fixSql }) => fixSql?.includes("alter system") === true);
  expect([...new Set(changing.map(({ id }) => id))].toSorted()).toEqual(BRING_SETTINGS);
  expect(changing.filter(({ id }) => id === "connections")).toHaveLength(2);
  for (const [role, words, settings] of SERVICES) {
    for (const each of [session, other]) {
      // Names that begin with pg_ are the server's own.
      await each.query("create role service");
      await each.query(`update pg_catalog.pg_authid set rolname = '${role}' where rolname = 'service'`);
    }
    const items = await runChecks(...ends, options);
    for (const { id, scope } of changing) {
      const item = items.find((one) => one.id === id && one.scope === scope);
      expect(item?.result).not.toBe("passed");
      expect(item?.fixSql).toBeUndefined();
      expect(item?.fix).toContain(id === "wal-level" ? words : settings);
    }
    for (const each of [session, other]) {
      await each.query(`update pg_catalog.pg_authid set rolname = 'service' where rolname = '${role}'`);
      await each.query("drop role service");
    }
  }
  await session.query("create role rds_replication; create role plain login password 'secret'");
  const [refused] = await itemsOf("replication-connection", { ...ends[0], user: "plain", password: "secret" }, ends[1], TYPE);
  expect(refused).toMatchObject({ result: "failed", fixSql: 'grant rds_replication to "plain";' });
});
