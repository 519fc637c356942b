import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { EmbeddedServer } from "../../src/embedded/server.ts";

/** Makes a server (12 or newer) a standby that nobody feeds: it answers queries, and takes no writes. https://www.postgresql.org/docs/current/warm-standby.html#FILE-STANDBY-SIGNAL */
export async function becomeStandby(server: EmbeddedServer): Promise<void> {
  await writeFile(join(server.directory, "data", "standby.signal"), "");
  await server.restart();
}
