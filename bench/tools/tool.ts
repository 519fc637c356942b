import type { EmbeddedServer } from "../../src/embedded/server.ts";
import type { Command, ProcessResult } from "../measured-process.ts";

/** One move of the source database into an empty target database. */
export interface Run {
  readonly source: EmbeddedServer;
  readonly target: EmbeddedServer;
  readonly database: string;
  readonly jobs: number;
  /** The planner's statistics are part of the work: ANALYZE, at the end, whatever the tool. */
  readonly analyze: boolean;
  /** An empty directory for the tool's files, removed after the run. */
  readonly directory: string;
}

export interface Tool {
  readonly name: string;
  readonly version: string;
  /** Its CPU and memory are those of its first process alone: it also runs a PostgreSQL server. */
  readonly hasServerOfItsOwn?: boolean;
  /** What a reader must know to compare it with the others. */
  readonly remarks: readonly string[];
  /** Run one after the other; their times are added. */
  commands(run: Run): Command[];
  /** Called after a run that ended well, before its directory is removed. */
  account?(run: Run, results: readonly ProcessResult[]): Promise<Account>;
}

/** What a tool can tell about its run that cannot be seen from outside. */
interface Account {
  /** Bytes of COPY data, in the format that the tool chose. */
  readonly relayedBytes?: number | undefined;
  /** Wall seconds of its own steps, instead of those of its commands. */
  readonly steps?: Readonly<Record<string, number>> | undefined;
}

export interface SkippedTool {
  readonly name: string;
  readonly skipped: string;
}
