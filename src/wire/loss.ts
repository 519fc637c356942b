import { type Client, DatabaseError } from "pg";
import { fromServer } from "../errors/from-server.ts";
import type { GodwitError } from "../errors/godwit-error.ts";
import { type Endpoint, describeEndpoint } from "./endpoint.ts";

/**
 * Remembers why a connection was lost, and tells it to every query behind: node-postgres only knows that it is gone. The reason is the last error that no
 * ReadyForQuery followed: a FATAL one, whatever the server's language (https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-START-UP).
 * To be called before the client connects: its own listeners then come later.
 */
export function watchLoss(client: Client, endpoint: Endpoint): { readonly error: GodwitError | undefined } {
  const { connection } = client as unknown as { connection: NodeJS.EventEmitter };
  const loss: { error: GodwitError | undefined } = { error: undefined };
  let heard: unknown;
  const lose = (reason: unknown): void => {
    loss.error ??= fromServer(heard ?? reason, { server: describeEndpoint(endpoint), doing: "the connection was lost", otherwise: "connection-lost" });
  };
  connection.on("errorMessage", (error: unknown) => (heard = error));
  connection.on("readyForQuery", () => (heard = undefined));
  connection.on("end", () => lose(new Error("it ended without a word")));
  client.on("error", lose);
  const query = client.query.bind(client) as (...given: unknown[]) => Promise<unknown>;
  const telling = async (...given: unknown[]): Promise<unknown> => {
    if (loss.error !== undefined) throw loss.error;
    try {
      return await query(...given);
    } catch (error) {
      throw error instanceof DatabaseError ? error : (loss.error ?? error);
    }
  };
  client.query = telling as Client["query"];
  return loss;
}
