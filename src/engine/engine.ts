import { randomUUID } from "node:crypto";
import { DBOS } from "@dbos-inc/dbos-sdk";
import { DBOSExecutor } from "@dbos-inc/dbos-sdk/internal/dbos-executor";
import { INTERNAL_QUEUE_NAME, dbRetryConfig } from "@dbos-inc/dbos-sdk/internal/utils";
import { wfQueueRunner } from "@dbos-inc/dbos-sdk/internal/wfqueue";
import { workflowTimeoutConfig } from "@dbos-inc/dbos-sdk/internal/workflow_management";
import { GodwitError } from "../errors/godwit-error.ts";
import { openClaimer } from "./claim.ts";
import { APPLICATION, APPLICATION_VERSION, type Control, STORE_URL, makeDefaultQueue, tellEnqueued, openControl } from "./control.ts";
import { takeLease } from "./lease.ts";
import { watchOwnership } from "./ownership.ts";
import { type EngineLog, loggerInto } from "./quiet-logger.ts";
import type { Store } from "./store.ts";
import { startSweeper } from "./sweeper.ts";
import { type Workflow, currentContext } from "./workflow.ts";

/** An executor in this process, and the control of all workflows. */
export interface Engine extends Control {
  /** Of this incarnation of this process. */
  readonly executorId: string;
  /** Interrupts what runs here and gives it back to the queues, where other executors find it at once. The store stays open. */
  shutdown(): Promise<void>;
}

export interface EngineOptions {
  /** Migrated (see migrations.ts). */
  readonly store: Store;
  /** Every executor must know every workflow. */
  readonly workflows: Readonly<Record<string, Workflow>>;
  readonly log?: EngineLog;
  /** This executor could not prove for a while that it lives, and has interrupted its steps; they go on here or elsewhere when the store is back. */
  readonly onLeaseLost?: () => void;
}

const POOL_CONNECTIONS = 10;
/** DBOS counts each death of an executor as an attempt and gives up at 100 by itself. */
const NEVER_GIVE_UP = 1_000_000_000;
/** How long steps get to end after they were interrupted. */
const SHUTDOWN_PATIENCE_MS = 5000;

/** Runs workflows in this process until `shutdown`. DBOS allows one engine per process at a time. */
export async function launchEngine(options: EngineOptions): Promise<Engine> {
  const { store } = options;
  let isLeaving = false;
  // What DBOS says while it is taken down concerns nobody: what ran was given back.
  const log: EngineLog = (sentence) => {
    if (!isLeaving) options.log?.(sentence);
  };
  const executorId = randomUUID();
  // The store comes back within a second or so; by itself DBOS would wait for up to a minute.
  Object.assign(dbRetryConfig, { initialBackoffSec: 0.1, maxBackoffSec: 1 });
  await using undo = new AsyncDisposableStack();
  const pool = undo.adopt(store.newPool(POOL_CONNECTIONS), async (pool) => await pool.end());
  await makeDefaultQueue(store);
  const control = undo.adopt(await openControl(store, log), async (control) => await control.close());
  const ownership = undo.adopt(watchOwnership(store, { executorId, log, isRunning }), async (ownership) => await ownership.stop(0));
  const onLost = (): void => {
    ownership.interruptAll();
    options.onLeaseLost?.();
  };
  // Before the launch: what is claimed without a lease looks like a dead executor's.
  undo.adopt(await takeLease(store, executorId, { log, onLost }), async (lease) => await lease.release());
  for (const [name, workflow] of Object.entries(options.workflows)) {
    const run = async (...ids: string[]): Promise<unknown> => await workflow(currentContext(ownership), ...ids);
    DBOS.registerWorkflow(run, { name, maxRecoveryAttempts: NEVER_GIVE_UP });
  }
  undo.defer(async () => {
    isLeaving = true;
    await DBOS.shutdown({ deregister: true });
  });
  DBOS.setConfig({
    name: APPLICATION,
    applicationVersion: APPLICATION_VERSION,
    executorID: executorId,
    systemDatabaseUrl: STORE_URL,
    systemDatabasePool: pool,
    runMigrations: false,
    // No task waits for DBOS's messages (`receive` polls), and the lease's session hears our news; DBOS's listening would take another one and a tenth of a second of each start.
    useListenNotify: false,
    // Nor has DBOS a schedule to keep: it would look once a second.
    schedulerPollingIntervalMs: 60_000,
    logger: loggerInto(log),
  });
  await DBOS.launch();
  const executor = launchedExecutor();
  undo.defer(async () => {
    // In this order: nothing is claimed any more, what runs is interrupted, and what was not done is given back. An execution that is
    // still somewhere then owns nothing: the errors it meets while DBOS is taken down cannot be recorded as the workflow's end.
    await executor.deactivateEventReceivers();
    await ownership.stop(SHUTDOWN_PATIENCE_MS);
    try {
      await executor.recoverPendingWorkflows([executorId]);
      await tellEnqueued(store);
    } catch (error) {
      log(`workflows are left to the sweeper of another executor: ${String(error)}`);
    }
  });
  slowLoops();
  const claimer = undo.adopt(openClaimer(executor), async (claimer) => await claimer.stop());
  undo.adopt(startSweeper(store, executor, claimer, log), async (sweeper) => await sweeper.stop());
  const running = undo.move();
  return { ...control, executorId, shutdown: async () => await running.disposeAsync() };
}

/**
 * DBOS looks once a second for what we do not use: deadlines of workflows, changes of queues, its internal queue (see control.ts: nothing is put
 * there; where something lies there nevertheless it gets its turn), and for what was started with `at`.
 */
function slowLoops(): void {
  Object.assign(workflowTimeoutConfig, { pollingIntervalMs: 60_000 });
  Object.assign(wfQueueRunner.constructor, { reconcileIntervalMs: 60_000, transitionIntervalMs: 5000 });
  const queue = wfQueueRunner.getInternalQueue(INTERNAL_QUEUE_NAME);
  if (queue !== undefined) Object.assign(queue, { minPollingIntervalMs: 60_000 });
}

function isRunning(workflowId: string): boolean {
  return launchedExecutor().systemDatabase.runningWorkflowMap.has(workflowId);
}

function launchedExecutor(): DBOSExecutor {
  const executor = DBOSExecutor.globalInstance;
  if (executor === undefined) throw new GodwitError("internal", "the engine is not launched");
  return executor;
}
