import type { Socket } from "node:net";
import type { Client } from "pg";
import { GodwitError } from "../errors/godwit-error.ts";
import { type Endpoint, describeEndpoint } from "./endpoint.ts";

/**
 * channel_binding=require: the server must prove that it knows the password's hash and that nobody sits between us within TLS
 * (https://www.postgresql.org/docs/current/sasl-authentication.html). node-postgres takes part in it when offered; that nothing less is accepted
 * is seen to here: any other way to authenticate ends the connection before the password is used for it.
 */
export function requireChannelBinding(client: Client, socket: Socket, endpoint: Endpoint): { readonly problem: GodwitError | undefined } {
  const { connection } = client as unknown as { connection: NodeJS.EventEmitter };
  let isOffered = false;
  let isProved = false;
  const refusal = new GodwitError("tls-refused", `${describeEndpoint(endpoint)}: the server does not authenticate with channel binding, and channel_binding is require`, {
    object: endpoint.host,
    advice: "Channel binding needs TLS, PostgreSQL 11 or later and a password stored as SCRAM-SHA-256; else leave channel_binding out.",
  });
  connection.prependListener("authenticationSASL", ({ mechanisms }: { mechanisms: readonly string[] }) => {
    isOffered = mechanisms.includes("SCRAM-SHA-256-PLUS");
    if (!isOffered) socket.destroy(refusal);
  });
  for (const other of ["authenticationCleartextPassword", "authenticationMD5Password"]) connection.prependListener(other, () => socket.destroy(refusal));
  // node-postgres checks the proof itself; a wrong one, or one out of turn, ends the connection.
  connection.on("authenticationSASLFinal", () => (isProved = true));
  return {
    get problem() {
      return isOffered && isProved ? undefined : refusal;
    },
  };
}
