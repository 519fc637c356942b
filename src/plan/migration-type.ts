/** What moves: objects; with their data; and every change made meanwhile, until Complete. */
export const MIGRATION_TYPES = ["structure", "full", "full+incremental"] as const;
export type MigrationType = (typeof MIGRATION_TYPES)[number];

/** Whether rows move, or only what holds them. */
export function movesData(type: MigrationType): boolean {
  return type !== "structure";
}

/** Whether changes are followed after the copy. */
export function followsChanges(type: MigrationType): boolean {
  return type === "full+incremental";
}
