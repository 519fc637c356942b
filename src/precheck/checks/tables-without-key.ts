import { displayName } from "../../catalog/catalog.ts";
import { decideReplicaIdentities, type IdentityChange } from "../../source/replica-identity.ts";
import { identityCandidates } from "../../source/source-setup.ts";
import { type Check, type CheckItem, found, listed, passed } from "../check.ts";
import type { DatabaseToCheck } from "../context.ts";
import { databaseScope } from "../scope.ts";

export const tablesWithoutKey: Check = {
  id: "tables-without-key",
  title: "Every table names its rows",
  about:
    "For full+incremental. Alarm: tables whose updates and deletes carry no usable key (none, a deferrable one, REPLICA IDENTITY NOTHING), with what is done about each for the time of the task: a unique index becomes the replica identity, else all columns (FULL). Failed: neither is possible (no key, and virtual generated columns).",
  appliesTo: ({ options }) => options.type === "full+incremental",
  run: async ({ databases }) => await Promise.all(databases.map(judge)),
};

async function judge({ plan, source }: DatabaseToCheck): Promise<CheckItem> {
  const scope = databaseScope(plan);
  const { changes, impossible } = await decideReplicaIdentities(source, identityCandidates(plan.catalog, plan.selection.isSelected));
  if (impossible.length > 0) {
    return found(tablesWithoutKey, scope, "failed", {
      evidence: listed(impossible.map(displayName)),
      why: "Without a key all columns would have to name a row, and virtual generated columns cannot be published: the source would refuse every update and delete of these tables.",
      fix: "Give them a primary key or a unique index over NOT NULL columns, or leave them out with --exclude.",
    });
  }
  if (changes.length === 0) return passed(tablesWithoutKey, scope);
  return found(tablesWithoutKey, scope, "alarm", {
    evidence: listed(changes.map(describe)),
    why: "ALTER TABLE … REPLICA IDENTITY is run on these for the time of the task, and undone at its end. With FULL, updates and deletes write the whole old row into the WAL, and are applied row by row, each by a search through the table. Partitions that are made meanwhile refuse updates for the moments until they are given one too.",
    fix: "Accept the alarm, or add primary keys before.",
  });
}

function describe(change: IdentityChange): string {
  const { during } = change;
  const what =
    during.kind === "index" ? `unique index ${during.index} names its rows` : during.kind === "default" ? "its primary key names its rows" : "all columns name its rows (FULL)";
  return `${displayName(change)}: ${what}`;
}
