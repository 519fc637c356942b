import { setTimeout as sleep } from "node:timers/promises";
import { type Workflow, isInterruption } from "../engine/workflow.ts";
import { GodwitError, asGodwitError, fromDescription } from "../errors/godwit-error.ts";
import { type MigrationEvent, type MigrationSummary, newProgress } from "./events.ts";
import { giveUp } from "./give-up.ts";
import type { Pause, Trouble } from "./lanes/crew.ts";
import { failpoint } from "../errors/failpoint.ts";
import type { JobStore } from "./lanes/job-store.ts";
import { type MigrationHooks, checkOnly, judge, migrate } from "./migrate.ts";
import type { MigrationOptions } from "../plan/migration-options.ts";
import { keepProgress } from "./progress-in-store.ts";
import { isAtWork, isResting } from "./states.ts";
import { TaskLog } from "./task-log.ts";
import type { Task } from "./task-record.ts";
import type { TaskStore } from "./task-store.ts";
import { watchStalls } from "./watchdog.ts";

/** The name under which every worker knows it. */
export const TASK_WORKFLOW = "task";

/** The first pause before another try; it doubles, up to where a network that comes back is not waited for. */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 15_000;
/** Who got on for so long has overcome the trouble before. */
const STEADY_MS = 60_000;
/** The store tells at once what an operator has done; a pause that waited for the end of the copy is seen this soon. */
const WATCH_MS = 1000;

export interface TaskWorkflowOptions {
  /** How long passing errors are tried again. */
  readonly retryForMs: number;
}

/**
 * One run of a task: from a start, resume or retry to the next state that waits for somebody, or to the end. A worker may die at any moment: another
 * one begins the step again, and what was done is known by the ledgers on the target and the task's milestones.
 */
export function taskWorkflow(tasks: TaskStore, jobs: JobStore, { retryForMs }: TaskWorkflowOptions): Workflow {
  return async (context, id = "", run = "") => {
    await context.step("run", async (signal) => {
      let task = await tasks.find(id);
      if (String(task.run) !== run) return; // a later run has it
      // Who held it died; it may be resumed in this very moment.
      if (task.state === "paused" && !(await tasks.letGo(id, task.run))) task = await tasks.find(id);
      if (task.state === "terminating") await giveUp(tasks, jobs, task, async () => await optionsOf(tasks, task), signal);
      else if (!isResting(task)) await work(tasks, jobs, task, retryForMs, signal);
    });
  };
}

const CHECKS: ReadonlySet<string> = new Set(["precheck-failed", "precheck-alarm"]);

/** What a run has learned by its tries. */
interface Tries {
  /** How long passing errors are tried again, in milliseconds. */
  readonly windowMs: number;
  hasConnected: boolean;
  /** The lanes have tried for so long. */
  isOver: boolean;
}

/** Works until the task is done, or somebody has to act. */
async function work(tasks: TaskStore, jobs: JobStore, { id, run, options }: Task, retryForMs: number, engine: AbortSignal): Promise<void> {
  if (await obeyed(tasks, id, run)) return;
  const tries: Tries = { windowMs: options.retryForMs ?? retryForMs, hasConnected: false, isOver: false };
  let until = performance.now() + tries.windowMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    const began = performance.now();
    const pause = new HeldPause(tasks, id);
    await using attention = watch(tasks, id, run, pause, engine);
    try {
      await attempt(tasks, jobs, id, pause, tries, attention);
      return;
    } catch (error) {
      engine.throwIfAborted();
      if (isInterruption(error)) throw error;
      if (await obeyed(tasks, id, run)) return;
      const known = asGodwitError(error);
      // It had got on for a while: this is another trouble.
      if (performance.now() - began > STEADY_MS) {
        until = performance.now() + tries.windowMs;
        pauseMs = FIRST_PAUSE_MS;
      }
      // The lanes were trying again already.
      if ((await tasks.find(id)).state === "retrying") await tasks.apply(id, "recovered", { error: null });
      // Each run checks again; behind the checks of the first one there is no state for that but the failure.
      if (CHECKS.has(known.code)) return void (await tasks.apply(id, (await tasks.find(id)).state === "checking" ? "checksFailed" : "failed", { error: known.described() }));
      // Where no connection ever came about, what is wrong is most likely what was typed: that is told at once.
      const mayBeTyped = (await tasks.find(id)).startedAt === null && !tries.hasConnected && known.code !== "connection-lost";
      if (mayBeTyped || known.retry !== "automatic" || tries.isOver || performance.now() + pauseMs > until)
        return void (await tasks.apply(id, "failed", { error: known.described() }));
      if (await overtaken(tasks, id, run, async () => await tasks.apply(id, "interrupted", { error: known.described(), nextTryAt: new Date(Date.now() + pauseMs) }))) return;
    }
    try {
      await sleep(pauseMs, undefined, { signal: attention.signal });
    } catch {
      engine.throwIfAborted();
      if (await obeyed(tasks, id, run)) return;
    }
    if (await overtaken(tasks, id, run, async () => await tasks.apply(id, "recovered", { error: null }))) return;
  }
}

