import { displayName } from "../../catalog/catalog.ts";
import { TRUNCATE_DECODED_SINCE } from "../../stream/file-numbers.ts";
import { followedTables } from "../../stream/followed-tables.ts";
import { type Check, type CheckItem, found, listed, passed } from "../check.ts";
import type { DatabaseToCheck } from "../context.ts";
import { databaseScope } from "../scope.ts";

/** https://www.postgresql.org/docs/current/logical-replication-restrictions.html */
export const unfollowedChanges: Check = {
  id: "unfollowed-changes",
  title: "Changes that no stream tells",
  about:
    "For full+incremental. Alarm: a source before 11, whose TRUNCATE is not decoded (it is noticed, and the task stops; that none will come nobody can know, so this is the one alarm that every such source raises); tables of extensions of which only some rows move, as they stay as they were copied. Sequences and materialized views are brought into line at Complete, and are no finding; for unlogged tables and large objects see moved-at-complete.",
  appliesTo: ({ options }) => options.type === "full+incremental",
  run: async ({ databases }) => databases.map(judge),
};

function judge({ plan, source }: DatabaseToCheck): CheckItem {
  const scope = databaseScope(plan);
  const { partial } = followedTables(plan.catalog, plan.selection.isSelected);
  const noTruncate = source.versionNum < TRUNCATE_DECODED_SINCE;
  if (!noTruncate && partial.length === 0) return passed(unfollowedChanges, scope);
  return found(unfollowedChanges, scope, "alarm", {
    evidence: [
      ...(noTruncate ? [`PostgreSQL ${source.major} does not decode TRUNCATE`] : []),
      ...listed(partial.map((table) => `${displayName(table)}: a table of an extension, of which only some rows move`)),
    ],
    why: "What is not decoded does not arrive at the target. A TRUNCATE leaves a trace (the table has another file, as after VACUUM FULL or CLUSTER): it is looked for, and the task stops and names the table.",
    fix: "Do without TRUNCATE, VACUUM FULL and CLUSTER, and do not change such tables of extensions, until the migration is completed.",
  });
}
