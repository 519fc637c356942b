import { copyTables } from "../../plan/plan-chunks.ts";
import { readLockTable, settingFor } from "../../structure/lock-table.ts";
import { type Check, type CheckItem, found, passed } from "../check.ts";
import type { DatabaseToCheck } from "../context.ts";
import { type Provider, STANDBYS_FIRST, settingsFix } from "../provider.ts";
import { databaseScope } from "../scope.ts";

/** Of the lock table's slots, the others are for everybody else on that server. */
const OUR_SHARE = 0.9;

/** The structure was read, so its locks had room; the copy's transactions hold one for each table they have read until all data is there. */
export const structureLimits: Check = {
  id: "structure-limits",
  title: "The source's lock table holds all tables",
  about:
    "Alarm: more tables than nine tenths of the source's lock table hold (max_locks_per_transaction × (max_connections + max_prepared_transactions)); brings the setting that is enough. When the structure cannot even be read, the error `lock-table-full` says the same.",
  run: async ({ databases, providers }) => {
    // There is one setting for all databases.
    const most = Math.max(0, ...databases.map(countTables));
    return await Promise.all(databases.map(async (database) => await judge(database, most, providers.source)));
  },
};

function countTables({ plan }: DatabaseToCheck): number {
  return copyTables(plan.catalog, plan.selection.isSelected).length;
}

async function judge(database: DatabaseToCheck, most: number, provider: Provider | undefined): Promise<CheckItem> {
  const { plan, source } = database;
  const lockTable = await readLockTable(source);
  const tables = countTables(database);
  const evidence = [`${tables} tables, ${lockTable.slots} slots (max_locks_per_transaction ${lockTable.perTransaction})`];
  if (tables <= lockTable.slots * OUR_SHARE) return passed(structureLimits, databaseScope(plan), evidence);
  return found(structureLimits, databaseScope(plan), "alarm", {
    evidence,
    why: "Reading this many tables in one snapshot may end with “out of shared memory”, for us and for everybody else on the source.",
    ...settingsFix(
      provider,
      `Migrate fewer tables at a time, or set max_locks_per_transaction to ${settingFor(most, lockTable)} at the source and restart it. ${STANDBYS_FIRST}`,
      `alter system set max_locks_per_transaction = ${settingFor(most, lockTable)};`,
    ),
    fixOn: plan.source,
  });
}
