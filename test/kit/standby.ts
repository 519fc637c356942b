import { access, chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { EmbeddedServer } from "../../src/embedded/server.ts";

/**
 * Makes a server a standby that nobody feeds: it answers queries, and takes no writes. https://www.postgresql.org/docs/current/warm-standby.html#FILE-STANDBY-SIGNAL,
 * before 12: https://www.postgresql.org/docs/10/standby-settings.html
 */
export async function becomeStandby(server: EmbeddedServer): Promise<void> {
  const [file, content] = server.major < 12 ? ["recovery.conf", "standby_mode = on\n"] : ["standby.signal", ""];
  const path = join(server.directory, "data", file);
  await writeFile(path, content);
  await chmod(path, 0o666); // the server, of another uid than we may be, opens it for writing
  await server.restart();
}

/** Makes a standby a primary, on a timeline of its own, as `pg_ctl promote` does in every version: https://www.postgresql.org/docs/current/app-pg-ctl.html */
export async function promote(server: EmbeddedServer): Promise<void> {
  const file = join(server.directory, "data", "promote");
  await writeFile(file, "");
  process.kill(server.pid, "SIGUSR1");
  while (await access(file).then(() => true, () => false)) await sleep(20); // prettier-ignore
}
