import { sqlStateOf } from "../errors/sql-state.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import type { Session } from "../wire/session.ts";

/** A statement that the target may refuse without ending the work. */
export interface Attempt {
  readonly sql: string;
  /** What it does, for a note: "role app: setting work_mem". Values stay out: a setting may be a secret. */
  readonly what: string;
}

/** The server's answer to an attempt that failed. */
export interface Refusal<A extends Attempt = Attempt> {
  readonly attempt: A;
  readonly sqlState: string;
  readonly error: GodwitError;
}

/** How many statements are sent as one; one refusal among them costs a round trip for each of the others. */
const TOGETHER = 100;

/**
 * Runs statements inside an open transaction, each under a savepoint; returns those that the server refused. A refused statement
 * is tried again as long as another one of the same wave succeeded: a grant may need the grant option that another one gives.
 * Throws when the connection is lost.
 */
export async function attemptAll<A extends Attempt>(session: Session, attempts: readonly A[]): Promise<Refusal<A>[]> {
  let refused = await attemptInOrder(session, attempts);
  for (let before = attempts.length; refused.length > 0 && refused.length < before;) {
    before = refused.length;
    refused = await attemptInOrder(
      session,
      refused.map((refusal) => refusal.attempt),
    );
  }
  return refused;
}

/** As attemptAll, but nothing is tried twice: what was refused when its turn came stays refused. */
export async function attemptInOrder<A extends Attempt>(session: Session, attempts: readonly A[]): Promise<Refusal<A>[]> {
  const refused: Refusal<A>[] = [];
  for (let at = 0; at < attempts.length; at += TOGETHER) {
    const group = attempts.slice(at, at + TOGETHER);
    if ((await underSavepoint(session, group.map((attempt) => attempt.sql).join(";\n"))) === undefined) continue;
    for (const attempt of group) {
      const error = await underSavepoint(session, attempt.sql);
      if (error !== undefined) refused.push({ attempt, sqlState: sqlStateOf(error), error });
    }
  }
  return refused;
}

async function underSavepoint(session: Session, sql: string): Promise<GodwitError | undefined> {
  await session.query("savepoint attempt"); // a message of its own: one that cannot be parsed is refused whole, and its savepoint with it
  try {
    await session.query(sql);
    await session.query("release savepoint attempt");
    return undefined;
  } catch (error) {
    if (!(error instanceof GodwitError) || sqlStateOf(error) === "") throw error;
    await session.query("rollback to savepoint attempt; release savepoint attempt");
    return error;
  }
}

/** A note for something that the target refused. */
export function refusalNote({ attempt, error }: Refusal): string {
  return `${attempt.what}: left out: ${error.message}`;
}
