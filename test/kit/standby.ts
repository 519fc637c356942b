import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { EmbeddedServer } from "../../src/embedded/server.ts";

/**
 * Makes a server a standby that nobody feeds: it answers queries, and takes no writes. https://www.postgresql.org/docs/current/warm-standby.html#FILE-STANDBY-SIGNAL,
 * before 12: https://www.postgresql.org/docs/10/standby-settings.html
 */
export async function becomeStandby(server: EmbeddedServer): Promise<void> {
  const [file, content] = server.major < 12 ? ["recovery.conf", "standby_mode = on\n"] : ["standby.signal", ""];
  await writeFile(join(server.directory, "data", file), content);
  await server.restart();
}
