import { type IpcSocketConnectOpts, type Socket, type TcpSocketConnectOpts, connect as connectTcp } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { GodwitError } from "../errors/godwit-error.ts";
import { fromServer } from "../errors/from-server.ts";
import { type Endpoint, describeEndpoint } from "./endpoint.ts";
import { connectPooled } from "./pooled-reads.ts";
import { notPostgres } from "./startup-answer.ts";

/** SSLRequest: length 8, code 80877103 (https://www.postgresql.org/docs/current/protocol-message-formats.html). */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

/**
 * Opens a TCP or unix socket and negotiates TLS as sslmode asks. We do this rather than node-postgres because each
 * cause (DNS, TCP, TLS refused, certificate) must be told apart without reading message texts, and because
 * "prefer" and "allow" need a second try.
 */
export async function openSocket(endpoint: Endpoint, encrypted: boolean, signal?: AbortSignal): Promise<Socket> {
  if (!encrypted || endpoint.host.startsWith("/")) return await openPlain(endpoint, connectPooled, signal);
  const socket = await openPlain(endpoint, connectTcp, signal);
  if (endpoint.tls.direct) return await startTls(socket, endpoint, signal);
  socket.write(SSL_REQUEST);
  const answer = await firstByte(socket, endpoint, signal).catch((error: unknown) => {
    socket.destroy(); // a server that never answers would keep this process alive
    throw error;
  });
  // Nothing may follow before it hears from us: it would be taken for a part of what TLS protects (CVE-2021-23222).
  const isAlone = socket.read() === null;
  if (answer === "S" && isAlone) return await startTls(socket, endpoint, signal);
  socket.destroy();
  // "E": a server that could not even make a process for us; its words are not protected, so they are not shown.
  if (answer === "" || answer === "E") throw closed(endpoint);
  if (!isAlone) throw notPostgres(endpoint);
  // The server would go on in clear on this connection; a new one reads into pooled buffers.
  if (answer === "N" && endpoint.tls.mode === "prefer") return await openPlain(endpoint, connectPooled, signal);
  if (answer === "N") {
    throw new GodwitError("tls-refused", `${describeEndpoint(endpoint)}: the server does not offer TLS, and sslmode is ${endpoint.tls.mode}`, { object: endpoint.host });
  }
  throw notPostgres(endpoint);
}

function closed(endpoint: Endpoint): GodwitError {
  return new GodwitError("connection-lost", `${describeEndpoint(endpoint)}: the server closed the connection during startup`, {
    object: endpoint.host,
    advice: "The server may be stopping or starting: run the same command again in a moment; its log tells more.",
  });
}

/** Runs `attempt` with and without TLS in libpq's order for this sslmode. */
export async function tryEncryptions<T>(endpoint: Endpoint, attempt: (encrypted: boolean) => Promise<T>): Promise<T> {
  const { mode } = endpoint.tls;
  if (endpoint.host.startsWith("/") || mode === "disable") return await attempt(false);
  if (mode !== "allow" && mode !== "prefer") return await attempt(true);
  try {
    return await attempt(mode === "prefer");
  } catch (error) {
    // libpq's rule: the other way is worth a try when TLS or pg_hba.conf (hostssl, hostnossl) was the obstacle.
    if (error instanceof GodwitError && (error.code === "login-refused" || error.code === "tls-refused")) {
      return await attempt(mode !== "prefer").catch(() => {
        throw error;
      });
    }
    throw error;
  }
}

/** A connection that nothing was heard of for so long is asked for by TCP: one whose network has forgotten it ends then, and is not waited for. */
const KEEP_ALIVE_MS = 30_000;

type Connect = (target: TcpSocketConnectOpts | IpcSocketConnectOpts) => Socket;

async function openPlain(endpoint: Endpoint, connect: Connect, signal: AbortSignal | undefined): Promise<Socket> {
  const { host, port, connectTimeoutMs } = endpoint;
  const socket = connect(host.startsWith("/") ? { path: `${host}/.s.PGSQL.${port}` } : { host, port });
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  try {
    await settle(socket, "connect", connectTimeoutMs, endpoint, signal);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return socket;
}

async function startTls(socket: Socket, endpoint: Endpoint, signal: AbortSignal | undefined): Promise<Socket> {
  const { tls, host } = endpoint;
  // libpq: with a root certificate, "require" verifies the chain like verify-ca.
  const verifies = tls.mode.startsWith("verify") || (tls.mode === "require" && tls.rootCertificate !== undefined);
  const options: ConnectionOptions = { socket, host, rejectUnauthorized: verifies };
  if (!/^[\d.]+$|:/.test(host)) options.servername = host; // SNI must not be an address (RFC 6066)
  if (tls.rootCertificate !== undefined) options.ca = tls.rootCertificate;
  if (tls.certificate !== undefined) options.cert = tls.certificate;
  if (tls.key !== undefined) options.key = tls.key;
  if (tls.direct) options.ALPNProtocols = ["postgresql"];
  if (tls.mode !== "verify-full") options.checkServerIdentity = () => undefined;
  let secure;
  try {
    secure = connectTls(options);
    await settle(secure, "secureConnect", endpoint.connectTimeoutMs, endpoint, signal);
    // https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL: else another protocol's server may be talked into this.
    if (tls.direct && secure.alpnProtocol !== "postgresql") throw new Error("the server did not agree to speak PostgreSQL (ALPN)");
    return secure;
  } catch (cause) {
    secure?.destroy();
    socket.destroy();
    if (cause instanceof GodwitError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new GodwitError("tls-refused", `${describeEndpoint(endpoint)}: TLS failed: ${why}`, { object: host, cause });
  }
}

async function firstByte(socket: Socket, endpoint: Endpoint, signal: AbortSignal | undefined): Promise<string> {
  const [byte] = await settle(socket, "readable", endpoint.connectTimeoutMs, endpoint, signal).then(() => [socket.read(1) as Buffer | null]);
  return byte === null || byte === undefined ? "" : byte.toString("latin1");
}

/** Waits for one event; an error, an end or the time limit comes first as a coded error. */
async function settle(socket: Socket, event: string, timeoutMs: number, endpoint: Endpoint, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  const server = describeEndpoint(endpoint);
  await new Promise<void>((resolve, reject) => {
    const timer =
      timeoutMs === 0
        ? undefined
        : setTimeout(() => finish(new GodwitError("connection-timeout", `${server}: no answer within ${timeoutMs / 1000} s`, { object: endpoint.host })), timeoutMs);
    const finish = (error?: unknown): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      socket.off(event, onEvent).off("error", onError).off("close", onClose);
      // Nobody may be listening between our phases; an error then shows at the next use of the socket.
      socket.on("error", () => undefined);
      if (error === undefined) resolve();
      else reject(error instanceof Error ? error : new Error("socket error"));
    };
    const onAbort = (): void => finish(signal?.reason);
    const onEvent = (): void => finish();
    const onError = (error: Error): void =>
      finish(event === "secureConnect" ? error : fromServer(error, { server, doing: "connecting", object: endpoint.host, otherwise: "connection-refused" }));
    const onClose = (): void => finish(closed(endpoint));
    signal?.addEventListener("abort", onAbort, { once: true });
    socket.once(event, onEvent).once("error", onError).once("close", onClose);
  });
}
