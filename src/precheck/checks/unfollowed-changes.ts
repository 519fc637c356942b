import { type Relation, displayName } from "../../catalog/catalog.ts";
import { TRUNCATE_DECODED_SINCE, readFileNumbers } from "../../source/file-numbers.ts";
import { followedTables } from "../../source/followed-tables.ts";
import type { Session } from "../../wire/session.ts";
import { type Check, type CheckItem, found, listed, passed } from "../check.ts";
import type { DatabaseToCheck } from "../context.ts";
import { databaseScope } from "../scope.ts";

/** https://www.postgresql.org/docs/current/logical-replication-restrictions.html */
export const unfollowedChanges: Check = {
  id: "unfollowed-changes",
  title: "Changes that no stream tells",
  about:
    "For full+incremental. Alarm: tables of a source before 11 that have been truncated or rewritten at least once since they were made, as somebody seems to do so, and there TRUNCATE is not decoded (one that comes is noticed in any case, and the task stops); tables of extensions of which only some rows move, as they stay as they were copied. Sequences and materialized views are brought into line at Complete, and are no finding; for unlogged tables and large objects see moved-at-complete.",
  appliesTo: ({ options }) => options.type === "full+incremental",
  run: async ({ databases }) => await Promise.all(databases.map(judge)),
};

async function judge({ plan, source }: DatabaseToCheck): Promise<CheckItem> {
  const scope = databaseScope(plan);
  const { tables, partial } = followedTables(plan.catalog, plan.selection.isSelected);
  const rewritten = source.versionNum < TRUNCATE_DECODED_SINCE ? await rewrittenOf(source, tables) : [];
  if (rewritten.length === 0 && partial.length === 0) return passed(unfollowedChanges, scope);
  return found(unfollowedChanges, scope, "alarm", {
    evidence: [
      ...listed(rewritten.map((table) => `${displayName(table)}: truncated or rewritten at least once; PostgreSQL ${source.major} does not decode TRUNCATE`)),
      ...listed(partial.map((table) => `${displayName(table)}: a table of an extension, of which only some rows move`)),
    ],
    why: "What is not decoded does not arrive at the target. A TRUNCATE leaves a trace (the table has another file, as after VACUUM FULL or CLUSTER): it is looked for, and the task stops and names the table.",
    fix: "Do without TRUNCATE, VACUUM FULL and CLUSTER, and do not change such tables of extensions, until the migration is completed.",
  });
}

/** A table's file has the number of its oid until TRUNCATE, VACUUM FULL, CLUSTER or a rewriting ALTER TABLE gives it another (https://www.postgresql.org/docs/10/storage-file-layout.html). */
async function rewrittenOf(source: Session, tables: readonly Relation[]): Promise<Relation[]> {
  const files = await readFileNumbers(
    source,
    tables.map(({ oid }) => oid),
  );
  return tables.filter(({ oid }) => (files[oid] ?? oid) !== oid);
}
