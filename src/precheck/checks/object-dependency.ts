import { type Check, type CheckItem, found, listed, passed } from "../check.ts";
import type { DatabaseToCheck } from "../context.ts";
import { databaseScope } from "../scope.ts";

/** What the selection found while planning: objects taken along, objects missing, foreign keys left out. */
export const objectDependency: Check = {
  id: "object-dependency",
  title: "Selected objects have what they need",
  about:
    "Failed: a selected object needs a table that is not selected, or something excluded. Alarm: foreign keys to tables that are not selected are left out. Everything else that is needed is taken along, and listed; so are extended statistics that lie in an excluded schema and are left out.",
  run: async ({ databases }) => databases.map(judge),
};

function judge({ plan }: DatabaseToCheck): CheckItem {
  const scope = databaseScope(plan);
  const { missing, droppedForeignKeys, droppedStatistics, added } = plan.selection;
  if (missing.length > 0) {
    const needed = [...new Set(missing.map(({ needs }) => needs))];
    return found(objectDependency, scope, "failed", {
      evidence: listed(missing.map(({ object, needs }) => `${object} needs ${needs}`)),
      why: "These objects cannot be created without the others, which are not selected.",
      fix: `Select these too, or exclude the objects that need them: ${listed(needed).join(", ")}.`,
    });
  }
  if (droppedForeignKeys.length > 0) {
    return found(objectDependency, scope, "alarm", {
      evidence: listed(droppedForeignKeys.map((name) => `foreign key ${name}`)),
      why: "These foreign keys refer to tables that are not selected: they are left out, and nothing on the target checks those references.",
      fix: "Select the referenced tables too, or accept the alarm.",
    });
  }
  return passed(objectDependency, scope, listed([...droppedStatistics.map((name) => `left out: statistics ${name}`), ...added.map((name) => `taken along: ${name}`)]));
}
