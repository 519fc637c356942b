import type { Relation } from "../catalog/catalog.ts";
import type { CrewOptions } from "./lanes/crew.ts";
import type { MigrationProgress, Report } from "./events.ts";
import type { MigrationHooks } from "./migrate.ts";
import type { MigrationOptions } from "../plan/migration-options.ts";
import type { Switchover } from "./switchover.ts";
import type { TaskMemory } from "./task-memory.ts";

/** What a run needs besides its plan. */
export interface RunContext {
  readonly options: MigrationOptions;
  readonly task: TaskMemory;
  /** How many at the beginning: large tables are cut for so many. */
  readonly lanes: number;
  readonly crew: CrewOptions;
  readonly switchover: Switchover;
  /** Materialized views (of the plans' catalogs) that this run could not fill, and why. */
  readonly unfilled: Map<Relation, string>;
  /** What is looked after in the background until changes are followed. */
  readonly meanwhile: AsyncDisposableStack;
  readonly report: Report;
  readonly progress: MigrationProgress;
  readonly signal: AbortSignal;
  readonly onPlanned?: MigrationHooks["onPlanned"];
}

/** What one database's run did. */
export interface DatabaseResult {
  readonly tables: number;
  readonly rows: number;
  readonly bytes: number;
  readonly indexes: number;
  readonly constraints: number;
  readonly sequences: number;
  readonly largeObjects: number;
  readonly materializedViews: number;
}
