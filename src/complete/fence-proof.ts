import { formatLsn, type Lsn, ZERO_LSN, parseLsn } from "../wire/lsn.ts";

/** What the stream showed behind the fence; plain data. */
export interface FenceVerdict {
  /** The stream was watched until just before the slot was dropped, and held nothing of ours behind the stop position; nor had anybody a transaction open then that may still write. */
  readonly isProved: boolean;
  readonly stop: string;
  /** So far the stream was watched. */
  readonly watchedTo: string;
  /** Transactions with changes of our tables that were committed behind the stop position, and their changes. */
  readonly transactions: number;
  readonly changes: number;
  /** Those of them that came behind the hand-over, and are not on the target. Reports of earlier versions do not tell. */
  readonly missing?: MissingChanges;
}

/** What was committed at the source and is not on the target; plain data. */
export interface MissingChanges {
  readonly transactions: number;
  readonly changes: number;
  /** As "public.orders". */
  readonly tables: readonly string[];
}

/** What was seen of the source just before its slot was dropped. Plain data. */
export interface LastLook {
  /** So far the stream was read, as "16/B374D848"; null: it could not be read. */
  readonly watchedTo: string | null;
  /** Why it could not be read. */
  readonly problem?: string;
  /** What was committed behind the hand-over. */
  readonly missing: MissingChanges;
  /** Who might still have written then, each in words. */
  readonly writers: readonly string[];
}

/**
 * The proof that nobody wrote behind the fence: every transaction that the slot gives is watched until just before the slot is dropped. None with changes of our tables may lie
 * behind the stop position. Those that come until the target is handed over are applied like everything else, so they are no loss by themselves; what comes later is only counted
 * (`LastLook`), as the target belongs to its applications then. Either way the application has gone on writing to the source.
 */
export class FenceProof {
  readonly #received: { readonly endLsn: Lsn; readonly changes: number }[] = [];

  /**
   * Each transaction of the stream, from before the fence is raised on: a client that passes the fence may commit, and its transaction be received, before we hear of the stop position.
   * `endLsn`: where its commit record ends; `changes`: how many of ours it holds. One that is received again counts once.
   */
  onTransaction(endLsn: Lsn, changes: number): void {
    if (changes > 0 && endLsn > (this.#received.at(-1)?.endLsn ?? ZERO_LSN)) this.#received.push({ endLsn, changes });
  }

  /** At the hand-over, when the target has everything up to `applied`. Nothing is proved yet: that takes the last look, which counts what was received behind it once more. */
  soFar(stop: Lsn, applied: Lsn): FenceVerdict {
    const brought = this.#received.filter(({ endLsn }) => endLsn > stop && endLsn <= applied);
    const changes = brought.reduce((sum, transaction) => sum + transaction.changes, 0);
    return { isProved: false, stop: formatLsn(stop), watchedTo: formatLsn(applied), transactions: brought.length, changes, missing: NOTHING_MISSING };
  }
}

export const NOTHING_MISSING: MissingChanges = { transactions: 0, changes: 0, tables: [] };

/** The verdict of the hand-over, and what was seen behind that. */
export function proveSilence(soFar: FenceVerdict, { watchedTo, missing, writers }: LastLook): FenceVerdict {
  const [transactions, changes] = [soFar.transactions + missing.transactions, soFar.changes + missing.changes];
  const isProved = watchedTo !== null && parseLsn(watchedTo) >= parseLsn(soFar.stop) && transactions === 0 && writers.length === 0;
  return { isProved, stop: soFar.stop, watchedTo: watchedTo ?? soFar.watchedTo, transactions, changes, missing };
}

/** How those are stopped who pass a fence. */
export const HOW_TO_STOP =
  "A client passes the fence by SET TRANSACTION READ WRITE, or where it sets default_transaction_read_only = off itself or connects with that: stop it, or keep its role out at the source (ALTER ROLE … NOLOGIN, then pg_terminate_backend)";

/** No more than fit in a sentence. */
const MOST_NAMED = 8;

/** What the operator has to know of the last look; sentences. */
export function notesOfLook({ watchedTo, problem, missing, writers }: LastLook, isFenced: boolean): string[] {
  const notes: string[] = [];
  const { transactions, changes, tables } = missing;
  if (transactions > 0)
    notes.push(
      `behind the hand-over ${transactions} transactions with ${changes} changes were committed at the source, which are NOT on the target: ${named(tables, ", ")}. ` +
        `What changed there has to be brought by hand (godwit verify finds the rows). ${isFenced ? HOW_TO_STOP : "Stop whoever still writes to the source"}`,
    );
  if (writers.length > 0)
    notes.push(`when the replication slot was dropped, somebody might still have written to the source, which would not be on the target: ${named(writers, "; ")}`);
  if (watchedTo === null && (isFenced || problem !== undefined))
    notes.push(`whether anything was committed at the source behind the hand-over could not be seen: ${problem ?? "the replication slot was gone"}`);
  return notes;
}

function named(all: readonly string[], separator: string): string {
  const shown = all.slice(0, MOST_NAMED).join(separator);
  return all.length <= MOST_NAMED ? shown : `${shown}${separator}and ${all.length - MOST_NAMED} more`;
}
