import { expect, it } from "vitest";
import { itemsOf, runChecks } from "../../test/kit/checks.ts";
import { createDatabase } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { startServer } from "../embedded/server.ts";
import { parseEndpoint } from "../wire/endpoint.ts";
import { openSession } from "../wire/session.ts";

const newest = TEST_MAJORS.at(-1)!;
const TYPE = { type: "full+incremental" } as const;

/** The role by which each is known, and what its own switch is called. */
const SERVICES = [
  ["rds_superuser", "rds.logical_replication = 1"],
  ["cloudsqlsuperuser", "cloudsql.logical_decoding = on"],
  ["alloydbsuperuser", "alloydb.logical_decoding = on"],
  ["azure_pg_admin", "azure.replication_support = logical"],
  ["supabase_admin", "not to its pooler"],
  ["neon_superuser", "in the project's settings"],
  ["pg_tencentdb_superuser", "parameter settings"],
] as const;

it("a managed service is told in its own words, and is not asked for ALTER SYSTEM", async () => {
  await using server = await startServer({
    major: newest,
    settings: { wal_level: "replica", max_replication_slots: 1, max_slot_wal_keep_size: "1GB", allow_system_table_mods: "on" },
  });
  const target = await createDatabase(newest);
  const ends = [parseEndpoint("source", server.uri()), target.endpoint("target")] as const;
  await using session = await openSession(ends[0]);
  await session.query("select pg_create_physical_replication_slot('taken')");
  const [own] = await itemsOf("wal-level", ...ends, TYPE);
  expect(own).toMatchObject({ result: "failed", fixSql: "alter system set wal_level = 'logical';", fixOn: { side: "source", database: "postgres" } });
  for (const [role, words] of SERVICES) {
    // Names that begin with pg_ are the server's own.
    await session.query("create role service");
    await session.query(`update pg_catalog.pg_authid set rolname = '${role}' where rolname = 'service'`);
    const items = await runChecks(...ends, TYPE);
    expect(items.find(({ id }) => id === "wal-level")?.fix).toContain(words);
    for (const check of ["wal-level", "replication-slots", "wal-retention"]) {
      const item = items.find(({ id }) => id === check);
      expect(item?.result).not.toBe("passed");
      expect(item?.fixSql).toBeUndefined();
    }
    await session.query(`update pg_catalog.pg_authid set rolname = 'service' where rolname = '${role}'`);
    await session.query("drop role service");
  }
  await session.query("create role rds_replication; create role plain login password 'secret'");
  const [refused] = await itemsOf("replication-connection", { ...ends[0], user: "plain", password: "secret" }, ends[1], TYPE);
  expect(refused).toMatchObject({ result: "failed", fixSql: 'grant rds_replication to "plain";' });
});
