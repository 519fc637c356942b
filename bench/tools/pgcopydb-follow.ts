import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ServerPair } from "../servers.ts";
import { withClient } from "../databases.ts";
import { type Command, runMeasured } from "../measured-process.ts";
import { type RunningProcess, startProcess } from "../running-process.ts";
import { lastLines, withoutPasswords } from "./command-output.ts";
import type { Follower, FollowerTool, Site } from "./follower.ts";
import { helpOf, versionOf } from "./installed.ts";
import type { SkippedTool } from "./tool.ts";

const NAME = "bench_pgcopydb";
const PATIENCE_MS = 5000;

/**
 * https://pgcopydb.readthedocs.io/en/latest/ref/pgcopydb_follow.html: writes changes to JSON files, turns these into SQL files, and runs them, one file per
 * WAL segment. It is told the end of the backlog (`endpos`): without it the last file would wait for the segment to fill.
 */
export async function pgcopydbFollow({ source }: ServerPair): Promise<FollowerTool | SkippedTool> {
  const name = "pgcopydb";
  const version = (await versionOf(name, "--version"))?.split("\n")[0];
  if (version === undefined) return { name, skipped: "pgcopydb is not on the PATH (Debian and Ubuntu: apt-get install pgcopydb)" };
  const canChoosePlugin = (await helpOf(name, "follow", "--help")).includes("--plugin");
  const plugin = await firstPlugin(source, canChoosePlugin ? ["wal2json", "test_decoding"] : ["wal2json"]);
  if (plugin === undefined)
    return { name, skipped: `${version} needs the output plugin wal2json, which the source does not have (--plugin-dir names a directory with wal2json.so for its major)` };
  const sentinelTakesDirectory = (await helpOf(name, "stream", "sentinel", "set", "endpos", "--help")).includes("--dir");
  return {
    name,
    version,
    remarks: [`pgcopydb is \`follow\` with ${plugin}, up to the end of the backlog; it looks for finished files every 10 s`],
    startsEmpty: false,
    async attach(site) {
      const directory = ["--dir", join(site.directory, "pgcopydb")];
      const stream = ["--slot-name", NAME, "--origin", NAME, "--not-consistent", ...(canChoosePlugin ? ["--plugin", plugin] : [])];
      const sentinel = ["stream", "sentinel", "set"];
      const at = sentinelTakesDirectory ? directory : [];
      await run(site, ["stream", "setup", ...directory, ...stream]);
      return attached(site, {
        before: (end) => [
          [...sentinel, "endpos", ...at, end],
          [...sentinel, "apply", ...at],
        ],
        follow: ["follow", ...directory, ...stream, "--resume"],
      });
    },
  };
}

function attached(site: Site, commands: { before(end: string): string[][]; follow: string[] }): Follower {
  let running: RunningProcess | undefined;
  const { promise: failed, resolve: fail } = Promise.withResolvers<string>();
  return {
    failed,
    get pid() {
      return running?.pid;
    },
    async start() {
      const end = await withClient(site.source, site.database, async (client) => {
        return (await client.query<{ lsn: string }>("select pg_current_wal_flush_lsn() as lsn")).rows[0]?.lsn ?? "";
      });
      for (const args of commands.before(end)) await run(site, args);
      running = startProcess(pgcopydb(site, commands.follow));
      // It ends by itself when it has come to the end.
      void running.ended.then((how) => void (how !== undefined && fail(how)));
    },
    async detach() {
      await running?.stop(PATIENCE_MS);
      // The server's, not the database's: it outlives that one, and the next setup would meet it.
      await withClient(site.target, site.database, async (client) => {
        await client.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'pgcopydb%'");
        for (let attempt = 1; ; attempt++) {
          const dropped = await client.query("select pg_replication_origin_drop($1)", [NAME]).catch((error: unknown) => error);
          if (!(dropped instanceof Error)) return;
          if (attempt === 50) throw dropped;
          await sleep(100); // its backend has not ended yet
        }
      });
    },
  };
}

async function run(site: Site, args: readonly string[]): Promise<void> {
  const { failure, stdout, stderr } = await runMeasured(pgcopydb(site, args), site.timeoutMs);
  if (failure !== undefined) throw new Error(withoutPasswords([`pgcopydb ${args.slice(0, 2).join(" ")}: ${failure}`, ...lastLines(`${stdout}\n${stderr}`)].join("\n")));
}

function pgcopydb({ source, target, database }: Site, args: readonly string[]): Command {
  return {
    label: "pgcopydb",
    program: "pgcopydb",
    args,
    environment: { PGCOPYDB_SOURCE_PGURI: source.uri(database), PGCOPYDB_TARGET_PGURI: target.uri(database) },
  };
}

/** The server tells only by trying whether it has an output plugin: these are no extensions. */
async function firstPlugin(source: ServerPair["source"], candidates: readonly string[]): Promise<string | undefined> {
  return await withClient(source, "postgres", async (client) => {
    for (const plugin of candidates) {
      const created = await client.query("select pg_create_logical_replication_slot($1, $2, true)", [NAME, plugin]).catch(() => undefined);
      if (created === undefined) continue;
      await client.query("select pg_drop_replication_slot($1)", [NAME]);
      return plugin;
    }
    return undefined;
  });
}
