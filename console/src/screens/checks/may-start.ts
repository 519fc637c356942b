import type { TaskChecks, TaskDetail } from "../../api/tasks.ts";

/** Whether nothing stands in the way of the first write: everything passed, or its alarms were accepted. */
export function mayStart({ state, accepted, options }: TaskDetail, checks: TaskChecks | undefined): boolean {
  if (state === "checking" || checks === undefined || checks.isRunning || checks.checkedAt === null) return false;
  const isAccepted = (check: string): boolean => options.acceptAlarms || accepted.some((one) => one.check === check);
  return checks.items.every(({ id, result }) => result === "passed" || (result === "alarm" && isAccepted(id)));
}
