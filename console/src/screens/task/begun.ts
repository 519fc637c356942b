import type { TaskDetail } from "../../api/tasks.ts";

/** Whether it is on its way, or was: not only described and checked. */
export function hasBegun({ startedAt, state, onlyCheck }: TaskDetail): boolean {
  return startedAt !== null || ((state === "checking" || state === "checkPassed") && !onlyCheck);
}
