import type { DatabasePlan } from "../plan/database-plan.ts";
import type { RoleFacts } from "../structure/read-roles.ts";
import type { InstanceDatabase } from "../structure/databases.ts";
import type { MigrationOptions } from "../plan/migration-options.ts";
import type { Provider } from "./provider.ts";
import type { Side } from "../wire/endpoint.ts";
import type { Session } from "../wire/session.ts";

/** What is known before the first write, as the task hands it over. */
export interface PrecheckContext {
  readonly options: MigrationOptions;
  /** The task that asks, and what it has done already (a milestone of task/task-memory.ts); see `isBegun`. */
  readonly task: { readonly id: string; has(milestone: string): boolean };
  /** A session in the source database of the URI, and one in the target database of the URI. */
  readonly source: Session;
  readonly target: Session;
  readonly databases: readonly { readonly plan: DatabasePlan }[];
  /** Databases that should move and that an account may not connect to, at the source or on the target; they are not among `databases`. */
  readonly unreachable: Readonly<Record<Side, readonly string[]>>;
  /** Roles that move (instance, or include role=…). */
  readonly roles: readonly RoleFacts[];
  /** Databases that will be created on the target. */
  readonly newDatabases: readonly InstanceDatabase[];
}

/**
 * What checks look at: read once, shared by all of them. The sessions are the checks' own (see run-prechecks): pipelined, so that checks
 * run side by side, and with a statement time limit. Checks never write.
 */
export interface CheckContext extends Omit<PrecheckContext, "databases"> {
  readonly databases: readonly DatabaseToCheck[];
  readonly account: TargetAccount;
  /** The managed services that run the two servers. */
  readonly providers: { readonly source: Provider | undefined; readonly target: Provider | undefined };
  /** For sessions that a check opens itself: ends what they do. */
  readonly signal: AbortSignal;
}

export interface DatabaseToCheck {
  readonly plan: DatabasePlan;
  readonly source: Session;
  /** A session in the target database; undefined when the migration will create it. */
  readonly target: Session | undefined;
  /** An earlier run of this task has begun to fill the target database. */
  readonly isBegun: boolean;
}

/** The account that writes, and what it is without any grant. */
export interface TargetAccount {
  readonly name: string;
  readonly superuser: boolean;
  readonly createRole: boolean;
  readonly createDatabase: boolean;
  /** Has the rights of the roles that it is a member of; from 16 on each membership says so by itself. */
  readonly inherits: boolean;
  /** The role of a managed service that stands in for a superuser there, and that this account is a member of. */
  readonly providerAdmin: string | undefined;
}
