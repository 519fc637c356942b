import { openWriteTransactions } from "../../stream/write-transactions.ts";
import { describeEndpoint } from "../../wire/endpoint.ts";
import { type Check, found, listed, passed } from "../check.ts";

/** Shorter ones are over when the slot is made. */
const LEAST_SECONDS = 60;

/** https://www.postgresql.org/docs/current/logicaldecoding-explanation.html#LOGICALDECODING-REPLICATION-SLOTS */
export const oldTransactions: Check = {
  id: "old-transactions",
  title: "No transaction holds up the beginning",
  about:
    "For full+incremental. Alarm: prepared transactions, and transactions that have been writing for more than a minute, in any database of the source: making a slot waits until they are over.",
  appliesTo: ({ options }) => options.type === "full+incremental",
  run: async ({ source }) => {
    const scope = describeEndpoint(source.endpoint);
    const open = await openWriteTransactions(source, LEAST_SECONDS);
    if (open.length === 0) return [passed(oldTransactions, scope)];
    return [
      found(oldTransactions, scope, "alarm", {
        evidence: listed(open),
        why: "The slot's beginning must lie between transactions: the source makes it when all that are writing now, in whatever database, are over. The copy waits so long.",
        fix: "Let them end, or end them: commit prepared, rollback prepared, select pg_terminate_backend(…).",
      }),
    ];
  },
};
