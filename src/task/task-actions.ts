import type { Control } from "../engine/control.ts";
import { TASK_WORKFLOW } from "./task-workflow.ts";
import { AT_WORK, BEGINS_RUN, type TaskAction } from "./states.ts";
import type { Task } from "./task-record.ts";
import type { TaskStore } from "./task-store.ts";
import { comparisonsOf } from "./verification.ts";

/**
 * Does what an operator asks for. Throws `task-unknown`, or `action-refused` with the actions that the state allows.
 * Asked twice at once, it is done once. `check` sees the task as it stands when it is done, and may throw.
 */
export async function act(tasks: TaskStore, control: Control, id: string, action: Exclude<TaskAction, "delete">, check?: (task: Task) => void): Promise<Task> {
  // What was wrong before is over, or shows again.
  const task = await tasks.apply(id, action, BEGINS_RUN.has(action) ? { error: null } : {}, check);
  // Nothing was written anywhere: no worker is needed to clean that up, and a run that is at work sees that it is over.
  if (action === "terminate" && task.startedAt === null) return await tasks.apply(id, "cleaned");
  // A run that held a paused task goes on by itself.
  if (BEGINS_RUN.has(action) && (await control.status(runId(task))) === undefined) await control.start(TASK_WORKFLOW, runId(task), [task.id, String(task.run)]);
  return task;
}

const ENDED: ReadonlySet<string> = new Set(["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]);

/** An operator's process may die between the state and the start of its run; and a run may end in a way that nobody foresaw. */
export async function startMissingRuns(tasks: TaskStore, control: Control): Promise<void> {
  for (const task of await tasks.list({ states: [...AT_WORK, "scheduled", "retrying", "pausing", "terminating"] })) {
    const begun = await control.status(runId(task));
    const missing = begun === undefined ? task : ENDED.has(begun.status) ? await tasks.runAgain(task.id, task.run) : undefined;
    if (missing !== undefined) await control.start(TASK_WORKFLOW, runId(missing), [missing.id, String(missing.run)]);
  }
}

/** Forgets the workflows of a task that is deleted. A comparison that still goes on is stopped: nobody could any more. */
export async function removeRuns(control: Control, id: string): Promise<void> {
  const runs = await control.list({ idPrefix: `task-${id}-` });
  await control.remove(runs.map((run) => run.id));
  const comparisons = await control.list({ idPrefix: comparisonsOf(id) });
  const ended = comparisons.filter(({ status }) => ENDED.has(status));
  await control.remove(ended.map((run) => run.id));
  // Its worker sees that within a second.
  await control.cancel(comparisons.filter((run) => !ended.includes(run)).map((run) => run.id));
}

/** The workflow of a task's present run. */
export function runId({ id, run }: Pick<Task, "id" | "run">): string {
  return `task-${id}-${run}`;
}
