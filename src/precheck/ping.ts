import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { TLSSocket } from "node:tls";
import { GodwitError } from "../errors/godwit-error.ts";
import type { ErrorCode } from "../errors/registry.ts";
import type { Endpoint, Side } from "../wire/endpoint.ts";
import { openSocket } from "../wire/open-socket.ts";
import { openReplication } from "../wire/replication.ts";
import { openSession } from "../wire/session.ts";

/** What a connection is made of, in its order. */
export const PING_STEPS = ["name", "tcp", "tls", "login", "database", "replication"] as const;

/** One step of a connectivity test. */
export interface PingStep {
  readonly side: Side;
  readonly step: (typeof PING_STEPS)[number];
  /** `alarm`: only full+incremental needs it. */
  readonly result: "passed" | "skipped" | "alarm" | "failed";
  readonly milliseconds: number;
  /** What was found, or what went wrong. */
  readonly detail: string;
  readonly code?: ErrorCode;
  readonly advice?: string;
}

/** What a step came to, before it is told. */
type Outcome = Pick<PingStep, "result" | "detail">;

const skipped = (detail: string): Outcome => ({ result: "skipped", detail });
const passed = (detail: string): Outcome => ({ result: "passed", detail });

/**
 * Tests a connection step by step, each with its time, up to the first that fails: name, TCP, TLS, login, database, and at the source a replication connection. Each step makes a connection of
 * its own, up to where it goes. Changes nothing, and leaves nothing open.
 */
export async function* ping(endpoint: Endpoint, signal: AbortSignal): AsyncGenerator<PingStep> {
  const { side } = endpoint;
  let database: Outcome | GodwitError | undefined;
  const work: Record<PingStep["step"], () => Promise<Outcome>> = {
    name: async () => await findName(endpoint),
    tcp: async () => {
      (await openSocket(endpoint, false, signal)).destroy();
      return passed(`${endpoint.host}:${endpoint.port} answers`);
    },
    tls: async () => await tryTls(endpoint, signal),
    // The server looks for the database when it knows who asks.
    login: async () => {
      database = await findDatabase(endpoint, signal);
      return passed(`as ${endpoint.user}`);
    },
    database: async () => {
      if (database === undefined || database instanceof GodwitError) throw database ?? new GodwitError("internal", "the database was not looked for");
      return database;
    },
    replication: async () => {
      await using _replication = await openReplication(endpoint, { signal });
      return passed("a replication connection is accepted");
    },
  };
  for (const step of PING_STEPS) {
    if (step === "replication" && side === "target") continue;
    const began = performance.now();
    const tell = (outcome: Omit<PingStep, "side" | "step" | "milliseconds">): PingStep => ({ side, step, milliseconds: Math.round(performance.now() - began), ...outcome });
    try {
      yield tell(await work[step]());
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof GodwitError)) throw error;
      const result = step === "replication" ? "alarm" : "failed";
      const detail = step === "replication" ? `${error.message}; only full+incremental needs it` : error.message;
      yield tell({ result, detail, code: error.code, advice: error.advice });
      return;
    }
  }
}

async function findName({ host, side }: Endpoint): Promise<Outcome> {
  if (host.startsWith("/")) return skipped(`a unix socket in ${host}`);
  if (isIP(host) !== 0) return skipped(`${host} is an address`);
  try {
    const found = await lookup(host, { all: true });
    return passed(found.map(({ address }) => address).join(", "));
  } catch (cause) {
    throw new GodwitError("host-unknown", `${side} host ${host}: the name is not known here`, { object: host, cause });
  }
}

async function tryTls(endpoint: Endpoint, signal: AbortSignal): Promise<Outcome> {
  const { mode } = endpoint.tls;
  if (endpoint.host.startsWith("/")) return skipped("a unix socket has none");
  if (mode === "disable" || mode === "allow") return skipped(`sslmode is ${mode}`);
  const socket = await openSocket(endpoint, true, signal);
  try {
    if (!(socket instanceof TLSSocket)) return passed("the server does not offer it; sslmode prefer goes on in clear");
    const { subject, valid_to: validTo } = socket.getPeerCertificate();
    const verified = mode.startsWith("verify") ? `, verified (${mode})` : "";
    return passed(`${socket.getProtocol() ?? "TLS"}, certificate of ${String(subject?.CN ?? "nobody")} until ${validTo ?? "?"}${verified}`);
  } finally {
    socket.destroy();
  }
}

/** The database, or why there is none; throws what went wrong before the server looked for it. */
async function findDatabase(endpoint: Endpoint, signal: AbortSignal): Promise<Outcome | GodwitError> {
  try {
    await using session = await openSession(endpoint, { signal });
    const [row] = await session.query<{ version: string }>("select pg_catalog.current_setting('server_version') as version");
    return passed(`${endpoint.database}, PostgreSQL ${row?.version ?? session.major}`);
  } catch (error) {
    if (error instanceof GodwitError && error.code === "database-unknown") return error;
    throw error;
  }
}
