import type { Socket } from "node:net";
import { GodwitError } from "../errors/godwit-error.ts";
import { type Endpoint, describeEndpoint } from "./endpoint.ts";

/**
 * What a server may say first, with the longest message of that kind: an authentication request, an error, a negotiation of the protocol's
 * version (https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-START-UP). libpq has the same limits; without them, whatever
 * does not speak the protocol looks like the beginning of a very long message.
 */
const LONGEST: Readonly<Record<string, number>> = { R: 2000, E: 30_000, v: 2000 };

/** Looks at the first bytes that follow the startup packet; `problem` is set, and the socket destroyed, when they are not PostgreSQL's. */
export function watchStartupAnswer(socket: Socket, endpoint: Endpoint): { readonly problem: GodwitError | undefined } {
  const watch: { problem: GodwitError | undefined } = { problem: undefined };
  let head = Buffer.alloc(0);
  const onData = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk.subarray(0, 5 - head.length)]);
    const longest = LONGEST[String.fromCharCode(head[0] ?? 0)] ?? 0;
    const isForeign = longest === 0 || (head.length === 5 && (head.readUInt32BE(1) < 4 || head.readUInt32BE(1) > longest));
    if (isForeign || head.length === 5) socket.off("data", onData);
    if (!isForeign) return;
    watch.problem = notPostgres(endpoint);
    socket.destroy(watch.problem);
  };
  socket.prependListener("data", onData);
  return watch;
}

export function notPostgres(endpoint: Endpoint): GodwitError {
  return new GodwitError("protocol", `${describeEndpoint(endpoint)}: this does not answer like a PostgreSQL server`, { object: endpoint.host });
}
