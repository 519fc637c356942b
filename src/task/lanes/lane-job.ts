import type { Chunk, CopyTable } from "../../copy/chunk.ts";
import type { Settings } from "../../copy/computing-settings.ts";
import type { BuildJob } from "../../structure/post-data.ts";
import type { Endpoint } from "../../wire/endpoint.ts";

/** One piece of work for a lane, on whatever worker: plain data. */
export type LaneJob =
  | { readonly kind: "copy"; readonly chunk: Chunk }
  | { readonly kind: "largeObjects" }
  /** Indexes, or the validation of foreign keys. */
  | { readonly kind: "build"; readonly build: BuildJob; readonly of: "index" | "foreign key" }
  | { readonly kind: "analyze"; readonly tables: readonly { readonly display: string; readonly sql: string }[] };

/** A job with its place in the order. */
export interface QueuedJob {
  readonly job: LaneJob;
  /** It may begin when this table (oid at the source), or "all" data, is there; at once when undefined. */
  readonly after?: string | undefined;
}

/** What a lane must know of the database that it works on. */
export interface Stage {
  readonly source: Endpoint;
  readonly target: Endpoint;
  /** Of the copy; undefined when nothing is copied. */
  readonly snapshot: string | undefined;
  /** Of the ledger: a lane of an epoch that is over cannot commit. */
  readonly epoch: number;
  readonly sourceSettings: Settings;
  readonly targetSettings: Settings;
  readonly noOwner: boolean;
  readonly noPrivileges: boolean;
  /** Lanes overcome passing errors by themselves. */
  readonly triesAgain: boolean;
}

/** What a lane has done. */
export interface JobResult {
  /** Rows of each table of a chunk; of a job that was found done (its lane died before it could say so) nobody knows. */
  readonly rows?: readonly number[];
  readonly bytes: number;
  readonly largeObjects?: number;
  readonly seconds: number;
  /** What the operator should know. */
  readonly warnings: readonly { readonly message: string; readonly object: string }[];
}

/** What a lane does at the moment; counters go up while it copies. */
export interface LaneDoing {
  readonly doing: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly counters?: { bytes: number; rows: number };
}

export function tablesOf(chunk: Chunk): readonly CopyTable[] {
  return chunk.kind === "part" ? [chunk.table] : chunk.tables;
}
