import { expect, it } from "vitest";
import { entryOf, outcomeOf } from "./rule-outcome.ts";
import { systemRights } from "./system-rights.ts";

const acl = (name: string, sql: string) => entryOf("ACL", sql, { schema: "pg_catalog", name });
const start = acl(
  "FUNCTION pg_start_backup(label text, fast boolean, exclusive boolean)",
  "GRANT ALL ON FUNCTION pg_catalog.pg_start_backup(label text, fast boolean, exclusive boolean) TO r;",
);
const column = acl("COLUMN pg_stat_bgwriter.buffers_backend", "GRANT SELECT(buffers_backend) ON TABLE pg_catalog.pg_stat_bgwriter TO r;");
const table = acl("TABLE pg_stat_io", "GRANT SELECT ON TABLE pg_catalog.pg_stat_io TO r;");

it("leaves out rights on what the target does not have", () => {
  expect(outcomeOf(systemRights, start, 14, 15)).toMatchObject({ drop: true, note: "left out, the target has no such object" });
  expect(outcomeOf(systemRights, start, 13, 14)).toBeUndefined();
  expect(outcomeOf(systemRights, column, 16, 17)?.drop).toBe(true);
  expect(outcomeOf(systemRights, column, 14, 16)).toBeUndefined();
  expect(outcomeOf(systemRights, table, 16, 15)?.drop).toBe(true);
  expect(outcomeOf(systemRights, table, 16, 18)).toBeUndefined();
  expect(outcomeOf(systemRights, { ...start, schema: "s" }, 14, 15)).toBeUndefined();
});

it("follows functions that got another argument", () => {
  const slot = (args: string) => {
    const called = `pg_create_logical_replication_slot(${args})`;
    return acl(`FUNCTION ${called}`, `REVOKE ALL ON FUNCTION pg_catalog.${called} FROM PUBLIC;\nGRANT ALL ON FUNCTION pg_catalog.${called} TO "r ON x() TO ";`);
  };
  const of13 = slot("slot_name name, plugin name, temporary boolean, OUT slot_name name, OUT lsn pg_lsn");
  expect(outcomeOf(systemRights, of13, 13, 18)?.sql).toBe(slot("slot_name name, plugin name, temporary boolean, boolean, boolean").sql);
  const of18 = slot("slot_name name, plugin name, temporary boolean, twophase boolean, failover boolean, OUT slot_name name, OUT lsn pg_lsn");
  expect(outcomeOf(systemRights, of18, 18, 14)?.sql).toBe(slot("slot_name name, plugin name, temporary boolean, twophase boolean").sql);
  expect(outcomeOf(systemRights, of13, 12, 13)).toBeUndefined();
});
