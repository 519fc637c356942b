import type { Lsn } from "../wire/lsn.ts";

/** How far the target is behind, at one moment. */
export interface Lag {
  /** Bytes of WAL between the source's last measured position and what the target has applied. */
  readonly bytes: number;
  /** Since when the target lacks something, in seconds: the age of the first measured position that it has not reached; 0 when it lacks nothing. */
  readonly seconds: number;
}

/** The source passed these positions; `lsn` is the last of them, and `atMs` the moment at which the first was measured. */
interface Samples {
  readonly atMs: number;
  lsn: Lsn;
  count: number;
}

/** Samples that are kept; beyond, neighbours are merged, so that a long lag is told coarsely: a little too long, never too short. */
const MOST_SAMPLES = 600;

/**
 * Lag from what was measured: where the source was at which moments, and what has been applied. Positions rather than commit times, so that an idle source reads 0
 * and clocks of two machines need not agree.
 */
export class LagMeter {
  /** Positions not reached yet, oldest first. */
  #open: Samples[] = [];
  /** How many samples are kept as one. */
  #stride = 1;
  #newest: Lsn | undefined;
  #applied: Lsn;

  constructor(applied: Lsn) {
    this.#applied = applied;
  }

  /** The source's position was this at the moment (milliseconds of a clock that never goes back). */
  measured(lsn: Lsn, atMs: number): void {
    this.#newest = lsn;
    if (lsn <= this.#applied) return;
    const last = this.#open.at(-1);
    if (last?.lsn === lsn) return;
    if (last !== undefined && last.count < this.#stride) {
      last.lsn = lsn;
      last.count++;
    } else this.#open.push({ atMs, lsn, count: 1 });
    if (this.#open.length > MOST_SAMPLES) this.#merge();
  }

  applied(lsn: Lsn): void {
    this.#applied = lsn;
    let reached = 0;
    while (reached < this.#open.length && this.#open[reached]!.lsn <= lsn) reached++;
    if (reached > 0) this.#open.splice(0, reached);
    if (this.#open.length === 0) this.#stride = 1;
  }

  /** Undefined until the source was measured. */
  now(atMs: number): Lag | undefined {
    if (this.#newest === undefined) return undefined;
    const bytes = this.#newest > this.#applied ? Number(this.#newest - this.#applied) : 0;
    const oldest = this.#open[0];
    return { bytes, seconds: oldest === undefined ? 0 : Math.max(0, atMs - oldest.atMs) / 1000 };
  }

  /** Two by two. */
  #merge(): void {
    this.#stride *= 2;
    const merged: Samples[] = [];
    for (let at = 0; at < this.#open.length; at += 2) {
      const [first, second] = [this.#open[at]!, this.#open[at + 1]];
      merged.push(second === undefined ? first : { atMs: first.atMs, lsn: second.lsn, count: first.count + second.count });
    }
    this.#open = merged;
  }
}
