import { GodwitError } from "../errors/godwit-error.ts";

/** What makes a pooler of use. */
export const SESSION_MODE = "Connect to the server itself, or to the pooler's database in session mode (pool_mode = session).";

/**
 * PgBouncer in statement mode ends connections that begin a transaction, with a SQLSTATE that it has for nearly everything: only its words, which are in no
 * translation, tell. https://www.pgbouncer.org/features.html
 */
export function isStatementPooling(error: unknown): error is GodwitError {
  return error instanceof GodwitError && error.message.includes("statement pooling mode");
}

/** Such an error as one that nobody tries again; others as they are. */
export function tellingPooler(error: unknown): unknown {
  return isStatementPooling(error) ? new GodwitError("precheck-failed", error.message, { advice: SESSION_MODE, cause: error }) : error;
}
