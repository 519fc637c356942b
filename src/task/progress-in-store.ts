import { setTimeout as sleep } from "node:timers/promises";
import type { MigrationProgress } from "./events.ts";
import { RateMeter } from "./rate-meter.ts";
import type { TaskStore } from "./task-store.ts";

const WRITE_EVERY_MS = 1000;
/** Also figures that do not change are those of now. */
const WRITE_AT_LEAST_EVERY_MS = 10_000;

/** Writes the figures of a run to the store once a second until disposed, and once more then: whoever follows the task sees them. */
export function keepProgress(tasks: TaskStore, id: string, progress: MigrationProgress): AsyncDisposable {
  const ended = new AbortController();
  const meter = new RateMeter();
  let written = "";
  let writtenAt = 0;
  const write = async (): Promise<void> => {
    const rates = meter.sample(progress, Date.now());
    const isIdle = rates.bytesPerSecond === 0 && rates.rowsPerSecond === 0;
    // A rate that falls is news, too.
    const now = JSON.stringify({ ...progress, lanes: [...progress.lanes], isIdle: isIdle || Date.now() });
    if (now === written && performance.now() - writtenAt < WRITE_AT_LEAST_EVERY_MS) return;
    try {
      await tasks.saveProgress(id, progress, rates);
      written = now;
      writtenAt = performance.now();
    } catch {
      // The store is back in a moment; nobody's work waits for figures.
    }
  };
  const writing = (async () => {
    while (!ended.signal.aborted) {
      await write();
      await sleep(WRITE_EVERY_MS, undefined, { signal: ended.signal }).catch(() => undefined);
    }
  })();
  return {
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      await writing;
      await write();
    },
  };
}
