import type { RandomSchema } from "./schema.ts";
import type { ScenarioDatabase } from "./site.ts";

/** What a migration is between, and how it gets there. */
export interface MigrationSite {
  readonly source: ScenarioDatabase;
  readonly target: ScenarioDatabase;
  /** What the migration connects to: proxies may lie between. */
  readonly sourceUri: string;
  readonly targetUri: string;
  readonly schema: RandomSchema;
  /** The source is made read-only at the end. */
  readonly isFenced: boolean;
  /** For the migration's own processes: failpoints, mutations. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Something that moves a database with every change that is made meanwhile. */
export interface Migrator {
  readonly name: string;
  /** What it cannot do is left out of schemas and comparisons. */
  readonly isNative: boolean;
  /** Begins, and returns when it has begun: the copy runs on. */
  start(site: MigrationSite): Promise<RunningMigration>;
}

/** Errors of all of these: what made the migration fail, with its code where it has one (see MigrationFailed). */
export interface RunningMigration extends AsyncDisposable {
  /** Until the copy is done, and changes flow. */
  waitSyncing(): Promise<void>;
  /** Ends it: every change committed before the call is on the target, sequences as well, and nothing of the migration is left on either side. */
  complete(): Promise<void>;
  /** Its process dies as by kill -9, and another one takes over. */
  kill(): Promise<void>;
  /** How often a process of it died by itself: at a failpoint. */
  readonly deaths: () => number;
  /** When it is complete: whatever may still work on its behalf, does so for a while. */
  workOn(ms: number): Promise<void>;
}

/** The migration gave up. */
export class MigrationFailed extends Error {
  /** A code of src/errors/registry.ts; "" where there is none. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}
