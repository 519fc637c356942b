import type { MigrationSummary, TaskDetail } from "../../../../src/server/contract/task.ts";

/** What Complete did, step by step. */
export type Completed = NonNullable<MigrationSummary["followed"]>["completed"];
export type Summary = MigrationSummary;

/** undefined until it has succeeded. */
export function summaryOf({ state, summary }: TaskDetail): Summary | undefined {
  return state === "succeeded" && summary !== null ? (summary as unknown as Summary) : undefined;
}
