/** The pages of one task; the first is shown unless the address names another. */
export const TASK_TABS = ["overview", "tables", "checks", "verification", "changes", "logs", "settings"] as const;
export type TaskTab = (typeof TASK_TABS)[number];
