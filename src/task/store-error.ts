import { fromServer } from "../errors/from-server.ts";
import type { GodwitError } from "../errors/godwit-error.ts";

/** What node-postgres and its pool say by themselves, without a code, when a connection is gone or does not come about. */
const CONNECTION = /connection terminated|connection ended|timeout e|not queryable|read timeout/i;

/** An error of the store as a coded one: what passes when the store is back is told apart from what does not. */
export function storeError(error: unknown): GodwitError {
  const isAway = error instanceof Error && !("code" in error && error.code !== undefined) && CONNECTION.test(error.message);
  return fromServer(error, { server: "store", doing: "querying", otherwise: isAway ? "connection-lost" : "query-failed" });
}
