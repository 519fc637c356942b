import { setTimeout as sleep } from "node:timers/promises";
import type { MigrationProgress } from "./events.ts";
import type { TaskStore } from "./task-store.ts";

const WRITE_EVERY_MS = 1000;

/** Writes the figures of a run to the store once a second until disposed, and once more then: whoever follows the task sees them. */
export function keepProgress(tasks: TaskStore, id: string, progress: MigrationProgress): AsyncDisposable {
  const ended = new AbortController();
  let written = "";
  const write = async (): Promise<void> => {
    const now = JSON.stringify({ ...progress, lanes: [...progress.lanes] });
    if (now === written) return;
    await tasks.saveProgress(id, progress).then(
      () => (written = now),
      () => undefined, // the store is back in a moment; nobody's work waits for figures
    );
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
