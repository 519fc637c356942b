import type { Session } from "./session.ts";

/** Runs work in a transaction of a session that has none: all of it is there afterwards, or nothing. `modes`: https://www.postgresql.org/docs/current/sql-begin.html */
export async function inTransaction<T>(session: Session, work: () => Promise<T>, modes = ""): Promise<T> {
  await session.query(`begin ${modes}`);
  try {
    const result = await work();
    await session.query("commit");
    return result;
  } catch (error) {
    await session.query("rollback").catch(() => undefined); // a lost connection has rolled back by itself
    throw error;
  }
}
