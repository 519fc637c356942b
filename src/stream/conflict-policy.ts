/** What is done where a change meets a row that is not what the source had: stop the task, leave the change out, or make the target's row what the source says. */
export const CONFLICT_POLICIES = ["stop", "skip", "overwrite"] as const;
export type ConflictPolicy = (typeof CONFLICT_POLICIES)[number];
