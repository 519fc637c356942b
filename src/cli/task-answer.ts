import { setTimeout as sleep } from "node:timers/promises";
import { ERRORS, type ErrorCode } from "../errors/registry.ts";
import type { Desk, TaskAnswer } from "./desk/desk.ts";
import { type TaskState, isAtWork, isResting } from "../task/states.ts";
import { INTERRUPTED, listenForInterrupt } from "./interrupt.ts";
import { taskText } from "./render/task-text.ts";
import type { Environment } from "./task-options.ts";

const LOOK_EVERY_MS = 250;
const NO_WORKER = "No worker is running: start `godwit worker` with the same --dir or --store.";

/** Of a terminated task the error tells what it left behind. */
const ENDS_WITH_ERROR: ReadonlySet<TaskState> = new Set(["failed", "checkFailed", "terminated"]);

/** Prints a task as it stands. */
export async function answer(desk: Desk, id: string, json: boolean, environment: Environment): Promise<void> {
  const found = await desk.find(id);
  const isAlone = !isResting(found.task) && (await desk.workers()) === 0;
  if (json) printTaskJson(found, isAlone ? { notice: NO_WORKER } : {});
  else process.stdout.write(`${taskText(found, environment)}${isAlone ? `${NO_WORKER}\n` : ""}`);
}

/** Waits until a task rests, prints it, and returns the exit code that says how it ended. Ctrl-C ends the waiting, not the task. */
export async function answerWhenResting(desk: Desk, id: string, json: boolean, environment: Environment): Promise<number> {
  using interrupt = listenForInterrupt();
  if ((await desk.workers()) === 0) process.stderr.write(`${NO_WORKER}\n`);
  let { task } = await desk.find(id);
  while (!isResting(task) && !interrupt.signal.aborted) {
    await sleep(LOOK_EVERY_MS, undefined, { signal: interrupt.signal }).catch(() => undefined);
    ({ task } = await desk.find(id));
  }
  await answer(desk, id, json, environment);
  if (interrupt.signal.aborted) return INTERRUPTED;
  return task.error === null || !ENDS_WITH_ERROR.has(task.state) ? 0 : exitCode(task.error.code);
}

/** One line of JSON: all that is known of a task, which holds no secret. */
export function printTaskJson({ task, progress }: TaskAnswer, more: Readonly<Record<string, string>> = {}): void {
  const figures = progress === undefined ? null : { ...progress, lanes: [...progress.lanes.values()] };
  const step = isAtWork(task.before ?? task.state) ? (progress?.step ?? task.step) : task.step;
  process.stdout.write(`${JSON.stringify({ event: "task", ...task, step, progress: figures, ...more })}\n`);
}

function exitCode(code: string): number {
  return ERRORS[(code in ERRORS ? code : "internal") as ErrorCode].exitCode;
}
