import type { Settings } from "../copy/computing-settings.ts";
import { sessionName } from "../copy/ledger.ts";
import type { Endpoint } from "../wire/endpoint.ts";
import type { Lsn } from "../wire/lsn.ts";
import type { Session } from "../wire/session.ts";
import { openApplySession } from "./apply-session.ts";
import type { Batch } from "./batch.ts";
import type { ConflictPolicy } from "./conflict-policy.ts";
import { type StreamIdentity, takePosition } from "./position.ts";
import { TargetApplier } from "./target-applier.ts";
import type { TargetTable } from "./target-table.ts";

export interface ApplierOptions extends StreamIdentity {
  /** The task that the target's ledger belongs to. */
  readonly task: string;
  /** What is done where the target has other rows than the source had. */
  readonly policy: ConflictPolicy;
  /** Of the source, under which the target computes what it computes itself. */
  readonly computing?: Settings;
}

/** What came of one batch. */
export interface Applied {
  /** undefined while the transaction that the batch is a part of goes on: nothing of it is committed. */
  readonly position: Lsn | undefined;
  readonly transactions: number;
  readonly changes: number;
  /** The merged changes collided, and were applied one by one. */
  readonly isInOrder: boolean;
  /** Changes that were skipped by policy. */
  readonly skipped: number;
}

/** Applies batches to the target, one at a time, and keeps the position there. Made by `openApplier`. */
export interface Applier extends AsyncDisposable {
  /** Everything up to here is committed on the target (or was no change of ours), and nothing behind it. */
  readonly applied: Lsn;
  /** The part of `applied` that a crash of the target does not take back: what the source's slot may be told. */
  readonly durable: Lsn;
  /** The account may set session_replication_role: triggers and foreign keys of the target do not act on what is applied. */
  readonly isReplica: boolean;
  /**
   * Applies a batch. One that ends within a transaction leaves the target's transaction open; the next goes on in it. Whatever fails, nothing of it is there
   * afterwards, the position is where it was, and nothing more is applied until `abandon`, whoever failed: a COMMIT of `settle`, work of `between`.
   * Errors: `fenced`, `row-missing`, `row-exists`, `connection-lost`, or what the server's SQLSTATE says.
   * Where `prepare` was told the next batch, this one's COMMIT goes with that.
   */
  apply(batch: Batch): Promise<void>;
  /** What was committed, or went well as a part, since this was asked last; in order. */
  takeApplied(): Applied[];
  /** The batch that `apply` will be called with next, at once: its statements are written while the one before is under way. */
  prepare(batch: Batch): void;
  /** Notes that there is no change of ours up to here. Only when nothing is pending. It is stored with the next batch, or soon. */
  note(position: Lsn): void;
  /** Stores the position on the target's disk now, and returns it. */
  settle(): Promise<Lsn>;
  /** Gives up the transaction that is open. What comes next must begin behind `applied`. */
  abandon(): Promise<void>;
  /** Facts of target tables, in the order of their names. */
  readTables(names: readonly { readonly schema: string; readonly name: string }[]): Promise<(TargetTable | undefined)[]>;
  /**
   * Does work between two batches: in the transaction that is open, whose parts so far it sees and with which it is rolled back, or else in one of its own, which only whoever has the
   * stream's position can commit. All that was applied is there. Where it fails, the open transaction is given up.
   */
  between<T>(work: (target: Session) => Promise<T>): Promise<T>;
  /** Rejects when storing the position in between fails; never resolves. */
  readonly failed: Promise<never>;
}

/**
 * Connects to the target and takes the stream's position over. Errors: `fenced` when another process has it, and those of `openSession`.
 * `signal` ends what it does, and the session.
 */
export async function openApplier(target: Endpoint, options: ApplierOptions, signal: AbortSignal): Promise<Applier> {
  const { session, isReplica } = await openApplySession(target, sessionName(options.task, "stream"), options.computing ?? {}, signal);
  try {
    return new TargetApplier(session, isReplica, options, await takePosition(session, options), signal);
  } catch (error) {
    await session.close();
    throw error;
  }
}
