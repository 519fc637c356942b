import { Worker } from "node:worker_threads";
import type { Watched, WatcherEnd, WatcherReady, WatcherRequest } from "./watcher.ts";
import type { Written, WritersRequest } from "./writers.ts";

/** Writes until the time is over, in a thread of its own: the one who looks must not wait for the one who writes. */
export async function write(request: WritersRequest): Promise<Written> {
  const worker = new Worker(new URL("writers.ts", import.meta.url), { workerData: request });
  return await answer<Written>(worker);
}

export interface Watcher extends AsyncDisposable {
  /** Waits until so many rows of each client were seen, or `timeoutMs` are over, and returns what was seen. */
  end(end: WatcherEnd): Promise<Watched>;
}

/** Begins to look at the target; resolves when it does. */
export async function watch(request: WatcherRequest): Promise<Watcher> {
  const worker = new Worker(new URL("watcher.ts", import.meta.url), { workerData: request });
  await answer<WatcherReady>(worker);
  return {
    async end(message) {
      worker.postMessage(message, []);
      return await answer<Watched>(worker);
    },
    async [Symbol.asyncDispose]() {
      await worker.terminate();
    },
  };
}

async function answer<Message>(worker: Worker): Promise<Message> {
  return await new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}
