import type { ObjectPattern } from "../plan/object-pattern.ts";

import type { Endpoint } from "../wire/endpoint.ts";

/** What the user asked for, parsed and complete: the CLI and a plan file both end here. */
export interface MigrationOptions {
  readonly source: Endpoint;
  readonly target: Endpoint;
  readonly type: "structure" | "full" | "full+incremental";
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
  /** Alarms accepted. */
  readonly acceptAlarms: boolean;
  /** Compare all tables at the end. */
  readonly verify: boolean;
  /** ANALYZE, or planner statistics where the target takes them. */
  readonly statistics: boolean;
  /** A native pg_dump to use instead of the one in WebAssembly. */
  readonly pgDump: string | undefined;
}
