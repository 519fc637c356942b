import type { CheckItem } from "../../precheck/check.ts";
import type { MigrationEvent, MigrationSummary } from "../../task/events.ts";

/** A migration as it was told, for the tests of the renderers. */
export const PASSED: CheckItem = { id: "versions", scope: "both", title: "Versions are supported", result: "passed", evidence: [], why: "", fix: "", docs: "" };

export const FAILED: CheckItem = {
  id: "target-empty",
  scope: "target shop",
  title: "The target database is empty",
  result: "failed",
  evidence: Array.from({ length: 23 }, (_, at) => `public.table_${at}`),
  why: "Objects of the same name would collide.",
  fix: "Empty the database, or name another one.",
  fixSql: "drop schema public cascade;\ncreate schema public;",
  docs: "checks#target-empty",
};

const ALARM: CheckItem = {
  id: "unlogged",
  scope: "source shop",
  title: "Unlogged tables",
  result: "alarm",
  evidence: ["shop.carts"],
  why: "They are empty after a crash of the source.",
  fix: "Nothing, if that is known.",
  docs: "checks#unlogged",
};

export const SUMMARY: MigrationSummary = {
  event: "summary",
  state: "succeeded",
  tables: 28,
  rows: 507865,
  bytes: 54_000_000,
  seconds: 5.3,
  steps: { plan: 0.4, structure: 0.05, copy: 2.6, index: 1.3, verify: 0.9 },
  databases: 1,
  indexes: 41,
  constraints: 45,
  sequences: 12,
  largeObjects: 12,
  materializedViews: 1,
  roles: 7,
  verifiedTables: 30,
};

export const RECORDED: readonly MigrationEvent[] = [
  { event: "notice", level: "info", message: "Structure and data: source app@db1:5432/shop → target app@db2:5432/shop" },
  { event: "step", step: "connect", state: "started" },
  { event: "step", step: "connect", state: "finished", seconds: 0.04 },
  { event: "step", step: "precheck", state: "started" },
  { event: "check", item: PASSED },
  { event: "check", item: ALARM },
  { event: "step", step: "precheck", state: "finished", seconds: 0.1 },
  { event: "step", step: "structure", state: "started", database: "shop" },
  { event: "object", database: "shop", kind: "TABLE", name: "shop.orders", seconds: 0 },
  { event: "step", step: "structure", state: "finished", database: "shop", seconds: 0.05 },
  { event: "step", step: "copy", state: "started", database: "shop" },
];
