import { setTimeout as sleep } from "node:timers/promises";
import { LEDGER_SCHEMA, endSessions, ledgerOwner } from "../copy/ledger.ts";
import { type Workflow, isInterruption } from "../engine/workflow.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import { withDatabase } from "../wire/endpoint.ts";
import { openSession } from "../wire/session.ts";
import { databasesToMove } from "./databases-to-move.ts";
import { type MigrationEvent, type MigrationSummary, newProgress } from "./events.ts";
import { checkOnly, judge, migrate } from "./migrate.ts";
import type { MigrationOptions } from "./options.ts";
import { keepProgress } from "./progress-in-store.ts";
import { isResting } from "./states.ts";
import { TaskLog } from "./task-log.ts";
import type { Task, TaskError, TaskStore } from "./task-store.ts";

/** The name under which every worker knows it. */
export const TASK_WORKFLOW = "task";

/** The first pause before another try; it doubles up to a minute. */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
/** How soon an operator's action is seen. */
const WATCH_MS = 250;

export interface TaskWorkflowOptions {
  /** How long passing errors are tried again. */
  readonly retryForMs: number;
}

/**
 * One run of a task: from a start, resume or retry to the next state that waits for somebody, or to the end. A worker may die at any moment: another
 * one begins the step again, and what was done is known by the ledgers on the target and the task's milestones.
 */
export function taskWorkflow(tasks: TaskStore, { retryForMs }: TaskWorkflowOptions): Workflow {
  return async (context, id = "", run = "", action = "start") => {
    await context.step("run", async (signal) => {
      const task = await tasks.find(id);
      if (String(task.run) !== run) return; // a later run has it
      if (task.state === "terminating") await clean(tasks, task, signal);
      else if (!isResting(task, action === "check")) await work(tasks, task, action === "check", retryForMs, signal);
    });
  };
}

/** Works until the task is done, or somebody has to act. */
async function work(tasks: TaskStore, { id, run, options }: Task, isCheck: boolean, retryForMs: number, engine: AbortSignal): Promise<void> {
  if (await obeyed(tasks, id, run)) return;
  const until = performance.now() + (options.retryForMs ?? retryForMs);
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    await using attention = watch(tasks, id, run, engine);
    try {
      await attempt(tasks, id, isCheck, attention.signal);
      return;
    } catch (error) {
      engine.throwIfAborted();
      if (isInterruption(error)) throw error;
      if (await obeyed(tasks, id, run)) return;
      const known = error instanceof GodwitError ? error : new GodwitError("internal", String(error), { cause: error });
      if (known.code === "precheck-failed" || known.code === "precheck-alarm") return void (await tasks.apply(id, "checksFailed", { error: described(known) }));
      // Before anything was written, nothing is lost, and what is wrong is most likely what was typed: that is told at once.
      const isBegun = (await tasks.find(id)).startedAt !== null;
      if (!isBegun || known.retry !== "automatic" || performance.now() + pauseMs > until) return void (await tasks.apply(id, "failed", { error: described(known) }));
      await tasks.apply(id, "interrupted", { error: described(known), nextTryAt: new Date(Date.now() + pauseMs) });
    }
    try {
      await sleep(pauseMs, undefined, { signal: attention.signal });
    } catch {
      engine.throwIfAborted();
      if (await obeyed(tasks, id, run)) return;
    }
    await tasks.apply(id, "recovered", { error: null });
  }
}

/** The procedure itself, with the states that it passes through. */
async function attempt(tasks: TaskStore, id: string, isCheck: boolean, signal: AbortSignal): Promise<void> {
  const task = await tasks.find(id);
  const options = await optionsOf(tasks, task);
  // A worker that died while it waited to try again.
  if (task.state === "retrying") await tasks.apply(id, "recovered", { error: null });
  const log = new TaskLog(tasks, id);
  const report = (event: MigrationEvent): void => {
    log.add(event);
    if (event.event !== "step" || event.state !== "finished") return;
    if (event.step === "precheck") log.behind(async () => await passChecks(tasks, id));
    if (event.step === "roles") log.behind(async () => await passPreparation(tasks, id));
  };
  const progress = newProgress();
  await using _kept = keepProgress(tasks, id, progress);
  const hooks = { report, progress, signal };
  let summary: MigrationSummary;
  try {
    if (task.state === "checking" && (isCheck || isLater(task.scheduledAt))) {
      judge(await checkOnly(options, { ...hooks, report: (event) => log.add(event) }), options);
      await log.written();
      await tasks.apply(id, "checksPassed", { error: null });
      if (isCheck) return;
      await tasks.apply(id, "postponed");
    }
    await waitUntilDue(tasks, id, signal);
    summary = await migrate(options, hooks, await tasks.memory(id));
  } finally {
    await log.written();
  }
  await passChecks(tasks, id);
  await passPreparation(tasks, id);
  await tasks.apply(id, "finished", { step: null, summary });
}

