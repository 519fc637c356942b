import type { Socket } from "node:net";
import { Client } from "pg";
import { fromServer } from "../errors/from-server.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import { requireChannelBinding } from "./channel-binding.ts";
import { type Endpoint, describeEndpoint } from "./endpoint.ts";
import { watchLoss } from "./loss.ts";
import { openSocket } from "./open-socket.ts";
import { askPassFile } from "./pass-file.ts";
import { watchStartupAnswer } from "./startup-answer.ts";

/** A client that has logged in, with the socket below it. */
export interface ConnectedClient {
  readonly client: Client;
  readonly socket: Socket;
  /** Why the connection was lost, once it is. */
  readonly loss: { readonly error: GodwitError | undefined };
  /** What the server told of itself (ParameterStatus), as server_version. https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-ASYNC */
  readonly reported: ReadonlyMap<string, string>;
}

export interface ConnectOptions {
  /** Of the startup packet, beside user and database: application_name, settings, replication. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly pipeline?: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * Opens a connection and logs in: node-postgres does SCRAM and md5; the password comes from the endpoint or its password file. One attempt, with TLS or
 * without: see `tryEncryptions`. Errors: as openSession.
 */
export async function connectClient(endpoint: Endpoint, encrypted: boolean, options: ConnectOptions): Promise<ConnectedClient> {
  const socket = await openSocket(endpoint, encrypted, options.signal);
  const fromFile = endpoint.password === undefined ? askPassFile(endpoint) : undefined;
  const password = endpoint.password ?? fromFile?.password;
  let isAsked = false;
  const client = new Client({
    host: endpoint.host,
    port: endpoint.port,
    user: endpoint.user,
    database: endpoint.database,
    // As a function: otherwise node-postgres would take PGPASSWORD of this process, which names no server.
    password: () => {
      isAsked = true;
      return password ?? "";
    },
    enableChannelBinding: endpoint.tls.channelBinding,
    connectionTimeoutMillis: endpoint.connectTimeoutMs,
    stream: () => alreadyConnected(socket),
    ssl: false, // done by openSocket
    sslnegotiation: "postgres", // so is this; else PGSSLNEGOTIATION counts
    ...(options.pipeline === true ? { pipeline: true } : {}),
  });
  sendOnly(client, {
    user: endpoint.user,
    database: endpoint.database,
    ...options.parameters,
    ...(endpoint.withoutLoginTriggers === true ? { options: "-c event_triggers=off" } : {}),
  });
  const loss = watchLoss(client, endpoint);
  const reported = collectReported(client);
  const giveUp = (): void => void socket.destroy();
  options.signal?.addEventListener("abort", giveUp, { once: true });
  const answer = watchStartupAnswer(socket, endpoint);
  const binding = endpoint.tls.channelBinding ? requireChannelBinding(client, socket, endpoint) : undefined;
  try {
    await client.connect();
    if (binding?.problem !== undefined) throw binding.problem;
  } catch (error) {
    socket.destroy();
    options.signal?.throwIfAborted();
    if (isAsked && password === undefined) throw noPassword(endpoint, fromFile?.refusal, error);
    throw answer.problem ?? startupError(error, endpoint);
  } finally {
    options.signal?.removeEventListener("abort", giveUp);
  }
  return { client, socket, loss, reported };
}

/** Process and key of the server's side of a connection, for cancel requests. */
export function backendOf(client: Client): { readonly pid: number; readonly cancelKey: Buffer } {
  const { processID, secretKey } = client as unknown as { processID: number | null; secretKey: number | null };
  const cancelKey = Buffer.alloc(4);
  cancelKey.writeInt32BE(secretKey ?? 0);
  return { pid: processID ?? 0, cancelKey };
}

function collectReported(client: Client): ReadonlyMap<string, string> {
  const { connection } = client as unknown as { connection: NodeJS.EventEmitter };
  const reported = new Map<string, string>();
  connection.on("parameterStatus", ({ parameterName, parameterValue }: { parameterName: string; parameterValue: string }) => reported.set(parameterName, parameterValue));
  return reported;
}

/** node-postgres calls `connect` on the stream it is given and waits for the event; ours is connected already. */
function alreadyConnected(socket: Socket): Socket {
  Object.defineProperty(socket, "connect", {
    configurable: true,
    value: () => {
      process.nextTick(() => socket.emit("connect"));
      return socket;
    },
  });
  return socket;
}

/**
 * The startup packet's parameters, and no others: node-postgres would add what PGOPTIONS, PGREPLICATION … of this process say, which name no server.
 * (It always sends client_encoding UTF8.) https://www.postgresql.org/docs/current/protocol-message-formats.html (StartupMessage)
 */
function sendOnly(client: Client, parameters: Readonly<Record<string, string>>): void {
  (client as unknown as { getStartupConf: () => Readonly<Record<string, string>> }).getStartupConf = () => parameters;
}

function noPassword(endpoint: Endpoint, refusal: string | undefined, cause: unknown): GodwitError {
  const variable = `GODWIT_${endpoint.side.toUpperCase()}_PASSWORD`;
  return new GodwitError(
    "password-wrong",
    `${describeEndpoint(endpoint)}: the server asks for a password, and no password was given${refusal === undefined ? "" : ` (${refusal})`}`,
    {
      object: endpoint.host,
      advice: `Give one in the URI, in ${variable}, in a password file (passfile=…, PGPASSFILE, ~/.pgpass), or start Godwit on a terminal and type it.`,
      cause,
    },
  );
}

function startupError(error: unknown, endpoint: Endpoint): GodwitError {
  if (error instanceof GodwitError) return error;
  const server = describeEndpoint(endpoint);
  if (error instanceof Error && !("code" in error)) {
    // node-postgres' own errors carry no code: its connection timeout, a socket closed under it.
    const code = /timeout/i.test(error.message) ? "connection-timeout" : "connection-lost";
    return new GodwitError(code, `${server}: connecting: ${error.message}`, { object: endpoint.host, cause: error });
  }
  return fromServer(error, { server, doing: "connecting", object: endpoint.host, otherwise: "login-refused" });
}
