import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { serverIdentity } from "../embedded/binaries.ts";

/** A running server of one data directory. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
}

const LARGE_LOG_BYTES = 8 * 1024 * 1024;

/**
 * The server that runs on this data directory, by its postmaster.pid; undefined when none does. A pid alone proves nothing: the file outlives
 * a killed server, and after a reboot its number may be anybody's. So the process must name this directory in its command line.
 * https://www.postgresql.org/docs/current/storage-file-layout.html
 */
export async function findPostmaster(data: string): Promise<Postmaster | undefined> {
  const lines = (await readPidFile(data)).split("\n");
  const pid = Number(lines[0]);
  const port = Number(lines[3]);
  if (!(pid > 0) || !(port > 0) || !(await isPostmasterOf(pid, data))) return undefined;
  return { pid, port };
}

/**
 * Starts a server that outlives this process. Two processes that do this at once are fine: PostgreSQL creates postmaster.pid exclusively,
 * the second server sees the first and ends.
 */
export async function spawnPostmaster(program: string, data: string, port: number, log: string): Promise<ChildProcess> {
  await removeStalePidFile(data);
  const logBytes = await stat(log).then((found) => found.size, () => 0); // prettier-ignore
  if (logBytes > LARGE_LOG_BYTES) await rename(log, `${log}.1`).catch(() => undefined);
  // A shell opens the log: the file then belongs to the server's uid.
  const child = spawn("/bin/sh", ["-c", 'exec "$0" -D "$1" -p "$2" >>"$3" 2>&1', program, data, String(port), log], {
    ...serverIdentity(),
    cwd: data,
    stdio: "ignore",
    detached: true, // Ctrl-C in a terminal reaches the process group
  });
  child.once("error", () => undefined); // shows as an exit
  child.unref();
  return child;
}

/** Ends a server in order (SIGINT: its sessions are cut off), at once after 5 s (SIGQUIT). https://www.postgresql.org/docs/current/server-shutdown.html */
export async function stopPostmaster(data: string): Promise<void> {
  const running = await findPostmaster(data);
  if (running === undefined) return;
  signal(running.pid, "SIGINT");
  for (let waitedMs = 0; waitedMs < 15_000; waitedMs += 20) {
    if (!(await isPostmasterOf(running.pid, data))) return;
    if (waitedMs === 5000) signal(running.pid, "SIGQUIT");
    await sleep(20);
  }
}

/**
 * A number in postmaster.pid that now belongs to another process of the same user keeps PostgreSQL from starting, after a reboot for example.
 * It is read again right before, as another opener may have started the server meanwhile.
 */
async function removeStalePidFile(data: string): Promise<void> {
  const text = await readPidFile(data);
  const pid = Number(text.split("\n")[0]);
  if (!(pid > 0) || !isAlive(pid) || (await isPostmasterOf(pid, data))) return;
  if ((await readPidFile(data)) === text) await rm(join(data, "postmaster.pid"), { force: true });
}

async function readPidFile(data: string): Promise<string> {
  return await readFile(join(data, "postmaster.pid"), "utf8").catch(() => "");
}

async function isPostmasterOf(pid: number, data: string): Promise<boolean> {
  if (!existsSync("/proc/self/cmdline")) return isAlive(pid);
  // Empty for a process that ended and that nobody has waited for yet.
  const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return command.split("\0").includes(data);
}

/** Whether a process of this number exists, whosever it is. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // it ended meanwhile
  }
}
