import { percentile } from "../statistics.ts";
import type { Watched } from "./watcher.ts";
import type { Written } from "./writers.ts";

/** Milliseconds from a transaction's COMMIT acknowledged at the source until its row was seen at the target. */
export interface Delays {
  readonly transactions: number;
  /** What was written, per second of the writing. */
  readonly writtenPerSecond: number;
  /** What had arrived at the target when the writing ended, per second of it: what the tool sustained. */
  readonly arrivedPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** From the moment that the transaction was sent: holds the source's own commit, and no error of this process's clock can make it too small. */
  readonly p99FromSentMs: number;
  /** 99 of 100 looks at the target came this soon after the one before: values may be late by it. */
  readonly p99GapMs: number;
}

/** Counts the transactions that were sent after the warm-up. A row that was seen before the acknowledgement came here has a delay of 0. */
export function countDelays(written: Written, { seenMs, gapsMs }: Watched, warmUpSeconds: number): Delays {
  const from = written.startedMs + warmUpSeconds * 1000;
  const fromCommit: number[] = [];
  const fromSent: number[] = [];
  let arrived = 0;
  for (const [client, committed] of written.committedMs.entries()) {
    for (const [number, committedAt] of committed.entries()) {
      const sentAt = written.sentMs[client]?.[number] ?? Number.NaN;
      // Of a row that never came, the delay is without end: no percentile may overlook it.
      const seenAt = seenMs[client]?.[number] ?? Number.POSITIVE_INFINITY;
      if (sentAt < from) continue;
      if (seenAt <= written.endedMs) arrived++;
      fromCommit.push(Math.max(0, seenAt - committedAt));
      fromSent.push(seenAt - sentAt);
    }
  }
  const seconds = (written.endedMs - from) / 1000;
  return {
    transactions: fromCommit.length,
    writtenPerSecond: fromCommit.length / seconds,
    arrivedPerSecond: arrived / seconds,
    p50Ms: percentile(fromCommit, 0.5),
    p99Ms: percentile(fromCommit, 0.99),
    maxMs: percentile(fromCommit, 1),
    p99FromSentMs: percentile(fromSent, 0.99),
    p99GapMs: percentile(gapsMs, 0.99),
  };
}
