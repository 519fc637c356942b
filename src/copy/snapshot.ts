import type { Endpoint } from "../wire/endpoint.ts";
import { quoteLiteral } from "../wire/quote.ts";
import { type Session, openSession } from "../wire/session.ts";

/** One moment of the source that every connection of a task reads: held open by a transaction of its own. */
export interface Snapshot extends AsyncDisposable {
  readonly id: string;
  /** The session that holds it; usable for reading in the same snapshot. */
  readonly session: Session;
}

/** Everything read under a snapshot sees the same rows: https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-SNAPSHOT-SYNCHRONIZATION */
export async function exportSnapshot(source: Endpoint): Promise<Snapshot> {
  const session = await openSession(source);
  try {
    await session.query("begin isolation level repeatable read read only");
    const [row] = await session.query<{ id: string }>("select pg_catalog.pg_export_snapshot() as id");
    return { id: row?.id ?? "", session, [Symbol.asyncDispose]: async () => await session.close() };
  } catch (error) {
    await session.close();
    throw error;
  }
}

/** Opens a session whose transaction reads under the snapshot, until it is closed. */
export async function openUnderSnapshot(source: Endpoint, snapshotId: string, settings: Readonly<Record<string, string>> = {}): Promise<Session> {
  const session = await openSession(source, { settings });
  try {
    await session.query(`begin isolation level repeatable read read only; set transaction snapshot ${quoteLiteral(snapshotId)}`);
    return session;
  } catch (error) {
    await session.close();
    throw error;
  }
}
