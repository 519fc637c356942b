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

/** Each of these is answered by a run: a workflow of its own, which any worker takes. The other actions are seen by the run that is at work. */
export const BEGINS_RUN: ReadonlySet<TaskEvent> = new Set(["check", "start", "resume", "retry", "terminate"]);

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
export const AT_WORK = ["checking", "preparing", "running", "readyToComplete", "completing"] as const;
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

const RESTING: ReadonlySet<TaskState> = new Set(["draft", "checkFailed", "paused", "failed", "succeeded", "terminated"]);

/** Nothing happens any more until somebody acts. In checkPassed a task rests too when its checks were all that was asked for; others only pass it. */
export function isResting({ state, onlyCheck }: Standing & { readonly onlyCheck: boolean }): boolean {
  return RESTING.has(state) || (onlyCheck && state === "checkPassed");
}

/** Where an event leads; undefined when it is not allowed in this state. `delete` leads to where the task stands: allowed, and then it is gone. */
export function next(standing: Standing, event: TaskEvent): Standing | undefined {
  return TRANSITIONS[event](standing);
}

const TRANSITIONS: Readonly<Record<TaskEvent, (standing: Standing) => Standing | undefined>> = {
  check: from(["draft", "checkPassed", "checkFailed"], "checking"),
  // Whatever was checked before is checked again: the servers, or what is asked for, may be others by now.
  start: (standing) => from(["draft", "checkPassed", "checkFailed"], "checking")(standing) ?? from(["scheduled"], "preparing")(standing),
  checksPassed: from(["checking"], "checkPassed"),
  checksFailed: from(["checking"], "checkFailed"),
  postponed: from(["checkPassed"], "scheduled"),
  due: from(["checkPassed", "scheduled"], "preparing"),
  prepared: from(["preparing"], "running"),
  caughtUp: from(["running"], "readyToComplete"),
  complete: from(["readyToComplete"], "completing"),
  finished: from(["running", "completing"], "succeeded"),
  interrupted: ({ state }) => (isAtWork(state) ? { state: "retrying", before: state } : undefined),
  recovered: backFrom("retrying"),
  failed: ({ state, before }) => {
    if (isAtWork(state)) return { state: "failed", before: state };
    return (state === "retrying" || state === "pausing") && before !== undefined ? { state: "failed", before } : undefined;
  },
  retry: backFrom("failed"),
  pause: ({ state, before }) => {
    if (state === "retrying" && before !== undefined) return { state: "pausing", before };
    // Completing is short and leaves the source fenced: it is seen through.
    return isAtWork(state) && state !== "completing" ? { state: "pausing", before: state } : undefined;
  },
  paused: ({ state, before }) => (state === "pausing" && before !== undefined ? { state: "paused", before } : undefined),
  resume: backFrom("paused"),
  terminate: ({ state }) => (isEnded(state) || state === "terminating" ? undefined : { state: "terminating" }),
  cleaned: from(["terminating"], "terminated"),
  delete: (standing) => (isEnded(standing.state) ? standing : undefined),
};

/** What an operator may do now. */
export function allowedActions(standing: Standing): TaskAction[] {
  return TASK_ACTIONS.filter((action) => next(standing, action) !== undefined);
}

function from(states: readonly TaskState[], to: TaskState): (standing: Standing) => Standing | undefined {
  return ({ state }) => (states.includes(state) ? { state: to } : undefined);
}

function backFrom(from: TaskState): (standing: Standing) => Standing | undefined {
  return ({ state, before }) => (state === from && before !== undefined ? { state: before } : undefined);
}
