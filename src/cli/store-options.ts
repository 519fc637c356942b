import { homedir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { GodwitError } from "../errors/godwit-error.ts";
import type { OpenTasks, TaskLocation } from "../task/open-tasks.ts";
import type { Environment } from "./task-options.ts";

/** What the options of `addStoreOptions` give. */
export interface StoreGiven {
  readonly dir?: string;
  readonly store?: string;
}

/** Where tasks are kept: of every command that knows tasks. */
export function addStoreOptions(command: Command): Command {
  return command
    .option("--dir <directory>", "keep tasks in this directory, with a PostgreSQL server of Godwit's own (or GODWIT_DIR)")
    .option("--store <uri>", "keep tasks in this PostgreSQL database, for workers on several machines (or GODWIT_STORE; needs GODWIT_KEY)");
}

/** The store that is meant: what was typed goes before the environment. Throws `usage`. */
export function storeLocation(given: StoreGiven, environment: Environment): TaskLocation {
  const key = environment["GODWIT_KEY"];
  if (given.dir !== undefined && given.store !== undefined) throw new GodwitError("usage", "--dir and --store name two stores: give one of them", { object: "--store" });
  if (given.dir === "") throw new GodwitError("usage", "--dir is empty: it names the directory where tasks are kept", { object: "--dir" });
  const uri = given.store ?? (given.dir === undefined ? nonEmpty(environment["GODWIT_STORE"]) : undefined);
  if (uri !== undefined) return { store: { uri }, key };
  return { store: { dir: given.dir ?? nonEmpty(environment["GODWIT_DIR"]) ?? defaultDirectory(environment) }, key };
}

/** As root the store's server runs as another user, who must be able to come there: root's home is closed to it. */
function defaultDirectory(environment: Environment): string {
  if (process.getuid?.() === 0) return "/var/lib/godwit";
  return join(nonEmpty(environment["XDG_STATE_HOME"]) ?? join(homedir(), ".local", "state"), "godwit");
}

/** Opens the store that is meant; what uses it is loaded only now: `--help` and usage errors do without. */
export async function openGivenStore(given: StoreGiven, environment: Environment): Promise<OpenTasks> {
  const location = storeLocation(given, environment);
  const { openTasks } = await import("../task/open-tasks.ts");
  return await openTasks(location);
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
