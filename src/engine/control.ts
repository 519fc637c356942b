import { DBOSClient, type GetWorkflowsInput, type WorkflowStatus, type WorkflowStatusString } from "@dbos-inc/dbos-sdk";
import { ENQUEUED, NEWS_CHANNEL } from "./news.ts";
import { type EngineLog, loggerInto } from "./quiet-logger.ts";
import type { Store } from "./store.ts";

/** DBOS scopes by application what it finds in the store. */
export const APPLICATION = "godwit";
/** Pinned: DBOS's default is a hash of the code, and every edit would strand the workflows of the day before. */
export const APPLICATION_VERSION = "1";
/** The queue of everything: no limit, claimed by any executor. */
export const DEFAULT_QUEUE = "tasks";
/** DBOS wants a URL also where it is given a pool, and prints it; this one says nothing. */
export const STORE_URL = "postgresql://godwit@store/godwit";
/** How soon the end of a workflow is seen by whoever waits for its result. */
const RESULT_POLL_MS = 250;

export interface WorkflowState {
  readonly id: string;
  readonly name: string;
  /** ENQUEUED, DELAYED: waits; PENDING: an executor has it; the others are ends. */
  readonly status: WorkflowStatusString;
  readonly executorId: string | undefined;
  readonly queue: string | undefined;
  /** Of status ERROR. */
  readonly error: string | undefined;
}

export interface StartOptions {
  /** Not before this moment; up to five seconds later. */
  readonly at?: Date;
}

/** Everything that steers workflows without running any: for the command line and the server as for executors. */
export interface Control {
  /** Puts a workflow into the queue; with an id that exists nothing happens. Arguments are stored in clear: ids only. */
  start(name: string, workflowId: string, ids: readonly string[], options?: StartOptions): Promise<void>;
  /** Moves the moment of a workflow started with `at`. */
  reschedule(workflowId: string, at: Date): Promise<void>;
  status(workflowId: string): Promise<WorkflowState | undefined>;
  list(filter: { readonly ids?: readonly string[]; readonly idPrefix?: string; readonly status?: readonly WorkflowStatusString[] }): Promise<WorkflowState[]>;
  /** All at one moment. Their steps are interrupted within a second. */
  cancel(workflowIds: readonly string[]): Promise<void>;
  /** Lets cancelled ones go on from where they stood. Ended ones stay as they are. */
  resume(workflowIds: readonly string[]): Promise<void>;
  /** Lets one that ended in an error go on at the step that failed. */
  retry(workflowId: string): Promise<void>;
  /** Waits for the end and returns what the workflow returned; throws what it threw. */
  result(workflowId: string): Promise<unknown>;
  /** Removes all that is kept of workflows, which must have ended. */
  remove(workflowIds: readonly string[]): Promise<void>;
  /** Executors' part of the store stays open. */
  close(): Promise<void>;
}

/** So that an executor, wherever it is, need not look for it. */
export async function tellEnqueued(store: Store): Promise<void> {
  await store.pool.query("select pg_catalog.pg_notify($1, $2)", [NEWS_CHANNEL, ENQUEUED]);
}

/** Steers the workflows of a migrated store. */
export async function openControl(store: Store, log: EngineLog = () => undefined): Promise<Control> {
  const client = await DBOSClient.create({ systemDatabaseUrl: STORE_URL, systemDatabasePool: store.pool, applicationName: APPLICATION, logger: loggerInto(log) });
  const list = async (filter: GetWorkflowsInput): Promise<WorkflowState[]> => (await client.listWorkflows({ ...filter, loadInput: false, loadOutput: true })).map(toState);
  return {
    start: async (name, workflowID, ids, options = {}) => {
      const delaySeconds = Math.max(0, ((options.at?.getTime() ?? 0) - Date.now()) / 1000);
      const where = { queueName: DEFAULT_QUEUE, appVersion: APPLICATION_VERSION };
      await client.enqueue({ workflowName: name, workflowID, ...where, ...(delaySeconds > 0 ? { delaySeconds } : {}) }, ...ids);
      await tellEnqueued(store);
    },
    reschedule: async (id, at) => await client.setWorkflowDelay(id, { delayUntilEpochMS: at.getTime() }),
    status: async (id) => (await list({ workflowIDs: [id] }))[0],
    list: async ({ ids, idPrefix, status }) =>
      await list({
        ...(ids === undefined ? {} : { workflowIDs: [...ids] }),
        ...(idPrefix === undefined ? {} : { workflow_id_prefix: idPrefix }),
        ...(status === undefined ? {} : { status: [...status] }),
      }),
    cancel: async (ids) => await client.cancelWorkflows([...ids]),
    // Always with a queue: DBOS's internal one is looked at once a minute only.
    resume: async (ids) => {
      await client.resumeWorkflows([...ids], { queueName: DEFAULT_QUEUE });
      await tellEnqueued(store);
    },
    retry: async (id) => {
      const steps = (await client.listWorkflowSteps(id)) ?? [];
      const failed = steps.find(({ error }) => error !== null);
      const startStep = failed?.functionID ?? (steps.at(-1)?.functionID ?? -1) + 1;
      await client.rewindWorkflow(id, { startStep, queueName: DEFAULT_QUEUE });
      await tellEnqueued(store);
    },
    result: async (id) => await client.retrieveWorkflow(id).getResult({ pollingIntervalMs: RESULT_POLL_MS }),
    remove: async (ids) => await client.deleteWorkflows([...ids]),
    close: async () => await client.destroy(),
  };
}

/** How soon DBOS by itself looks into the queue of tasks. Executors know of what waits there before (see claim.ts). */
const DEFAULT_POLL_MS = 5000;

/** The queue that every executor serves; made by the first one that launches. */
export async function makeDefaultQueue(store: Store): Promise<void> {
  const client = await DBOSClient.create({ systemDatabaseUrl: STORE_URL, systemDatabasePool: store.pool, applicationName: APPLICATION, logger: loggerInto(() => undefined) });
  await client.registerQueue(DEFAULT_QUEUE, { minPollingIntervalMs: DEFAULT_POLL_MS, applicationName: APPLICATION });
  await client.destroy();
}

function toState(status: WorkflowStatus): WorkflowState {
  return {
    id: status.workflowID,
    name: status.workflowName,
    status: status.status as WorkflowStatusString,
    executorId: status.executorId,
    queue: status.queueName,
    error: status.error instanceof Error ? status.error.message : undefined,
  };
}
