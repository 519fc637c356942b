import type { DatabasePlan } from "../plan/database-plan.ts";
import type { RoleFacts } from "../structure/read-roles.ts";
import type { InstanceDatabase } from "../structure/databases.ts";
import type { MigrationOptions } from "../task/options.ts";
import type { Session } from "../wire/session.ts";

/** What checks look at: read once, shared by all of them. Checks never write. */
export interface PrecheckContext {
  readonly options: MigrationOptions;
  /** A session in the source database of the URI, and one in the target database of the URI. */
  readonly source: Session;
  readonly target: Session;
  readonly databases: readonly DatabaseToCheck[];
  /** Roles that move (instance, or include role=…). */
  readonly roles: readonly RoleFacts[];
  /** Databases that will be created on the target. */
  readonly newDatabases: readonly InstanceDatabase[];
}

export interface DatabaseToCheck {
  readonly plan: DatabasePlan;
  /** A session in the target database; undefined when the migration will create it. */
  readonly target: Session | undefined;
}
