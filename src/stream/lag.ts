import type { Lsn } from "../wire/lsn.ts";

/** How far the target is behind, at one moment. */
export interface Lag {
  /** Bytes of WAL between the source's last measured position and what the target has applied. */
  readonly bytes: number;
  /** Since when the target lacks something, in seconds: the age of the first measured position that it has not reached; 0 when it lacks nothing. */
  readonly seconds: number;
}

interface Sample {
  readonly atMs: number;
  readonly lsn: Lsn;
}

/** Samples that are kept; older ones are merged, so that an old lag is told coarsely: too long rather than too short. */
const MOST_SAMPLES = 600;

/** The older half, two by two: what lies between the two is as old as the first of them. */
function thinned(samples: readonly Sample[]): Sample[] {
  const half = Math.floor(samples.length / 4) * 2;
  const merged: Sample[] = [];
  for (let at = 0; at < half; at += 2) merged.push({ atMs: samples[at]!.atMs, lsn: samples[at + 1]!.lsn });
  return [...merged, ...samples.slice(half)];
}

/**
 * Lag from what was measured: where the source was at which moments, and what has been applied. Positions rather than commit times, so that an idle source reads 0
 * and clocks of two machines need not agree.
 */
export class LagMeter {
  /** Positions not reached yet, oldest first. */
  #open: Sample[] = [];
  #newest: Sample | undefined;
  #applied: Lsn;

  constructor(applied: Lsn) {
    this.#applied = applied;
  }

  /** The source's position was this at the moment (milliseconds of a clock that never goes back). */
  measured(lsn: Lsn, atMs: number): void {
    this.#newest = { atMs, lsn };
    if (lsn <= this.#applied) return;
    if (this.#open.at(-1)?.lsn === lsn) return;
    this.#open.push(this.#newest);
    if (this.#open.length > MOST_SAMPLES) this.#open = thinned(this.#open);
  }

  applied(lsn: Lsn): void {
    this.#applied = lsn;
    let reached = 0;
    while (reached < this.#open.length && this.#open[reached]!.lsn <= lsn) reached++;
    if (reached > 0) this.#open.splice(0, reached);
  }

  /** Undefined until the source was measured. */
  now(atMs: number): Lag | undefined {
    if (this.#newest === undefined) return undefined;
    const bytes = this.#newest.lsn > this.#applied ? Number(this.#newest.lsn - this.#applied) : 0;
    const oldest = this.#open[0];
    return { bytes, seconds: oldest === undefined ? 0 : Math.max(0, atMs - oldest.atMs) / 1000 };
  }
}
