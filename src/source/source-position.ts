import { type Lsn, parseLsn } from "../wire/lsn.ts";
import type { Session } from "../wire/session.ts";
import { inWritingTransaction } from "./lock-patiently.ts";

/**
 * SQL of the position that a server has come to: what it has written, or as a standby replayed. https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-BACKUP.
 * Before 10 the functions say xlog and location.
 */
export function currentLsnSql(versionNum: number): string {
  return versionNum >= 100000
    ? "case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn() else pg_catalog.pg_current_wal_lsn() end"
    : "case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_xlog_replay_location() else pg_catalog.pg_current_xlog_location() end";
}

/** SQL of a difference in bytes, numeric. */
export function lsnDifferenceSql(versionNum: number, later: string, earlier: string): string {
  return `pg_catalog.${versionNum >= 100000 ? "pg_wal_lsn_diff" : "pg_xlog_location_diff"}(${later}, ${earlier})`;
}

/** What is on the disk of the server, or as a standby replayed: nothing behind it is sent to anybody. Since 10. */
export async function flushedLsn(session: Session): Promise<Lsn> {
  const sql = "case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn() else pg_catalog.pg_current_wal_flush_lsn() end";
  const [row] = await session.query<{ lsn: string }>(`select (${sql})::pg_catalog.text as lsn`);
  return parseLsn(row?.lsn ?? "0/0");
}

export async function currentLsn(session: Session): Promise<Lsn> {
  const [row] = await session.query<{ lsn: string }>(`select (${currentLsnSql(session.versionNum)})::pg_catalog.text as lsn`);
  return parseLsn(row?.lsn ?? "0/0");
}

/** Everything lies before it that anybody sees, also what was committed with synchronous_commit = off and is only inserted into the WAL. */
export async function insertedLsn(source: Session): Promise<Lsn> {
  const sql =
    source.versionNum >= 100000
      ? "case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn() else pg_catalog.pg_current_wal_insert_lsn() end"
      : "case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_xlog_replay_location() else pg_catalog.pg_current_xlog_insert_location() end";
  const [row] = await source.query<{ lsn: string }>(`select (${sql})::pg_catalog.text as lsn`);
  return parseLsn(row?.lsn ?? "0/0");
}

/** The WAL writer gets to what nobody waited for within three rounds of wal_writer_delay, 600 ms. https://www.postgresql.org/docs/current/wal-async-commit.html */
const ROUNDS = 500;
const ROUND_S = 0.01;

/**
 * A position on the source's disk that everything lies before which was committed until now, also with synchronous_commit = off: what is only inserted into the WAL
 * is not sent to anybody, and may stay so for long on a server that has become silent. The position to drain to. Milliseconds on 9.6 and newer.
 */
export async function stopLsn(source: Session): Promise<Lsn> {
  const { versionNum } = source;
  const inserted = await insertedLsn(source);
  await inWritingTransaction(source, async () => {
    await source.query("set local synchronous_commit = on");
    // A record of our own, and a commit that waits until it and all before it are on disk. A 9.4 or 9.5 has no such function: there the WAL writer is waited for.
    await source.query(versionNum >= 90600 ? "select pg_catalog.pg_logical_emit_message(true, 'godwit', 'stop')" : "select pg_catalog.txid_current()");
  });
  for (let round = 0; ; round++) {
    const now = await currentLsn(source);
    if (now >= inserted || round === ROUNDS) return now >= inserted ? now : inserted;
    await source.query(`select pg_catalog.pg_sleep(${ROUND_S})`);
  }
}
