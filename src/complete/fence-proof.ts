import { formatLsn, type Lsn } from "../wire/lsn.ts";

/** What the stream showed behind the fence; plain data. */
export interface FenceVerdict {
  /** The stream was watched beyond the stop position, and held nothing of ours. */
  readonly isProved: boolean;
  readonly stop: string;
  /** So far the stream was watched. */
  readonly watchedTo: string;
  /** Transactions with changes of our tables that were committed behind the stop position, and their changes. */
  readonly transactions: number;
  readonly changes: number;
}

/**
 * The proof that nobody wrote behind the fence: every transaction that the slot still gives is watched until just before the slot is dropped. None with changes of our tables may lie
 * behind the stop position. What does is applied like everything else, so it is no loss by itself; but the application has written to both sides then.
 */
export class FenceProof {
  readonly #stop: Lsn;
  #watchedTo: Lsn;
  #transactions = 0;
  #changes = 0;

  constructor(stop: Lsn) {
    this.#stop = stop;
    this.#watchedTo = 0n as Lsn;
  }

  /** Each transaction of the stream: where its commit record ends, and how many changes of ours it holds. */
  onTransaction(endLsn: Lsn, changes: number): void {
    this.onPosition(endLsn);
    if (endLsn <= this.#stop || changes === 0) return;
    this.#transactions++;
    this.#changes += changes;
  }

  /** Each keepalive's position: everything before it was sent. */
  onPosition(lsn: Lsn): void {
    if (lsn > this.#watchedTo) this.#watchedTo = lsn;
  }

  verdict(): FenceVerdict {
    return {
      isProved: this.#watchedTo >= this.#stop && this.#transactions === 0,
      stop: formatLsn(this.#stop),
      watchedTo: formatLsn(this.#watchedTo),
      transactions: this.#transactions,
      changes: this.#changes,
    };
  }
}
