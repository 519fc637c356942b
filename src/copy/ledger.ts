import type { Session } from "../wire/session.ts";

/**
 * The ledger lives in the target: a chunk's id is inserted in the same transaction as its rows, so a chunk is there exactly
 * once or not at all, whoever dies when. It is dropped when the migration ends.
 */
export const LEDGER_SCHEMA = "godwit";
const LEDGER = `${LEDGER_SCHEMA}.copied_chunk`;

export async function createLedger(target: Session): Promise<void> {
  await target.query(`create schema ${LEDGER_SCHEMA}; create table ${LEDGER} (chunk_id bigint primary key, copied_at timestamptz not null default pg_catalog.clock_timestamp())`);
}

/** The statement that records a chunk; it fails on a chunk that was copied already, and takes the copy's transaction with it. */
export function recordChunkSql(chunkId: number): string {
  return `insert into ${LEDGER} (chunk_id) values (${chunkId})`;
}

export async function dropLedger(target: Session): Promise<void> {
  await target.query(`drop table ${LEDGER}; drop schema ${LEDGER_SCHEMA}`);
}
