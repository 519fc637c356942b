import type { MigrationProgress } from "./events.ts";

/** What a reporter shows of a running copy, or of changes that are followed. */
export interface Rates {
  /** Copied, or received from the stream. */
  readonly bytesPerSecond: number;
  /** Rows copied, or changes applied. */
  readonly rowsPerSecond: number;
  /** Source transactions applied. */
  readonly transactionsPerSecond: number;
  /** 0 … 1: how much of the data is there; never goes back. */
  readonly fraction: number;
  /** undefined until there is something to extrapolate from. */
  readonly etaSeconds: number | undefined;
}

interface Sample {
  readonly atMs: number;
  readonly bytes: number;
  readonly rows: number;
  readonly transactions: number;
  readonly fraction: number;
}

/** Rates are those of the last seconds: a pause shows as one, and the first second's slow start is forgotten. */
const WINDOW_MS = 8000;

/** Turns the counters of a migration into rates. One per reporter; call `sample` as often as something is shown. */
export class RateMeter {
  readonly #samples: Sample[] = [];
  #fraction = 0;
  #totalBytes = 0;

  sample(progress: MigrationProgress, nowMs: number): Rates {
    if (progress.totalBytes !== this.#totalBytes) {
      // The next database of an instance was added to the total: measured against that, less is done.
      this.#totalBytes = progress.totalBytes;
      this.#fraction = 0;
      this.#samples.length = 0;
    }
    const underWay = underWayOf(progress);
    this.#fraction = Math.max(this.#fraction, fractionOf(progress, underWay.bytes));
    const { stream } = progress;
    const now: Sample = {
      atMs: nowMs,
      bytes: progress.copiedBytes + underWay.bytes + (stream?.bytes ?? 0),
      rows: progress.copiedRows + underWay.rows + (stream?.changes ?? 0),
      transactions: stream?.transactions ?? 0,
      fraction: this.#fraction,
    };
    this.#samples.push(now);
    while (this.#samples.length > 2 && nowMs - this.#samples[1]!.atMs >= WINDOW_MS) this.#samples.shift();
    const before = this.#samples[0]!;
    const seconds = (now.atMs - before.atMs) / 1000;
    if (seconds < 0.2) return { bytesPerSecond: 0, rowsPerSecond: 0, transactionsPerSecond: 0, fraction: now.fraction, etaSeconds: undefined };
    const fractionPerSecond = (now.fraction - before.fraction) / seconds;
    return {
      // Counters go back where the following of changes ends.
      bytesPerSecond: Math.max(0, now.bytes - before.bytes) / seconds,
      rowsPerSecond: Math.max(0, now.rows - before.rows) / seconds,
      transactionsPerSecond: Math.max(0, now.transactions - before.transactions) / seconds,
      fraction: now.fraction,
      etaSeconds: fractionPerSecond > 0 ? (1 - now.fraction) / fractionPerSecond : undefined,
    };
  }
}

/** What the lanes have relayed of chunks that are not complete: the counters of the whole get it at their end. */
function underWayOf(progress: MigrationProgress): { bytes: number; rows: number } {
  const sum = { bytes: 0, rows: 0 };
  for (const { counters } of progress.lanes.values()) {
    sum.bytes += counters?.bytes ?? 0;
    sum.rows += counters?.rows ?? 0;
  }
  return sum;
}

/**
 * How much of the data is there. Chunks that are complete count with their size at the source; those under way with the
 * bytes relayed so far, which are COPY text and only about the size of the heap: so they never make the bar full.
 */
function fractionOf(progress: MigrationProgress, underWayBytes: number): number {
  if (progress.totalBytes <= 0) return progress.totalTables === 0 ? 0 : progress.doneTables / progress.totalTables;
  const done = progress.doneBytes + Math.min(underWayBytes, 0.9 * (progress.totalBytes - progress.doneBytes));
  return Math.min(1, done / progress.totalBytes);
}
