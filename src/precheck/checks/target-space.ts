import { type Check, type CheckItem, passed } from "../check.ts";
import type { CheckContext, DatabaseToCheck } from "../context.ts";
import { databaseScope } from "../scope.ts";

/**
 * PostgreSQL tells nobody how much room its disks have, so this item never blocks: it tells how much is needed, from the sizes at the source
 * plus a fifth for WAL and temporary files of index builds.
 */
export const targetSpace: Check = {
  id: "target-space",
  title: "Space on the target",
  about: "Never blocks: SQL does not reveal how much room a server has. Tells how much is needed.",
  run: async ({ databases, options }) => databases.map((database) => judge(database, options)),
};

function judge({ plan }: DatabaseToCheck, options: CheckContext["options"]): CheckItem {
  if (options.type === "structure") return passed(targetSpace, databaseScope(plan), ["structure only: a few megabytes"]);
  const moving = plan.catalog.relations.filter((relation) => plan.selection.isSelected(relation));
  const bytes = moving.reduce((sum, relation) => sum + relation.bytes + relation.indexBytes, 0);
  return passed(targetSpace, databaseScope(plan), [`about ${readable(bytes * 1.2)} needed; SQL does not reveal how much is free`]);
}

function readable(bytes: number): string {
  const megabytes = Math.ceil(bytes / 1024 ** 2);
  return megabytes < 1024 ? `${megabytes} MB` : `${(megabytes / 1024).toFixed(1)} GB`;
}
