import { movesData } from "../plan/migration-type.ts";
import type { DatabasePlan } from "../plan/database-plan.ts";
import { choosesObjects } from "../plan/object-pattern.ts";
import type { MigrationOptions } from "../plan/migration-options.ts";

/** `database shop`: the scope of an item about one of the databases that move. */
export function databaseScope(plan: Pick<DatabasePlan, "catalog">): string {
  return `database ${plan.catalog.database.name}`;
}

/** No pattern chooses among the objects of a database: all of them move, also those that no pattern could name. */
export function movesWholeDatabase(options: MigrationOptions): boolean {
  return !choosesObjects([...options.include, ...options.exclude]);
}

/** Databases move with their owner, rights and settings; else only the content of one moves into another, which keeps its own. */
export function movesAsDatabase({ instance, include }: MigrationOptions): boolean {
  return instance || include.some(({ kind }) => kind === "database");
}

/** The same rule as the run's own: large objects have no names, so they move unless objects are picked. */
export function movesLargeObjects(plan: Pick<DatabasePlan, "catalog">, options: MigrationOptions): boolean {
  return plan.catalog.largeObjects.count > 0 && takesLargeObjects(options);
}

/** Large objects belong to no schema: an include names none. */
export function takesLargeObjects(options: MigrationOptions): boolean {
  return movesData(options.type) && !choosesObjects(options.include);
}