/** Reports something; true when an operator was faster, and this run has nothing more to do. */
async function overtaken(tasks: TaskStore, id: string, run: number, report: () => Promise<unknown>): Promise<boolean> {
  try {
    await report();
    return false;
  } catch (error) {
    if (error instanceof GodwitError && error.code === "action-refused" && (await obeyed(tasks, id, run))) return true;
    throw error;
  }
}

/** The procedure itself, with the states that it passes through. */
async function attempt(tasks: TaskStore, jobs: JobStore, id: string, pause: Pause, tries: Tries, { signal, completeAsked }: Attention): Promise<void> {
  const task = await tasks.find(id);
  let options = await optionsOf(tasks, task);
  // A worker that died while it waited to try again.
  if (task.state === "retrying") await tasks.apply(id, "recovered", { error: null });
  const log = new TaskLog(tasks, id);
  const note = (event: MigrationEvent): void => {
    log.add(event);
    if (event.event === "step" && event.state === "finished") tries.hasConnected = true; // of whatever step: the first is to connect
  };
  const report = (event: MigrationEvent): void => {
    note(event);
    if (event.event !== "step" || event.state !== "finished") return;
    if (event.step === "precheck") log.behind(async () => await passChecks(tasks, id));
    if (event.step === "roles") log.behind(async () => await passPreparation(tasks, id));
  };
  const progress = newProgress();
  await using _kept = keepProgress(tasks, id, progress);
  const onPlanned: MigrationHooks["onPlanned"] = (database, tables) => log.behind(async () => await tasks.planTables(id, database, tables));
  const hooks = { report, progress, signal, onPlanned };
  let summary: MigrationSummary;
  try {
    if (task.state === "checking" && (task.onlyCheck || isLater(task.scheduledAt))) {
      judge(await checkOnly(options, { ...hooks, report: note }), options);
      await log.written();
      await tasks.apply(id, "checksPassed", { error: null });
      if (task.onlyCheck) return;
      await tasks.apply(id, "postponed");
    }
    // Whoever has asked for something else meanwhile means what is done now.
    if (await waitUntilDue(tasks, id, signal)) options = await optionsOf(tasks, await tasks.find(id));
    const crew = { jobs, taskId: id, onTrouble: async (trouble: Trouble | undefined) => await tellTrouble(tasks, id, trouble, tries), pause, triesAgain: tries.windowMs > 0 };
    await using _ = watchStalls(options, id, hooks.progress, report);
    const switchover = { asked: completeAsked, caughtUp: async () => await readyToComplete(tasks, id, options) };
    summary = await migrate(options, hooks, await tasks.memory(id), crew, switchover);
  } finally {
    await log.written();
  }
  await passChecks(tasks, id);
  await passPreparation(tasks, id);
  failpoint("finished");
  await tasks.apply(id, "finished", { step: null, summary });
}

/** The operator completes it; or, asked for that before, it does so by itself. A run that goes on finds it ready already. */
async function readyToComplete(tasks: TaskStore, id: string, { incremental }: MigrationOptions): Promise<void> {
  await passPreparation(tasks, id);
  if ((await tasks.find(id)).state === "running") await tasks.apply(id, "caughtUp", { error: null });
  failpoint("caught up");
  if (incremental?.untilCaughtUp === true && (await tasks.find(id)).state === "readyToComplete") await tasks.apply(id, "complete");
}

