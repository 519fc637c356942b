import type { Command } from "commander";
import { GodwitError } from "../../errors/godwit-error.ts";
import { type StoreGiven, addStoreOptions, openGivenStore } from "../store-options.ts";
import type { Environment } from "../task-options.ts";
import type { Desk } from "./desk.ts";

/** What the options of `addDeskOptions` give. */
export interface DeskGiven extends StoreGiven {
  readonly server?: string;
  readonly token?: string;
}

/** Where tasks are: of every command about tasks. */
export function addDeskOptions(command: Command): Command {
  return addStoreOptions(command)
    .option("--server <url>", "ask the server there (`godwit serve`) instead of opening a store (or GODWIT_SERVER)")
    .option("--token <token>", "an API token of that server (or GODWIT_TOKEN)");
}

/** The desk that is meant: what was typed goes before the environment. What it uses is loaded only now: `--help` and usage errors do without. Throws `usage`. */
export async function openDesk(given: DeskGiven, environment: Environment): Promise<Desk> {
  const typedStore = given.dir !== undefined || given.store !== undefined;
  if (typedStore && given.server !== undefined) throw new GodwitError("usage", "--server and --dir or --store name two places: give one of them", { object: "--server" });
  const server = given.server ?? (typedStore ? undefined : environment["GODWIT_SERVER"]);
  if (server === undefined || server === "") {
    const { localDesk } = await import("./local-desk.ts");
    return localDesk(await openGivenStore(given, environment));
  }
  if (!/^https?:\/\/[^/\s]+/.test(server)) throw new GodwitError("usage", "--server wants an address, as https://godwit.example:7400", { object: "--server" });
  const token = given.token ?? environment["GODWIT_TOKEN"];
  if (token === undefined || token === "")
    throw new GodwitError("usage", "--server needs a token: --token, or GODWIT_TOKEN", { object: "--token", advice: "An admin makes one on the console's settings page." });
  const { serverDesk } = await import("./server-desk.ts");
  return serverDesk(server, token);
}
