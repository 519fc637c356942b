import { divideDeferred, mayBypassTriggers } from "../../complete/deferred-entries.ts";
import { describeEntry } from "../../structure/apply-entries.ts";
import { quoteIdentifier } from "../../wire/quote.ts";
import { type Check, type CheckItem, found, listed, passed } from "../check.ts";
import type { CheckContext, DatabaseToCheck } from "../context.ts";
import { databaseScope } from "../scope.ts";

/** https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-SESSION-REPLICATION-ROLE */
export const triggerBypass: Check = {
  id: "trigger-bypass",
  title: "Changes are applied without waking triggers",
  about:
    "For full+incremental. Alarm: the target account may not set session_replication_role, and there are triggers, rules or foreign keys: these are created at Complete then, which takes longer for it.",
  appliesTo: ({ options }) => options.type === "full+incremental",
  run: async (context) => await Promise.all(context.databases.map(async (database) => await judge(database, context))),
};

async function judge({ plan, target }: DatabaseToCheck, { target: server, account }: CheckContext): Promise<CheckItem> {
  const scope = databaseScope(plan);
  const bypasses = await mayBypassTriggers(target ?? server);
  const { deferred } = divideDeferred(
    plan.entries.filter(({ section }) => section === "post"),
    bypasses,
  );
  const evidence = listed(deferred.map((entry) => `${describeEntry(entry)}: created at Complete`));
  // Those that are enabled ALWAYS or REPLICA wait whoever the account is.
  if (bypasses || deferred.length === 0) return passed(triggerBypass, scope, evidence);
  return found(triggerBypass, scope, "alarm", {
    evidence,
    why: `The account ${account.name} may not set session_replication_role: triggers would act a second time on changes that hold their effects already, and foreign keys would be in the way of the order of changes.`,
    fix: "Accept the alarm (validating foreign keys then belongs to the time of Complete), or write with a superuser or an account that was granted the setting (from 15 on). All are created in one transaction: for thousands of them raise max_locks_per_transaction on the target.",
    fixSql: server.versionNum >= 150000 ? `grant set on parameter session_replication_role to ${quoteIdentifier(account.name)};` : undefined,
    fixOn: server.endpoint,
  });
}
