import type { DatabasePlan } from "../plan/database-plan.ts";
import { choosesObjects } from "../plan/object-pattern.ts";
import type { MigrationOptions } from "../task/options.ts";

/** `database shop`: the scope of an item about one of the databases that move. */
export function databaseScope(plan: Pick<DatabasePlan, "catalog">): string {
  return `database ${plan.catalog.database.name}`;
}

/** No pattern chooses among the objects of a database: all of them move, also those that no pattern could name. */
export function movesWholeDatabase(options: MigrationOptions): boolean {
  return !choosesObjects([...options.include, ...options.exclude]);
}

/** The same rule as the run's own: large objects have no names, so they move unless objects are picked. */
export function movesLargeObjects(plan: Pick<DatabasePlan, "catalog">, options: MigrationOptions): boolean {
  return options.type !== "structure" && plan.catalog.largeObjects.count > 0 && !choosesObjects(options.include);
}
