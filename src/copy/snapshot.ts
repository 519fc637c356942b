import { GodwitError } from "../errors/godwit-error.ts";
import { type Endpoint, describeEndpoint } from "../wire/endpoint.ts";
import { quoteLiteral } from "../wire/quote.ts";
import { type Session, type SessionOptions, openSession } from "../wire/session.ts";
import { tellingPooler } from "../wire/statement-pooling.ts";

/** One moment of the source that every connection of a task reads: held open by a transaction of its own. */
export interface Snapshot extends AsyncDisposable {
  /** Empty where it is not shared. */
  readonly id: string;
  /** The session that holds it; usable for reading in the same snapshot. */
  readonly session: Session;
}

/** A moment of the source that only its own session reads. Throws `precheck-failed` where a pooler lets nobody have a transaction: no check can be run there. */
export async function holdSnapshot(source: Endpoint, options: SessionOptions = {}): Promise<Snapshot> {
  const session = await openSession(source, options);
  try {
    await session.query("begin isolation level repeatable read read only; select");
    return { id: "", session, [Symbol.asyncDispose]: async () => await session.close() };
  } catch (error) {
    await session.close();
    throw tellingPooler(error);
  }
}

/** Everything read under a snapshot sees the same rows: https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-SNAPSHOT-SYNCHRONIZATION */
export async function exportSnapshot(source: Endpoint, options: SessionOptions = {}): Promise<Snapshot> {
  const held = await holdSnapshot(source, options);
  try {
    const [row] = await held.session.query<{ id: string }>("select pg_catalog.pg_export_snapshot() as id");
    return { ...held, id: row?.id ?? "" };
  } catch (error) {
    await held[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * Before 10, exporting a snapshot takes a transaction id, and whoever makes a replication slot waits for the end of all that have one: for us, too.
 * https://www.postgresql.org/docs/10/release-10.html (Allow snapshots to be exported by standbys); SnapBuildWaitSnapshot in the server's sources.
 */
export const EXPORTS_WITHOUT_XID_SINCE = 100000;

/** Throws `connection-lost` when the session that holds the snapshot is gone: nobody wants to hear that after the first write. */
export async function requireSnapshot({ session }: Snapshot): Promise<void> {
  try {
    await session.query("select");
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new GodwitError("connection-lost", `${describeEndpoint(session.endpoint)}: the connection that holds the snapshot broke: ${why}`, { cause });
  }
}

/** What taking on a snapshot failed with. 22023 up to PostgreSQL 16, 42704 since: it ends with the transaction that exported it. */
export function snapshotError(source: Endpoint, error: unknown): unknown {
  const { cause } = error as Error;
  const isUnknown = typeof cause === "object" && cause !== null && "code" in cause && (cause.code === "22023" || cause.code === "42704");
  return isUnknown ? new GodwitError("snapshot-lost", `${describeEndpoint(source)}: the connection that holds the snapshot broke`, { cause: error }) : error;
}

/** Opens a session whose transaction reads under the snapshot, until it is closed. */
export async function openUnderSnapshot(source: Endpoint, snapshotId: string, options: SessionOptions = {}): Promise<Session> {
  const session = await openSession(source, options);
  try {
    await session.query(`begin isolation level repeatable read read only; set transaction snapshot ${quoteLiteral(snapshotId)}`);
    return session;
  } catch (error) {
    await session.close();
    throw snapshotError(source, error);
  }
}