async function optionsOf(tasks: TaskStore, task: Task): Promise<MigrationOptions> {
  return { ...task.options, ...(await tasks.endpoints(task.id)), concurrency: task.concurrency };
}

async function passChecks(tasks: TaskStore, id: string): Promise<void> {
  if ((await tasks.find(id)).state !== "checking") return;
  await tasks.apply(id, "checksPassed", { error: null });
  await tasks.apply(id, "due");
}

function isLater(moment: Date | null): moment is Date {
  return moment !== null && moment.getTime() > Date.now();
}

/** Longer than this at once, and Node's timers overflow. */
const LONGEST_SLEEP_MS = 3_600_000;

async function waitUntilDue(tasks: TaskStore, id: string, signal: AbortSignal): Promise<void> {
  const task = await tasks.find(id);
  if (task.state !== "scheduled") return;
  while (isLater(task.scheduledAt)) await sleep(Math.min(task.scheduledAt.getTime() - Date.now(), LONGEST_SLEEP_MS), undefined, { signal });
  await tasks.apply(id, "due");
}

async function passPreparation(tasks: TaskStore, id: string): Promise<void> {
  if ((await tasks.find(id)).state === "preparing") await tasks.apply(id, "prepared");
}

/** What an operator asked for meanwhile; true when this run has nothing more to do. */
async function obeyed(tasks: TaskStore, id: string, begun: number): Promise<boolean> {
  const { state, run } = await tasks.find(id);
  if (run !== begun) return true;
  if (state === "pausing") await tasks.apply(id, "paused");
  return state === "pausing" || state === "paused";
}

/** Aborts when an operator wants something else, or the engine does. */
function watch(tasks: TaskStore, id: string, begun: number, engine: AbortSignal): AsyncDisposable & { readonly signal: AbortSignal } {
  const asked = new AbortController();
  const ended = new AbortController();
  const watching = (async () => {
    while (!ended.signal.aborted) {
      const task = await tasks.find(id).catch(() => undefined); // the store is back in a moment
      if (task !== undefined && (task.run !== begun || task.state === "pausing")) return asked.abort(new GodwitError("interrupted", `the task is ${task.state}`));
      await sleep(WATCH_MS, undefined, { signal: ended.signal }).catch(() => undefined);
    }
  })();
  return {
    signal: AbortSignal.any([engine, asked.signal]),
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      await watching;
    },
  };
}

/** Takes the ledgers away. What was created stays: it may be what somebody wants to look at. */
async function clean(tasks: TaskStore, task: Task, signal: AbortSignal): Promise<void> {
  const options = await optionsOf(tasks, task);
  try {
    await using source = await openSession(options.source, { signal });
    await using target = await openSession(options.target, { signal });
    for (const { to, exists } of await databasesToMove(source, target, options, () => undefined)) {
      if (!exists) continue;
      await using session = await openSession(withDatabase(options.target, to), { signal });
      await endSessions(session, task.id); // a worker that hangs would write on, and its locks would hold us up
      if ((await ledgerOwner(session)) === task.id) await session.query(`drop schema ${LEDGER_SCHEMA} cascade`);
    }
  } catch (error) {
    signal.throwIfAborted();
    await tasks.log(task.id, "warning", `schema ${LEDGER_SCHEMA} may be left on the target: ${error instanceof Error ? error.message : String(error)}`);
  }
  await tasks.apply(task.id, "cleaned");
}

function described({ code, message, object, advice }: GodwitError): TaskError {
  return { code, message, ...(object === undefined ? {} : { object }), advice };
}
