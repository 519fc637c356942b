import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Major } from "../src/embedded/binaries.ts";
import { type EmbeddedServer, startServer } from "../src/embedded/server.ts";

/** The same on both servers; what is not named has PostgreSQL's default. Durable, unlike the servers of the tests. */
export const SETTINGS = {
  fsync: "on",
  full_page_writes: "on",
  wal_level: "replica",
  shared_buffers: "512MB",
  max_wal_size: "4GB",
  // The default (64) is too small for pg_dump of the tiny shape at scale 2 and more: it locks every table.
  max_locks_per_transaction: 256,
  // A vacuum that starts in one tool's run and not in another's is noise; the source is vacuumed when it is built.
  autovacuum: "off",
} as const;

export type Settings = Readonly<Record<string, string | number>>;

/** For what follows a source's changes: WAL that can be decoded, also by plugins that are not PostgreSQL's own. */
export function logicalSettings(pluginDirectory: string): Settings {
  const has = existsSync(join(pluginDirectory, "wal2json.so"));
  return { ...SETTINGS, wal_level: "logical", ...(has ? { dynamic_library_path: `$libdir:${pluginDirectory}` } : {}) };
}

export interface ServerPair extends AsyncDisposable {
  readonly source: EmbeddedServer;
  readonly target: EmbeddedServer;
}

/** Two servers for the whole benchmark. They and everything in their directories disappear with this process. */
export async function startPair(sourceMajor: Major, targetMajor: Major, settings: Settings = SETTINGS): Promise<ServerPair> {
  const source = await startServer({ major: sourceMajor, settings });
  try {
    const target = await startServer({ major: targetMajor, settings });
    return {
      source,
      target,
      async [Symbol.asyncDispose]() {
        await Promise.all([source.stop(), target.stop()]);
      },
    };
  } catch (error) {
    await source.stop();
    throw error;
  }
}
