/**
 * The states of a task and what moves it from one to the next; pure. SPEC.md tells the same in prose, and states.test.ts holds the whole table.
 */

/** Every state a task can be in. */
export const TASK_STATES = [
  "draft", "checking", "checkPassed", "checkFailed", "scheduled", "preparing", "running", "readyToComplete", "completing", "succeeded",
  "pausing", "paused", "retrying", "failed", "terminating", "terminated",
] as const; // prettier-ignore
export type TaskState = (typeof TASK_STATES)[number];

/** What an operator may ask for. `delete` leads to no state: the task is gone. */
export const TASK_ACTIONS = ["check", "start", "pause", "resume", "retry", "complete", "terminate", "delete"] as const;
export type TaskAction = (typeof TASK_ACTIONS)[number];

/** What the work reports about itself. */
export const TASK_REPORTS = [
  "checksPassed",
  "checksFailed",
  "postponed",
  "due",
  "prepared",
  "caughtUp",
  "finished",
  "interrupted",
  "recovered",
  "failed",
  "paused",
  "cleaned",
] as const;
export type TaskReport = (typeof TASK_REPORTS)[number];

export type TaskEvent = TaskAction | TaskReport;

/** The states in which a worker is at work on the task. */
const AT_WORK = ["checking", "preparing", "running", "readyToComplete", "completing"] as const;
/** A state to come back to after paused, retrying or failed. */
export type WorkState = (typeof AT_WORK)[number];

/** Where a task stands. `before` is set while it is pausing, paused, retrying or failed: the work that goes on afterwards. */
export interface Standing {
  readonly state: TaskState;
  readonly before?: WorkState;
}

export function isAtWork(state: TaskState): state is WorkState {
  return (AT_WORK as readonly TaskState[]).includes(state);
}

/** Nothing happens to an ended task any more; it can be deleted. */
export function isEnded(state: TaskState): boolean {
  return state === "succeeded" || state === "terminated";
}

/** Where an event leads; undefined when it is not allowed in this state. `delete` leads to where the task stands: allowed, and then it is gone. */
export function next(standing: Standing, event: TaskEvent): Standing | undefined {
  const { state } = standing;
  switch (event) {
    case "check":
      return from(state, ["draft", "checkPassed", "checkFailed"], { state: "checking" });
    case "start":
      return from(state, ["draft", "checkFailed"], { state: "checking" }) ?? from(state, ["checkPassed", "scheduled"], { state: "preparing" });
    case "checksPassed":
      return from(state, ["checking"], { state: "checkPassed" });
    case "checksFailed":
      return from(state, ["checking"], { state: "checkFailed" });
    case "postponed":
      return from(state, ["checkPassed"], { state: "scheduled" });
    case "due":
      return from(state, ["scheduled"], { state: "preparing" });
    case "prepared":
      return from(state, ["preparing"], { state: "running" });
    case "caughtUp":
      return from(state, ["running"], { state: "readyToComplete" });
    case "complete":
      return from(state, ["readyToComplete"], { state: "completing" });
    case "finished":
      return from(state, ["running", "completing"], { state: "succeeded" });
    case "interrupted":
      return isAtWork(state) ? { state: "retrying", before: state } : undefined;
    case "recovered":
      return state === "retrying" ? backTo(standing) : undefined;
    case "failed":
      return isAtWork(state) ? { state: "failed", before: state } : state === "retrying" || state === "pausing" ? keeping(standing, "failed") : undefined;
    case "retry":
      return state === "failed" ? backTo(standing) : undefined;
    case "pause":
      // Completing is short and leaves the source fenced: it is seen through.
      if (state === "retrying") return keeping(standing, "pausing");
      return isAtWork(state) && state !== "completing" ? { state: "pausing", before: state } : undefined;
    case "paused":
      return state === "pausing" ? keeping(standing, "paused") : undefined;
    case "resume":
      return state === "paused" ? backTo(standing) : undefined;
    case "terminate":
      return isEnded(state) || state === "terminating" ? undefined : { state: "terminating" };
    case "cleaned":
      return from(state, ["terminating"], { state: "terminated" });
    case "delete":
      return isEnded(state) ? standing : undefined;
  }
}

/** What an operator may do now. */
export function allowedActions(standing: Standing): TaskAction[] {
  return TASK_ACTIONS.filter((action) => next(standing, action) !== undefined);
}

function from(state: TaskState, states: readonly TaskState[], to: Standing): Standing | undefined {
  return states.includes(state) ? to : undefined;
}

function keeping({ before }: Standing, state: TaskState): Standing {
  return before === undefined ? { state } : { state, before };
}

function backTo({ before }: Standing): Standing | undefined {
  return before === undefined ? undefined : { state: before };
}
