import { followsChanges, movesData } from "../../plan/migration-type.ts";
import { lastingWriteTransactions, preparedTransactions } from "../../source/write-transactions.ts";
import { describeEndpoint } from "../../wire/endpoint.ts";
import { type Check, type CheckItem, found, listed, passed } from "../check.ts";
import type { CheckContext } from "../context.ts";

/** Shorter ones are over when the slot is made. */
const LEAST_SECONDS = 60;

export const oldTransactions: Check = {
  id: "old-transactions",
  title: "No transaction holds up the beginning, or stays behind",
  about:
    "Where data moves. Alarm: prepared transactions in the databases that move, whose rows are not in the copy; for full+incremental prepared transactions, and transactions that have been writing for more than a minute (where the account may not see for how long: for more than some seconds), in any database of the source: making a slot waits until they are over.",
  appliesTo: ({ options }) => movesData(options.type),
  run: async (context) => [followsChanges(context.options.type) ? await judgeBeginning(context) : await judgePrepared(context)],
};

/** https://www.postgresql.org/docs/current/logicaldecoding-explanation.html#LOGICALDECODING-REPLICATION-SLOTS */
async function judgeBeginning({ source }: CheckContext): Promise<CheckItem> {
  const scope = describeEndpoint(source.endpoint);
  const open = await lastingWriteTransactions(source, LEAST_SECONDS);
  if (open.length === 0) return passed(oldTransactions, scope);
  return found(oldTransactions, scope, "alarm", {
    evidence: listed(open),
    why: "The slot's beginning must lie between transactions: the source makes it when all that are writing now, in whatever database, are over. The copy waits so long.",
    fix: "Let them end, or end them: commit prepared, rollback prepared, select pg_terminate_backend(…).",
  });
}

/** A snapshot does not see what is not committed, and nothing moves a prepared transaction (https://www.postgresql.org/docs/current/sql-prepare-transaction.html). */
async function judgePrepared({ source, databases }: CheckContext): Promise<CheckItem> {
  const scope = describeEndpoint(source.endpoint);
  const prepared = await preparedTransactions(
    source,
    databases.map(({ plan }) => plan.source.database),
  );
  if (prepared.length === 0) return passed(oldTransactions, scope);
  return found(oldTransactions, scope, "alarm", {
    evidence: listed(prepared),
    why: "Whoever prepared a transaction relies on being able to commit it. What it has written is not in the copy, and on the target there will be no such transaction.",
    fix: "Find out from whoever coordinates them what is to become of them, and end them: commit prepared, or rollback prepared.",
  });
}