/** Lanes try again by themselves; the task's state says so while none of them gets on. */
async function tellTrouble(tasks: TaskStore, id: string, trouble: Trouble | undefined, tries: Tries): Promise<void> {
  if (trouble !== undefined && Date.now() - trouble.since > tries.windowMs) {
    tries.isOver = true;
    throw fromDescription(trouble.error);
  }
  const { state } = await tasks.find(id);
  if (trouble !== undefined && isAtWork(state)) await tasks.apply(id, "interrupted", { error: trouble.error, nextTryAt: trouble.nextTryAt });
  else if (trouble === undefined && state === "retrying") await tasks.apply(id, "recovered", { error: null });
}

async function optionsOf(tasks: TaskStore, task: Task): Promise<MigrationOptions> {
  return { ...task.options, ...(await tasks.endpoints(task.id)), concurrency: task.concurrency, accepted: task.accepted.map(({ check }) => check) };
}

async function passChecks(tasks: TaskStore, id: string): Promise<void> {
  let { state } = await tasks.find(id);
  if (state === "checking") ({ state } = await tasks.apply(id, "checksPassed", { error: null }));
  failpoint("checks passed");
  // Also when a worker died between the two.
  if (state === "checkPassed") await tasks.apply(id, "due");
}

function isLater(moment: Date | null): moment is Date {
  return moment !== null && moment.getTime() > Date.now();
}

/** Longer than this at once, and Node's timers overflow. */
const LONGEST_SLEEP_MS = 3_600_000;

/** True when it had to wait: what is asked for, and when, may be changed until then. */
async function waitUntilDue(tasks: TaskStore, id: string, signal: AbortSignal): Promise<boolean> {
  using news = tasks.changes(id);
  let task = await tasks.find(id);
  if (task.state !== "scheduled") return false;
  for (; isLater(task.scheduledAt); task = await tasks.find(id)) {
    await news.changed(Math.min(task.scheduledAt.getTime() - Date.now(), LONGEST_SLEEP_MS), signal);
    signal.throwIfAborted();
  }
  await tasks.apply(id, "due");
  return true;
}

async function passPreparation(tasks: TaskStore, id: string): Promise<void> {
  if ((await tasks.find(id)).state === "preparing") await tasks.apply(id, "prepared");
}

/** What an operator asked for meanwhile; true when this run has nothing more to do. */
async function obeyed(tasks: TaskStore, id: string, begun: number): Promise<boolean> {
  const { state, run } = await tasks.find(id);
  if (run !== begun) return true;
  if (state === "pausing") await tasks.apply(id, "paused");
  if (state === "paused") await tasks.letGo(id, begun);
  return state === "pausing" || state === "paused";
}

/** A pause in the middle of the copy. */
class HeldPause implements Pause {
  isHolding = false;
  readonly #tasks: TaskStore;
  readonly #id: string;

  constructor(tasks: TaskStore, id: string) {
    this.#tasks = tasks;
    this.#id = id;
  }

  hold(isWanted: boolean): Disposable {
    this.isHolding = isWanted;
    return { [Symbol.dispose]: () => void (this.isHolding = false) };
  }

  async paused(): Promise<void> {
    await this.#tasks.apply(this.#id, "paused", { isHeld: true });
  }
}

/** What operators want while a run is at work. */
interface Attention {
  /** Aborts when an operator wants something else, or the engine does: a signal and no error, as nobody is told of it. */
  readonly signal: AbortSignal;
  /** Aborts when an operator asks to complete. */
  readonly completeAsked: AbortSignal;
}

function watch(tasks: TaskStore, id: string, begun: number, pause: HeldPause, engine: AbortSignal): AsyncDisposable & Attention {
  const asked = new AbortController();
  const complete = new AbortController();
  const ended = new AbortController();
  const watching = (async () => {
    using news = tasks.changes(id);
    while (!ended.signal.aborted) {
      const task = await tasks.find(id).catch(() => undefined); // the store is back in a moment
      if (task !== undefined && (task.run !== begun || (task.state === "pausing" && !pause.isHolding))) return asked.abort();
      if (task?.state === "completing") complete.abort();
      await news.changed(WATCH_MS, ended.signal);
    }
  })();
  return {
    signal: AbortSignal.any([engine, asked.signal]),
    completeAsked: complete.signal,
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      await watching;
    },
  };
}
