import { describeEntry } from "../../structure/apply-entries.ts";
import { allObjects } from "../../structure/existing-objects.ts";
import { readLockTable } from "../../structure/lock-table.ts";
import { type EntryRefusal, locksFor, rehearseEntries } from "../../structure/rehearse.ts";
import type { Session } from "../../wire/session.ts";
import { type Check, type CheckItem, found, passed } from "../check.ts";
import type { CheckContext, DatabaseToCheck } from "../context.ts";
import { databaseScope } from "../scope.ts";

/** Half of the lock table is for everybody else on that server. */
const OUR_SHARE = 0.5;
/** About as much as is created within ten seconds. */
const MOST_ENTRIES = 20_000;

/** The rules of structure/rewrite know what versions cannot hold; the target itself knows the rest: rights, options of extensions, casts, operator classes … */
export const structureRehearsal: Check = {
  id: "structure-rehearsal",
  title: "The target takes the structure",
  about:
    "Everything but the data and the event triggers is created on the target in one transaction, which is rolled back: nothing stays. Failed: statements that the target refuses, with its words. Alarm: the same, where the database does not exist yet and the one that stood in for it is not empty; a structure that is too large to rehearse (20,000 statements, half of the target's lock table), if the target's version is older. Comes last, when nothing else failed but structure-compatibility.",
  after: (items) => items.every(({ id, result }) => result !== "failed" || id === "structure-compatibility"),
  run: async (context) => {
    const items: CheckItem[] = [];
    for (const database of context.databases) items.push(await rehearse(database, context));
    return items;
  },
};

async function rehearse({ plan, target, isBegun }: DatabaseToCheck, context: CheckContext): Promise<CheckItem> {
  const scope = databaseScope(plan);
  if (isBegun) return passed(structureRehearsal, scope, ["rehearsed before the first run of this task"]);
  const stage = target ?? context.target;
  const lockTable = await readLockTable(stage);
  const slots = locksFor(plan.entries);
  if (plan.entries.length > MOST_ENTRIES || slots > lockTable.slots * OUR_SHARE) {
    const evidence = [`not rehearsed: ${plan.entries.length} statements, about ${slots} locks; the target's lock table holds ${lockTable.slots}`];
    if (context.target.major >= context.source.major) return passed(structureRehearsal, scope, evidence);
    return found(structureRehearsal, scope, "alarm", {
      evidence,
      why: `PostgreSQL ${context.target.major} is older than the source and may refuse a statement that no rule knows; the migration would then end in the middle.`,
      fix: `Rehearse with --type structure into an empty database first; or, up to ${MOST_ENTRIES} statements, raise max_locks_per_transaction on the target.`,
    });
  }
  const refusals = await rehearseEntries(stage, plan.entries, context.roles);
  const known = new Set(plan.impossible.flatMap(({ objects }) => objects));
  const news = refusals.filter(({ entry }) => !known.has(describeEntry(entry)));
  if (news.length === 0) return passed(structureRehearsal, scope, [`${plan.entries.length} statements were tried and rolled back`]);
  return judge(news, scope, context, target === undefined && !(await isEmpty(stage)) ? stage : undefined);
}

/** `standIn`: a database with content of its own, which may be what was in the way. */
function judge(refusals: readonly EntryRefusal[], scope: string, { target }: CheckContext, standIn: Session | undefined): CheckItem {
  return found(structureRehearsal, scope, standIn === undefined ? "failed" : "alarm", {
    // Not shortened: the operator has to deal with each of them.
    evidence: refusals.map(({ entry, message }) => `${describeEntry(entry)}: ${message}`),
    why:
      standIn === undefined
        ? `PostgreSQL ${target.major} refused these statements when they were rehearsed.`
        : `PostgreSQL ${target.major} refused these statements when they were rehearsed in database ${standIn.endpoint.database}, which stood in for the one to be created; what is in there may be the cause.`,
    fix: `Change the objects at the source, give the account the right it lacks, or leave the objects out with --exclude.${standIn === undefined ? "" : " To be sure, name an empty database in the target URI."}`,
  });
}

async function isEmpty(stage: Session): Promise<boolean> {
  const [row] = await stage.query<{ extensions: number }>("select pg_catalog.count(*)::int as extensions from pg_catalog.pg_extension where extname <> 'plpgsql'");
  return row?.extensions === 0 && (await allObjects(stage)).total === 0;
}
