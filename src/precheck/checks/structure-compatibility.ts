import { type Check, type CheckItem, found, listed, passed } from "../check.ts";
import type { DatabaseToCheck } from "../context.ts";
import { databaseScope } from "../scope.ts";

/** What the rules of structure/rewrite found while planning: spelling of another version is no finding, a property that gets lost is. */
export const structureCompatibility: Check = {
  id: "structure-compatibility",
  title: "Structure fits the target's version",
  about:
    "Failed: objects that the target's version cannot hold, each named. Alarm: properties that have no place there and are left out (see version-rewrites.md). What only is written differently is no finding.",
  run: async ({ databases, target }) => databases.map((database) => judge(database, target.major)),
};

function judge({ plan }: DatabaseToCheck, targetMajor: number): CheckItem {
  const { impossible, rewriteNotes } = plan;
  if (impossible.length > 0) {
    return found(structureCompatibility, databaseScope(plan), "failed", {
      // Not shortened: the operator has to deal with each of them.
      evidence: impossible.flatMap(({ feature, objects, why }) => (objects.length === 0 ? [`${feature}: ${why}`] : objects.map((object) => `${object}: ${feature}. ${why}`))),
      why: `PostgreSQL ${targetMajor} cannot hold these objects.`,
      fix: "Choose a target of another version, change the objects at the source, or leave them out with --exclude.",
    });
  }
  if (rewriteNotes.length > 0) {
    return found(structureCompatibility, databaseScope(plan), "alarm", {
      evidence: listed(rewriteNotes),
      why: `PostgreSQL ${targetMajor} has no place for some properties of these objects: they arrive without them, or in another form. No rows are lost.`,
      fix: "Accept the alarm when these properties do not matter, or choose a target of the source's version or newer.",
    });
  }
  return passed(structureCompatibility, databaseScope(plan), [`${plan.entries.length} statements fit PostgreSQL ${targetMajor}`]);
}
