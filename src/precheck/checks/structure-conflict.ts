import { LEDGER_SCHEMA, ledgerOwner } from "../../copy/ledger.ts";
import { allObjects, objectsOfPlan } from "../../structure/existing-objects.ts";
import { type Check, type CheckItem, found, listed, passed } from "../check.ts";
import type { CheckContext, DatabaseToCheck } from "../context.ts";
import { databaseScope, movesWholeDatabase } from "../scope.ts";

/** Nothing on the target is replaced or mixed with: a whole database needs an empty one, picked objects need their names free. */
export const structureConflict: Check = {
  id: "structure-conflict",
  title: "Nothing is in the way on the target",
  about:
    "Failed: the target database is not empty (a whole database moves), objects of the selected names exist (some objects move), or an earlier migration left its ledger, the schema `godwit`.",
  appliesTo: ({ databases }) => databases.some(({ target }) => target !== undefined),
  run: async (context) => (await Promise.all(context.databases.map(async (database) => await judge(database, context)))).flat(),
};

async function judge({ plan, target, isBegun }: DatabaseToCheck, { options }: CheckContext): Promise<CheckItem[]> {
  if (target === undefined) return [];
  const scope = databaseScope(plan);
  const database = plan.target.database;
  if (isBegun) return [passed(structureConflict, scope, [`what an earlier run of this task created in database ${database} is gone on with`])];
  if ((await ledgerOwner(target)) !== undefined) {
    return [
      found(structureConflict, scope, "failed", {
        evidence: [`schema ${LEDGER_SCHEMA} in database ${database}`],
        why: "An earlier migration into this database broke off, or one is running now. What it created is still there.",
        fix: "Make sure that no other migration is running, then drop and create the database again; or drop the schema and what the earlier migration created.",
        fixSql: `drop schema ${LEDGER_SCHEMA} cascade;`,
      }),
    ];
  }
  const whole = movesWholeDatabase(options);
  const { names, total } = whole ? await allObjects(target) : await objectsOfPlan(target, plan);
  if (total === 0) return [passed(structureConflict, scope, [whole ? `database ${database} is empty` : `no selected object exists in database ${database}`])];
  return [
    found(structureConflict, scope, "failed", {
      evidence: listed(names, total),
      why: whole ? `The target database ${database} is not empty: it would become a mixture of both.` : "Objects of these names exist on the target already.",
      fix: whole
        ? `Drop database ${database} on the target and create it again, or name another one in the target URI; to add objects to it, pick them with --include.`
        : "Drop or rename them on the target, choose another target database, or leave them out with --exclude.",
    }),
  ];
}
