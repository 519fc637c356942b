import type { Session } from "../wire/session.ts";

/** https://www.postgresql.org/docs/current/runtime-config-locks.html#GUC-MAX-LOCKS-PER-TRANSACTION */
export interface LockTable {
  readonly perTransaction: number;
  /** max_connections + max_prepared_transactions. */
  readonly transactions: number;
  /** How many objects can be locked at a time, by all sessions together; the server has a little more room than this. */
  readonly slots: number;
}

export async function readLockTable(session: Session): Promise<LockTable> {
  const [row] = await session.query<{ perTransaction: number; transactions: number }>(
    `select pg_catalog.current_setting('max_locks_per_transaction')::int as "perTransaction",
            pg_catalog.current_setting('max_connections')::int + pg_catalog.current_setting('max_prepared_transactions')::int as transactions`,
  );
  const { perTransaction = 64, transactions = 100 } = row ?? {};
  return { perTransaction, transactions, slots: perTransaction * transactions };
}

/** The max_locks_per_transaction that holds `tables` tables with a fifth to spare. */
export function settingFor(tables: number, lockTable: LockTable): number {
  return Math.max(lockTable.perTransaction, Math.ceil((tables * 1.2) / lockTable.transactions));
}
