import { setTimeout as sleep } from "node:timers/promises";
import { launchEngine } from "../engine/engine.ts";
import { withoutRepeats } from "../engine/quiet-logger.ts";
import type { Store } from "../engine/store.ts";
import { LaneKeeper } from "./lanes/lane-keeper.ts";
import { removeRuns, startMissingRuns } from "./task-actions.ts";
import type { StoreQueries } from "./store-queries.ts";
import type { TaskStore } from "./task-store.ts";
import { TASK_WORKFLOW, taskWorkflow } from "./task-workflow.ts";
import { VERIFY_WORKFLOW, Verifications, verifyWorkflow } from "./verification.ts";

export interface WorkerOptions {
  /** Migrated with STORE_MIGRATIONS. */
  readonly store: Store;
  readonly tasks: TaskStore;
  readonly queries: StoreQueries;
  /** How long passing errors are tried again. */
  readonly retryForMs: number;
  /** Ended tasks go after this. */
  readonly keepEndedForMs: number;
  /** One sentence about what happened to the worker itself. */
  readonly log: (sentence: string) => void;
}

const KEEP_HOUSE_EVERY_MS = 5000;

/** Works on the tasks of a store, with other workers or alone, until `stop`: what runs then is given back, and goes on elsewhere or later. */
export async function startWorker({ store, tasks, queries, retryForMs, keepEndedForMs, log: tell }: WorkerOptions): Promise<{ stop(): Promise<void> }> {
  const log = withoutRepeats(tell);
  const leaving = new AbortController();
  const patient = tasks.patient(leaving.signal);
  let lanes: LaneKeeper | undefined;
  const verifications = new Verifications(queries);
  const workflows = {
    [TASK_WORKFLOW]: taskWorkflow(patient, patient.jobs(), { retryForMs }),
    [VERIFY_WORKFLOW]: verifyWorkflow(patient, new Verifications(queries.patient(leaving.signal))),
  };
  const engine = await launchEngine({ store, workflows, log, onLeaseLost: () => lanes?.interrupt() });
  lanes = new LaneKeeper(tasks.jobs(), engine.executorId, log);
  const stopped = new AbortController();
  const keepHouse = async (): Promise<void> => {
    let isAway = false;
    while (!stopped.signal.aborted) {
      try {
        await startMissingRuns(tasks, engine);
        await verifications.startMissing(engine);
        const ids = await tasks.deleteEndedBefore(new Date(Date.now() - keepEndedForMs));
        for (const id of ids) await removeRuns(engine, id);
        isAway = false;
      } catch (error) {
        if (!isAway) log(`housekeeping waits: ${error instanceof Error ? error.message : String(error)}`); // the store is back in a moment
        isAway = true;
      }
      await sleep(KEEP_HOUSE_EVERY_MS, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  };
  const house = keepHouse();
  return {
    stop: async () => {
      stopped.abort();
      leaving.abort();
      await house;
      await lanes?.stop();
      await engine.shutdown();
    },
  };
}
