import { join } from "node:path";
import { type RunningProcess, startProcess } from "../running-process.ts";
import type { FollowerTool, Site } from "./follower.ts";
import { GODWIT, godwitVersion } from "./godwit.ts";

const TYPE = "full+incremental";
/** The step in which it has caught up and follows; the event is told when it begins. */
const CAUGHT_UP_STEP = "sync";
/** For the pause that Ctrl-C asks for. */
const PATIENCE_MS = 30_000;

/**
 * Godwit as a user runs it: `godwit migrate --type full+incremental` until it has caught up, then Ctrl-C, which pauses its task and keeps the slot; the same
 * command again goes on. Its store's server is on this machine too.
 */
export function godwitFollower(jobs: number): FollowerTool {
  return {
    name: "godwit",
    version: godwitVersion(),
    remarks: [
      `godwit is \`migrate --type ${TYPE}\`, paused when it had caught up and run again at time zero: "start s" holds the start of Node, of its store's server and of the task`,
      "its CPU and RSS are Node's; its store's PostgreSQL server counts as other",
    ],
    startsEmpty: true,
    hasServerOfItsOwn: true,
    async attach(site) {
      const first = migrate(site, jobs);
      try {
        await first.line(isCaughtUp, site.timeoutMs);
      } finally {
        await first.stop(PATIENCE_MS);
      }
      let running: RunningProcess | undefined;
      const { promise: failed, resolve: fail } = Promise.withResolvers<string>();
      return {
        failed,
        get pid() {
          return running?.pid;
        },
        async start() {
          running = migrate(site, jobs);
          void running.ended.then((how) => fail(how ?? "godwit ended by itself"));
        },
        detach: async () => await running?.stop(PATIENCE_MS),
      };
    },
  };
}

function migrate(site: Site, jobs: number): RunningProcess {
  return startProcess({
    label: "godwit migrate",
    program: process.execPath,
    args: [
      ...GODWIT, "migrate", "--source", site.source.uri(site.database), "--target", site.target.uri(site.database), "--type", TYPE, "--yes", "--json",
      "--dir", join(site.directory, "godwit"), "--concurrency", String(jobs),
    ], // prettier-ignore
  });
}

function isCaughtUp(line: string): boolean {
  try {
    const event = JSON.parse(line) as { event?: string; step?: string };
    return event.event === "step" && event.step === CAUGHT_UP_STEP;
  } catch {
    return false;
  }
}
