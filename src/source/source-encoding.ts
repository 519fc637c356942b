import type { Settings } from "../copy/computing-settings.ts";
import type { Session } from "../wire/session.ts";

/** Of the session's database, as UTF8, LATIN1, SQL_ASCII. */
export async function readEncoding(source: Session): Promise<string> {
  const [database] = await source.query<{ encoding: string }>("select pg_catalog.getdatabaseencoding() as encoding");
  return database?.encoding ?? "";
}

/**
 * Settings of the sessions that values of the source pass through, on both sides. SQL_ASCII holds bytes of any encoding, and a server refuses to send those that are no UTF-8 to a client that asks
 * for UTF8: they pass as they are, and the target decides whether it can hold them. https://www.postgresql.org/docs/current/multibyte.html
 */
export function passingValues(sourceEncoding: string): Settings {
  return sourceEncoding === "SQL_ASCII" ? { client_encoding: "SQL_ASCII" } : {};
}
