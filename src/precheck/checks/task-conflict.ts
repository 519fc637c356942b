import { ledgerOwner } from "../../copy/ledger.ts";
import { publicationName } from "../../source/publication.ts";
import { describeEndpoint } from "../../wire/endpoint.ts";
import { type Check, found, passed } from "../check.ts";

export const taskConflict: Check = {
  id: "task-conflict",
  title: "The source is not itself being filled",
  about:
    "Failed: a source database holds the ledger of a migration (the schema `godwit`): it is the target of another task, which has not ended. Tells where the target of this task is the source of that one: such a ring would bring its own changes back for ever. A target that another task fills is found by structure-conflict.",
  run: async ({ databases, task }) =>
    await Promise.all(
      databases.map(async ({ plan, source, target }) => {
        const scope = describeEndpoint(plan.source);
        const owner = await ledgerOwner(source);
        if (owner === undefined || owner === task.id) return passed(taskConflict, scope);
        const slot = publicationName(owner); // the slots' names begin with it
        const name = owner === "" ? `a task that the account ${source.endpoint.user} cannot see` : `task ${owner}`;
        const back = await (owner === "" ? undefined : target)?.query(
          "select from pg_catalog.pg_replication_slots s where s.database = pg_catalog.current_database() and pg_catalog.left(s.slot_name, $1) = $2",
          [slot.length, slot],
        );
        const isRing = back !== undefined && back.length > 0;
        return found(taskConflict, scope, "failed", {
          evidence: [`${name} fills this database: its ledger is in schema godwit`, ...(isRing ? [`its source is ${describeEndpoint(plan.target)}, the target of this task`] : [])],
          why: isRing
            ? "Each of the two tasks would bring the other's changes back, for ever."
            : "What is copied is what that task has brought so far, and its ledger stays in the copy's way.",
          fix: `Complete or terminate ${name} first.`,
        });
      }),
    ),
};
