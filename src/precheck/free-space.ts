import { readFile, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { Session } from "../wire/session.ts";

/** Room where a server keeps its data. */
export interface FreeSpace {
  readonly directory: string;
  readonly bytes: number;
}

/** The postmaster notes when it began, and sets the time that SQL tells a little later. */
const MOST_SECONDS_APART = 10;

/**
 * No SQL tells how much room a server's disk has, but the operating system does, where the server runs on this machine and its directory is ours to read. That it is this server's,
 * and not another's at the same path (a container's, say, or one behind a tunnel), its own note proves: postmaster.pid holds the start time and the port.
 * undefined where nothing is known. https://www.postgresql.org/docs/current/storage-file-layout.html
 */
export async function readFreeSpace(server: Session): Promise<FreeSpace | undefined> {
  const [row] = await server.query<{ directory: string | null; port: string; seconds: number }>(
    `select (select s.setting from pg_catalog.pg_settings s where s.name = 'data_directory') as directory, pg_catalog.current_setting('port') as port,
            extract(epoch from pg_catalog.pg_postmaster_start_time())::pg_catalog.float8 as seconds`,
  );
  if (row === undefined || row.directory === null) return undefined; // hidden from plain accounts
  try {
    const note = await readFile(join(row.directory, "postmaster.pid"), "utf8");
    const [, , began, port] = note.split("\n");
    if (port !== row.port || Math.abs(Number(began) - row.seconds) > MOST_SECONDS_APART) return undefined;
    const { bavail, bsize } = await statfs(row.directory);
    return { directory: row.directory, bytes: bavail * bsize };
  } catch {
    return undefined; // on another machine, or not ours to read
  }
}
