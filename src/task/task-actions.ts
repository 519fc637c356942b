import type { Control } from "../engine/control.ts";
import { TASK_WORKFLOW } from "./task-workflow.ts";
import { AT_WORK, type TaskAction } from "./states.ts";
import type { Task, TaskStore } from "./task-store.ts";

/** Each begins a run, which any worker takes; the others are seen by the run that is at work. */
const BEGIN: ReadonlySet<TaskAction> = new Set(["check", "start", "resume", "retry", "terminate"]);

/**
 * Does what an operator asks for. Throws `task-unknown`, or `action-refused` with the actions that the state allows.
 * Asked twice at once, it is done once.
 */
export async function act(tasks: TaskStore, control: Control, id: string, action: Exclude<TaskAction, "delete">): Promise<Task> {
  const task = await tasks.apply(id, action);
  if (BEGIN.has(action)) await control.start(TASK_WORKFLOW, runId(task), [task.id, String(task.run), action]);
  return task;
}

/** An operator's process may die between the state and the start of its run. */
export async function startMissingRuns(tasks: TaskStore, control: Control): Promise<void> {
  for (const task of await tasks.list({ states: [...AT_WORK, "scheduled", "retrying", "pausing", "terminating"] })) {
    if ((await control.status(runId(task))) === undefined) await control.start(TASK_WORKFLOW, runId(task), [task.id, String(task.run), "start"]);
  }
}

function runId({ id, run }: Task): string {
  return `task-${id}-${run}`;
}
