import type { EmbeddedServer } from "../../src/embedded/server.ts";

/** Where changes are followed: a database at the source and one of the same name at the target. */
export interface Site {
  readonly source: EmbeddedServer;
  readonly target: EmbeddedServer;
  readonly database: string;
  /** An empty directory for the tool's files, removed after the run. */
  readonly directory: string;
  readonly timeoutMs: number;
}

/** A tool that brings a source's changes to a target. */
export interface FollowerTool {
  readonly name: string;
  readonly version: string;
  /** What a reader must know to compare it with the others. */
  readonly remarks: readonly string[];
  /** It moves structure and rows by itself, into an empty database; otherwise it is given a target that is equal to the source. */
  readonly startsEmpty: boolean;
  /** Its memory and CPU are those of its first process alone: that also runs a PostgreSQL server. */
  readonly hasServerOfItsOwn?: boolean;
  /** Slot and target are made and equal to the source, and nobody reads: from here on changes gather at the source. Throws when that fails. */
  attach(site: Site): Promise<Follower>;
}

/** One attached tool. Its slot is the only one of its database. */
export interface Follower {
  /** Begins to read and to apply, and returns without waiting for any of it. */
  start(): Promise<void>;
  /** Its process at present; undefined for what lives inside the servers. */
  readonly pid: number | undefined;
  /** Resolves with the reason when it ends by itself after `start`; else never. */
  readonly failed: Promise<string>;
  /** Stops reading. Slots, publications and databases are removed by the caller. */
  detach(): Promise<void>;
}

/** For a race with what is waited for. */
export function rejectWhenFailed(follower: Follower): Promise<never> {
  const failed = follower.failed.then((why) => {
    throw new Error(why);
  });
  failed.catch(() => undefined); // it may fail while nobody races
  return failed;
}
