import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { EmbeddedServer } from "../../src/embedded/server.ts";
import { versionOf } from "./installed.ts";
import type { SkippedTool, Tool } from "./tool.ts";

/**
 * The way of the PostgreSQL manual: pg_dump -Fd -jN, then pg_restore -jN. Two steps, as the directory format, the only one
 * that is dumped in parallel, cannot be piped (https://www.postgresql.org/docs/current/app-pgdump.html).
 * `compression` is 0 … 9, or "default" (gzip 6): 0 is the faster one where both servers are near.
 */
export async function pgDump(compression: string): Promise<Tool | SkippedTool> {
  const name = compression === "0" ? "pg_dump" : `pg_dump -Z ${compression}`;
  const versions = [await versionOf("pg_dump", "--version"), await versionOf("pg_restore", "--version")];
  if (versions[0] === undefined || versions[1] === undefined) return { name, skipped: "pg_dump and pg_restore are not on the PATH" };
  return {
    name,
    version: versions[0],
    remarks: [`${name} is pg_dump -Fd -jN ${compression === "default" ? "(gzip)" : `-Z${compression}`} to a directory, then pg_restore -jN`],
    commands(run) {
      const directory = join(run.directory, "dump");
      const jobs = `-j${run.jobs}`;
      const level = compression === "default" ? [] : [`-Z${compression}`];
      const analyze = { label: "analyze", program: "vacuumdb", args: ["--analyze-only", jobs, "-d", run.database], environment: connection(run.target) };
      return [
        { label: "dump", program: "pg_dump", args: ["-Fd", jobs, ...level, "-f", directory, run.database], environment: connection(run.source) },
        { label: "restore", program: "pg_restore", args: [jobs, "--exit-on-error", "-d", run.database, directory], environment: connection(run.target) },
        ...(run.analyze ? [analyze] : []),
      ];
    },
    async account(run) {
      // Uncompressed, the data files are the COPY stream; "toc.dat" is the structure.
      if (compression !== "0") return {};
      const directory = join(run.directory, "dump");
      const files = (await readdir(directory)).filter((file) => file !== "toc.dat");
      const sizes = await Promise.all(files.map(async (file) => (await stat(join(directory, file))).size));
      return { relayedBytes: sizes.reduce((sum, size) => sum + size, 0) };
    },
  };
}

function connection(server: EmbeddedServer): Record<string, string> {
  return { PGHOST: server.host, PGPORT: String(server.port), PGUSER: server.user, PGPASSWORD: server.password };
}
