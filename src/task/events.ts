import type { CompleteProgress } from "../complete/report.ts";
import type { CheckItem } from "../precheck/check.ts";
import type { Followed } from "./incremental/followed.ts";

/** The steps of a migration, in order. `catchUp`, `sync` and `complete` belong to full+incremental; `verify` only when asked for. */
export type Step = "connect" | "plan" | "precheck" | "roles" | "structure" | "copy" | "index" | "finish" | "analyze" | "catchUp" | "sync" | "complete" | "verify";

/**
 * What a migration tells while it runs: one stream for the terminal, plain lines and --json (each event is printed as one
 * JSON object). Live figures are not events: they are read from `MigrationProgress` as often as a reporter likes.
 */
export type MigrationEvent =
  | { readonly event: "step"; readonly step: Step; readonly state: "started" | "finished"; readonly database?: string; readonly seconds?: number; readonly detail?: string }
  | { readonly event: "check"; readonly item: CheckItem }
  | { readonly event: "table"; readonly database: string; readonly table: string; readonly rows: number; readonly bytes: number; readonly seconds: number }
  | { readonly event: "object"; readonly database: string; readonly kind: string; readonly name: string; readonly seconds: number }
  | { readonly event: "notice"; readonly level: "info" | "warning"; readonly message: string; readonly object?: string }
  /** Complete has everything of the database on the target: from here on it may be written to. */
  | { readonly event: "writable"; readonly database: string }
  | { readonly event: "difference"; readonly database: string; readonly table: string; readonly reason: string; readonly keys: readonly string[] }
  | { readonly event: "error"; readonly code: string; readonly message: string; readonly object?: string; readonly advice: string }
  | MigrationSummary;

export interface MigrationSummary {
  readonly event: "summary";
  readonly state: "succeeded" | "checkFailed" | "failed" | "interrupted";
  readonly tables: number;
  readonly rows: number;
  readonly bytes: number;
  readonly seconds: number;
  /** Per step, in seconds of wall time. */
  readonly steps: Readonly<Record<string, number>>;
  /** Data bytes relayed, indexes and constraints built, sequences set …, for people who read summaries. */
  readonly databases: number;
  readonly indexes: number;
  readonly constraints: number;
  readonly sequences: number;
  readonly largeObjects: number;
  readonly materializedViews: number;
  readonly roles: number;
  /** Set when changes were followed: what became of those that were received since the copy, and what Complete did. */
  readonly followed?: Followed;
  /** Set when the migration verified its result. */
  readonly verifiedTables?: number;
}

export type Report = (event: MigrationEvent) => void;

/** Counters that the work keeps up to date and reporters sample. All totals are 0 until planned. */
export interface MigrationProgress {
  step: Step;
  totalTables: number;
  doneTables: number;
  /** Estimated data bytes to relay (heap + TOAST of the source), and bytes relayed so far (COPY format: the two differ). */
  totalBytes: number;
  /** Estimated bytes of the tables that are complete, in the unit of totalBytes: for the percentage and ETA. */
  doneBytes: number;
  copiedBytes: number;
  copiedRows: number;
  totalIndexes: number;
  doneIndexes: number;
  /** Set while changes are followed. */
  stream: StreamProgress | undefined;
  /** Set while the task is completed. */
  complete: CompleteProgress | undefined;
  /** Why nothing advances, when nothing does; see watchdog.ts. */
  waits: readonly string[];
  /** Who was in the way when something was last tried in vain, and when that was (of Date.now()): for the watchdog, as between two tries nobody is seen to wait. */
  blocked: { readonly text: string; readonly at: number } | undefined;
  /** What the lanes do right now: a table, an index; one line each. */
  readonly lanes: Map<number, { readonly doing: string; readonly since: number; readonly counters?: { bytes: number; rows: number } }>;
}

/** How the following of changes stands, over all databases of a task: sums, and the worst lag. */
export interface StreamProgress {
  /** Bytes of WAL between the source's position and what the target has applied; undefined until measured. */
  lagBytes: number | undefined;
  /** Age of the oldest moment of the source that the target has not reached, in seconds; 0: caught up; undefined until measured. */
  lagSeconds: number | undefined;
  /** Source transactions and row changes applied by this run, and bytes received. */
  transactions: number;
  changes: number;
  bytes: number;
  /** Changes left out by the policy for conflicts. */
  skipped: number;
  /** WAL that the source keeps for the slots, in bytes; undefined until measured. */
  retainedBytes: number | undefined;
  /** What somebody should look at: WAL that the slot retains, a slot in danger, an old xmin. */
  alarms: readonly string[];
}

export function newProgress(): MigrationProgress {
  return {
    step: "connect",
    totalTables: 0,
    doneTables: 0,
    totalBytes: 0,
    doneBytes: 0,
    copiedBytes: 0,
    copiedRows: 0,
    totalIndexes: 0,
    doneIndexes: 0,
    stream: undefined,
    complete: undefined,
    waits: [],
    blocked: undefined,
    lanes: new Map(),
  };
}
