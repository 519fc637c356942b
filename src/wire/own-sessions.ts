import { GodwitError } from "../errors/godwit-error.ts";
import type { Session } from "./session.ts";

/**
 * Asks other sessions of the account that logged in to end, in the same database; how many there were. `condition`: on `a`, a row of pg_stat_activity.
 * Whose a session is, is said by who logged in; what may be done to it, by the role that the asking session acts as (ALTER ROLE … SET role), which need not have the account's
 * own rights: then it asks as the account itself. https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SIGNAL
 */
export async function endOwnSessions(session: Session, condition: string, values: readonly unknown[]): Promise<number> {
  const ask = async (): Promise<number> =>
    (
      await session.query(
        `select pg_catalog.pg_terminate_backend(a.pid) from pg_catalog.pg_stat_activity a
          where (${condition}) and a.datname = pg_catalog.current_database() and a.usename = session_user and a.pid <> pg_catalog.pg_backend_pid()`,
        values,
      )
    ).length;
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof GodwitError) || error.code !== "privilege-missing") throw error;
    await session.query("set role none");
    try {
      return await ask();
    } finally {
      await session.query("reset role"); // to the one that ALTER ROLE says
    }
  }
}
