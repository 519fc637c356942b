import type { Environment } from "./task-options.ts";

/** What every command gets. */
export interface CommandContext {
  readonly environment: Environment;
  /** Each command tells its exit code; 0 when it says nothing. */
  readonly exit: (code: number) => void;
}

/** What each command that connects says about servers and passwords. */
export const CONNECTION_HELP = `
Servers:
  postgresql://user@host:port/database?sslmode=verify-full&sslrootcert=ca.pem (libpq's URIs), or 'host=… user=… dbname=…'.
  GODWIT_SOURCE and GODWIT_TARGET stand for --source and --target. PGSSLMODE, PGSSLROOTCERT, PGSSLCERT, PGSSLKEY,
  PGSSLNEGOTIATION, PGCHANNELBINDING, PGGSSENCMODE, PGTARGETSESSIONATTRS and PGCONNECT_TIMEOUT serve both servers where a
  URI says nothing. PGHOST, PGPORT, PGUSER, PGDATABASE and PGPASSWORD are not used: they name one server, and a
  migration has two.

Passwords:
  Taken from the URI, GODWIT_SOURCE_PASSWORD or GODWIT_TARGET_PASSWORD, passfile=…, PGPASSFILE or ~/.pgpass, or asked on a
  terminal.
  One in an argument is hidden from the process list as soon as Godwit starts, but the shell or npm that started it may
  go on showing it: better use one of the other ways.`;
