import type { DBOSExecutor } from "@dbos-inc/dbos-sdk/internal/dbos-executor";
import { runWithAbortableDbRetries } from "@dbos-inc/dbos-sdk/internal/context";
import { type WorkflowQueue, wfQueueRunner } from "@dbos-inc/dbos-sdk/internal/wfqueue";
import { DEFAULT_QUEUE } from "./control.ts";

/** Takes what waits in the default queue, as DBOS's own loop does; both may do it at the same time, as executors of different processes do. */
export interface Claimer {
  /** Never throws: DBOS logs what hinders it, and looks again. */
  claim(): Promise<void>;
  /** Nothing is claimed after this. */
  stop(): Promise<void>;
}

/** The part of DBOS's loop that it keeps to itself. https://github.com/dbos-inc/dbos-transact-ts/blob/v5.3.0/src/wfqueue.ts */
interface QueueRunner {
  readonly states: ReadonlyMap<string, { readonly queue: WorkflowQueue }>;
  pollQueue(executor: DBOSExecutor, queue: WorkflowQueue): Promise<unknown>;
}

/** The claimer of a launched executor. */
export function openClaimer(executor: DBOSExecutor): Claimer {
  const runner = wfQueueRunner as unknown as QueueRunner;
  const stopped = new AbortController();
  const claim = async (before: Promise<void>): Promise<void> => {
    await before;
    const queue = runner.states.get(DEFAULT_QUEUE)?.queue;
    if (queue === undefined || stopped.signal.aborted) return;
    await runWithAbortableDbRetries(stopped.signal, async () => await runner.pollQueue(executor, queue));
  };
  let claiming = Promise.resolve();
  return {
    claim: async () => await (claiming = claim(claiming)),
    stop: async () => {
      stopped.abort();
      await claiming;
    },
  };
}
