import type { MigrationType } from "./migration-type.ts";
import type { ObjectPattern } from "./object-pattern.ts";
import type { ConflictPolicy } from "../stream/conflict-policy.ts";
import type { Endpoint } from "../wire/endpoint.ts";

/** What full+incremental can be told besides. */
export interface IncrementalOptions {
  /** What happens where a change meets a row that is not what the source had; default: stop. */
  readonly conflicts: ConflictPolicy;
  /** Complete by itself the first time it is caught up. */
  readonly untilCaughtUp: boolean;
  /** At Complete the source is made read-only for everybody else, and stays so. */
  readonly fence: boolean;
}

export const INCREMENTAL_DEFAULTS: IncrementalOptions = { conflicts: "stop", untilCaughtUp: false, fence: false };

/** What the user asked for, parsed and complete: the CLI and a plan file both end here. */
export interface MigrationOptions {
  readonly source: Endpoint;
  readonly target: Endpoint;
  readonly type: MigrationType;
  /** `instance`: every user database, with roles; else the database of the two URIs. */
  readonly instance: boolean;
  readonly include: readonly ObjectPattern[];
  readonly exclude: readonly ObjectPattern[];
  /** Lanes: how many tables, chunks or indexes are worked on at once; undefined: from what the target reveals, else 4. */
  readonly concurrency: number | undefined;
  /** Leave ownership out: everything belongs to the target account. */
  readonly noOwner: boolean;
  /** Leave GRANT and REVOKE out. */
  readonly noPrivileges: boolean;
  /** Publications of the source are moved too (off by default). */
  readonly publications: boolean;
  /** Source tablespace → target tablespace; tablespaces not named become the target's default. */
  readonly tablespaceMap: Readonly<Record<string, string>>;
  /** All alarms are accepted. */
  readonly acceptAlarms: boolean;
  /** Checks whose alarms are accepted; of a task, what its store says, which keeps who and when besides: it is not a part of what was asked for. */
  readonly accepted?: readonly string[];
  /** Compare all tables at the end. */
  readonly verify: boolean;
  /** ANALYZE, or planner statistics where the target takes them. */
  readonly statistics: boolean;
  /** For full+incremental; undefined: the defaults. */
  readonly incremental?: IncrementalOptions | undefined;
  /** A native pg_dump to use instead of the one in WebAssembly. */
  readonly pgDump: string | undefined;
}
