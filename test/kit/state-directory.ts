import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync } from "node:fs";
import { readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inject } from "vitest";
import { stopPostmaster } from "../../src/engine/postmaster.ts";

const made: string[] = [];

/** The state directory of this test file's command lines: making a store takes a second, so they share one. */
export function stateDirectory(): string {
  return made[0] ?? newStateDirectory();
}

/** One more, with a store that holds nothing and is no other test's. */
export function newStateDirectory(): string {
  const directory = emptyStateDirectory();
  execFileSync("cp", ["-a", `${inject("storeTemplate")}/.`, directory]); // its owner stays the user that servers run as
  return directory;
}

/** One more, without a store yet; the unprivileged user that servers run as may enter it. */
export function emptyStateDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "godwit-state-"));
  chmodSync(directory, 0o711);
  made.push(directory);
  return directory;
}

/** Stops what still runs in them, and takes them away. */
export async function removeStateDirectories(): Promise<void> {
  for (const directory of made.splice(0)) {
    await stopPostmaster(join(directory, "store", "data"));
    await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
}

/** Every process whose command line names this directory: none, once all command lines have ended well. */
export async function processesBelow(directory: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir("/proc")) {
    const command = /^\d+$/.test(entry) ? await readFile(`/proc/${entry}/cmdline`, "utf8").catch(() => "") : "";
    if (command.includes(directory)) found.push(command.replaceAll("\0", " "));
  }
  return found;
}
