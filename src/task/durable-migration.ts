import { isDeepStrictEqual } from "node:util";
import { setTimeout as sleep } from "node:timers/promises";
import { GodwitError } from "../errors/godwit-error.ts";
import { unattended } from "./at-rest.ts";
import type { MigrationSummary } from "./events.ts";
import { type Follower, followTask } from "./follow-task.ts";
import type { OpenTasks } from "./open-tasks.ts";
import type { MigrationOptions } from "../plan/migration-options.ts";
import { type TaskAction, type TaskState, isAtWork, isResting } from "./states.ts";
import { act, runId } from "./task-actions.ts";
import type { NewTask, Task, TaskError, TaskOptions } from "./task-record.ts";
import { type WorkerOptions, startWorker } from "./worker.ts";

/** How long somebody who pressed Ctrl-C is kept waiting for the pause. */
const PAUSE_PATIENCE_MS = 5000;

/**
 * One migration by a worker in this process, as a task of the store: goes on with the unfinished one between the same two databases, or begins one.
 * Ends as the task does. When the signal aborts the task is paused; `interrupted` then tells how to go on. Throws `task-differs` when the unfinished
 * one was begun with other options.
 */
export async function migrateDurably(
  opened: OpenTasks,
  request: NewTask,
  worker: Omit<WorkerOptions, "store" | "tasks" | "queries">,
  follower: Follower,
): Promise<MigrationSummary> {
  const { store, tasks } = opened;
  const { signal } = follower;
  signal.throwIfAborted();
  const patient = tasks.patient(signal); // the store may be restarted meanwhile
  const asked = await tasks.unfinishedOrNew(request);
  if (!asked.isNew) refuseOtherOptions(asked.task, request.options);
  await using stack = new AsyncDisposableStack();
  stack.adopt(await startWorker({ ...worker, store, tasks, queries: opened.queries }), async (started) => await started.stop());
  const { id, after } = await begin(opened, request, asked, follower);
  try {
    const rested = await followTask(patient, id, after, follower);
    await runEnded(opened, rested);
    return outcome(rested);
  } catch (error) {
    if (!signal.aborted) throw error;
    throw await pause(opened, id);
  }
}

/** A run that has just told its last state ends by itself in a moment; taken down before, it would begin again elsewhere only to end. */
async function runEnded({ control }: OpenTasks, task: Task): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const status = (await control.status(runId(task)))?.status;
    if (status !== "PENDING" && status !== "ENQUEUED") return;
    await sleep(10);
  }
}

/** Starts a new task, or lets an unfinished one go on; the log from the line `after` tells how. */
async function begin(opened: OpenTasks, request: NewTask, { task, isNew }: Asked, follower: Follower): Promise<{ id: string; after: string }> {
  const { tasks } = opened;
  const { id, state } = task;
  if (isNew) {
    await letGoOn(opened, task);
    return { id, after: "0" };
  }
  if (state === "pausing" || state === "terminating" || (task.onlyCheck && !isResting(task))) {
    await followTask(tasks, id, await tasks.endOfLog(id), { ...follower, report: () => undefined });
    return await begin(opened, request, await tasks.unfinishedOrNew(request), follower);
  }
  const after = await tasks.endOfLog(id);
  const replaced = await tasks.replace(id, request);
  const was = task.startedAt === null ? `${state}, nothing was written yet` : state;
  follower.report({ event: "notice", level: "info", message: `Goes on with task ${id} (${was}).` });
  await letGoOn(opened, replaced);
  return { id, after };
}

type Asked = Awaited<ReturnType<OpenTasks["tasks"]["unfinishedOrNew"]>>;

/** Two processes may ask for one task at once: what the other one did is done. */
async function letGoOn({ tasks, control }: OpenTasks, task: Task): Promise<void> {
  const action = TO_GO_ON[task.state];
  if (action === undefined) return;
  try {
    await act(tasks, control, task.id, action);
  } catch (error) {
    const now = await tasks.find(task.id);
    if (!(error instanceof GodwitError) || error.code !== "action-refused" || now.state === task.state) throw error;
  }
}

/** States that wait for somebody; in the others a run is at work already, or is taken over from a worker that died. */
const TO_GO_ON: Partial<Record<TaskState, Exclude<TaskAction, "delete">>> = {
  draft: "start",
  checkPassed: "start",
  checkFailed: "start",
  scheduled: "start",
  paused: "resume",
  failed: "retry",
};

/** What decides which objects the target gets, and how: a migration that has begun cannot change it. */
const FIXED: Readonly<Partial<Record<keyof TaskOptions, string>>> = {
  type: "--type",
  instance: "--instance",
  include: "--include",
  exclude: "--exclude",
  noOwner: "--no-owner",
  noPrivileges: "--no-privileges",
  publications: "--publications",
  tablespaceMap: "--tablespace-map",
};

function refuseOtherOptions({ id, startedAt, state, options: begun }: Task, given: MigrationOptions): void {
  if ((startedAt === null && !isAtWork(state)) || state === "terminating") return;
  const different = (Object.keys(FIXED) as (keyof TaskOptions & keyof MigrationOptions)[])
    .filter((name) => !isDeepStrictEqual(begun[name], given[name]))
    .map((name) => FIXED[name]);
  if (different.length === 0) return;
  throw new GodwitError("task-differs", `task ${id} between these databases is ${state} and was begun with other options: ${different.join(", ")} differ`, {
    object: id,
    advice: `Give the same ${different.join(", ")} as then to go on (\`godwit task show ${id}\` tells them), or give it up: \`godwit task terminate ${id}\`, then empty the target.`,
  });
}

function outcome({ id, state, summary, error, startedAt }: Task): MigrationSummary {
  if (state === "succeeded" && summary !== null) return summary;
  if (error !== null && (state === "failed" || state === "checkFailed")) throw toError(error, startedAt === null ? "" : ` ${wayOn(id)}`);
  throw new GodwitError("interrupted", `task ${id} was ${state === "paused" ? "paused" : "ended"} by somebody: it is ${state}`, {
    object: id,
    ...(state === "paused" ? { advice: wayOn(id) } : {}),
  });
}

function toError({ code, message, object, advice }: TaskError, wayOn: string): GodwitError {
  return new GodwitError(code, message, { ...(object === undefined ? {} : { object }), advice: `${advice}${wayOn}` });
}

function wayOn(id: string): string {
  return `Run the same command again to go on with task ${id}, or give it up: \`godwit task terminate ${id}\`.`;
}

/** Asks for the pause, waits for it a while, and says how it went. */
async function pause({ tasks, control }: OpenTasks, id: string): Promise<GodwitError> {
  const asked = await act(tasks, control, id, "pause").catch(() => undefined); // it may rest already, or be completing
  let task = asked ?? (await tasks.find(id));
  for (const until = performance.now() + PAUSE_PATIENCE_MS; task.state === "pausing" && performance.now() < until;) {
    await sleep(50);
    task = await tasks.find(id);
  }
  const written = task.startedAt === null ? "Nothing was written yet. " : "";
  const atRest = unattended(task);
  if (task.state === "paused") return new GodwitError("interrupted", "the migration is paused", { advice: `${written}${wayOn(id)}${atRest === "" ? "" : ` ${atRest}`}` });
  const standing = task.state === "pausing" ? "is asked to pause" : `is ${task.state}`;
  return new GodwitError("interrupted", `the work was interrupted before its end; the task ${standing}`, { advice: `${written}${wayOn(id)}` });
}
