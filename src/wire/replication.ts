import type { Socket } from "node:net";
import type { Client } from "pg";
import { fromServer } from "../errors/from-server.ts";
import type { ErrorCode } from "../errors/registry.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import { borrowSocket } from "./borrow-socket.ts";
import { stopSession } from "./cancel.ts";
import { type ConnectedClient, backendOf, connectClient } from "./connect-client.ts";
import { type Endpoint, describeEndpoint } from "./endpoint.ts";
import { type Lsn, formatLsn, parseLsn } from "./lsn.ts";
import { tryEncryptions } from "./open-socket.ts";
import { quoteIdentifier, quoteLiteral } from "./quote.ts";
import { type ChangeStream, type StreamHandler, openChangeStream } from "./replication-stream.ts";
import { majorOf } from "./session.ts";
import { settingsOfEveryVersion, standardSettings } from "./standard-settings.ts";

/** A connection to a walsender. Close it, or hold it with `await using`. https://www.postgresql.org/docs/current/protocol-replication.html */
export interface Replication extends AsyncDisposable {
  readonly endpoint: Endpoint;
  readonly versionNum: number;
  /** 18 … 10, or 9.6, 9.5, 9.4. */
  readonly major: number;
  readonly backendPid: number;
  /** Which server this is (the same on its standbys), on which timeline, and where its WAL ends: what is on its disk. */
  identify(): Promise<ServerIdentity>;
  /** The timelines that this one came from, and where each was left. */
  timelineHistory(timeline: number): Promise<LeftTimeline[]>;
  /**
   * Makes a slot, and exports the snapshot that it begins at: that lives until the next command here. Waits for every transaction to end that writes at
   * present: as long as they take. `isTemporary` (since 10): it lives as long as this connection. Errors: `query-failed` (42710: there is one of this name; 53400: max_replication_slots; 55000: wal_level), `privilege-missing`.
   */
  createSlot(name: string, plugin: OutputPlugin, isTemporary?: boolean): Promise<NewSlot>;
  /** Drops a slot. Errors: `slot-missing`, `slot-in-use`. */
  dropSlot(name: string): Promise<void>;
  /**
   * Begins to stream changes; nothing else can be done on the connection from then on. Resolves when the server has agreed.
   * Errors: `slot-missing`, `slot-in-use`, `slot-lost`, `connection-lost`, `query-failed`.
   */
  startReplication(start: StreamStart, handler: StreamHandler): Promise<ChangeStream>;
  /** Ends the connection, and with it a stream; never throws. */
  close(): Promise<void>;
}

export interface ServerIdentity {
  readonly systemId: string;
  readonly timeline: number;
  readonly walEnd: Lsn;
}

export interface LeftTimeline {
  readonly timeline: number;
  /** What was written on it behind this position is not part of the server's history. */
  readonly at: Lsn;
}

export type OutputPlugin = "pgoutput" | "test_decoding";

export interface NewSlot {
  /** For `set transaction snapshot` in other sessions. */
  readonly snapshot: string;
  /** The snapshot sees what was committed before it; the stream gives what is committed after. */
  readonly consistentPoint: Lsn;
}

export interface StreamStart {
  readonly slot: string;
  /** Transactions that were committed before are left out. ZERO_LSN: from what the slot was last told. */
  readonly from: Lsn;
  /** For the plugin: `pgoutputOptions`, `TEST_DECODING_OPTIONS`. */
  readonly options: Readonly<Record<string, string>>;
}

export interface ReplicationOptions {
  readonly applicationName?: string;
  /** Settings on top of the standard ones, of those that any account may set. */
  readonly settings?: Readonly<Record<string, string>>;
  /** The server's wal_sender_timeout, where it is known: before 10 a walsender does not tell. Default: asked, else 60 s. 0: none. */
  readonly walSenderTimeoutMs?: number;
  /** After how much silence the connection is taken for dead; halfway the server is asked for a sign. Default: 2 × wal_sender_timeout. */
  readonly silenceMs?: number;
  /** Ends whatever goes on, and the connection; its reason is what is then thrown. */
  readonly signal?: AbortSignal;
}

const DEFAULT_TIMEOUT_MS = 60_000;

/**
 * Connects to a walsender of one database, with the settings that make its text the same everywhere. Before 10 a walsender runs no SQL; no version of it
 * takes the extended protocol. Errors: as openSession; `privilege-missing` without the attribute REPLICATION, `too-many-connections` (max_wal_senders).
 */
export async function openReplication(endpoint: Endpoint, options: ReplicationOptions = {}): Promise<Replication> {
  const connected = await connect(endpoint, settingsOfEveryVersion(), options);
  const replication = new WalSender(endpoint, connected, options);
  const { versionNum } = replication;
  if (versionNum < 90600) return replication;
  // A role's own timeouts would end the connection while it holds a snapshot; not every version knows the settings against that.
  if (versionNum < 100000) {
    await replication.close();
    return new WalSender(endpoint, await connect(endpoint, standardSettings(versionNum), options), options);
  }
  try {
    await replication.prepare();
    return replication;
  } catch (error) {
    await replication.close();
    throw error;
  }
}

async function connect(endpoint: Endpoint, settings: readonly (readonly [string, string])[], options: ReplicationOptions): Promise<ConnectedClient> {
  const parameters = { replication: "database", application_name: options.applicationName ?? "godwit", ...Object.fromEntries(settings), ...options.settings };
  return await tryEncryptions(endpoint, async (encrypted) => await connectClient(endpoint, encrypted, { parameters, signal: options.signal }));
}

/** What a SQLSTATE means that a command about a slot fails with. */
const BY_SLOT_STATE: Readonly<Record<string, ErrorCode>> = {
  "42704": "slot-missing",
  "55006": "slot-in-use",
  "55000": "slot-lost", // invalidated
  "58P01": "slot-lost", // a WAL segment is removed
};

class WalSender implements Replication {
  readonly endpoint: Endpoint;
  readonly versionNum: number;
  readonly socket: Socket;
  readonly #client: Client;
  readonly #connected: ConnectedClient;
  readonly #options: ReplicationOptions;
  #timeoutMs: number;
  #stream: ChangeStream | undefined;
  readonly #forgetSignal: () => void;

  constructor(endpoint: Endpoint, connected: ConnectedClient, options: ReplicationOptions) {
    this.endpoint = endpoint;
    this.socket = connected.socket;
    this.versionNum = versionNumOf(connected.reported.get("server_version") ?? "");
    this.#client = connected.client;
    this.#connected = connected;
    this.#options = options;
    this.#timeoutMs = options.walSenderTimeoutMs ?? DEFAULT_TIMEOUT_MS;
    const stop = (): void => {
      // A stream ends itself. A command that waits, as for a slot's consistent point, does not notice that nobody is there any more.
      if (this.#stream === undefined) stopSession(this);
    };
    options.signal?.addEventListener("abort", stop, { once: true });
    this.#forgetSignal = () => options.signal?.removeEventListener("abort", stop);
  }

  get major(): number {
    return majorOf(this.versionNum);
  }

  get backendPid(): number {
    return backendOf(this.#client).pid;
  }

  get cancelKey(): Buffer {
    return backendOf(this.#client).cancelKey;
  }

  /** From 10 on: sets what could not be given before the version was known, and asks for the timeout. One statement: the walsender of 10 takes no more. */
  async prepare(): Promise<void> {
    // Again those of whoever asked: node-postgres ends the startup packet with client_encoding UTF8.
    const all = [...standardSettings(this.versionNum), ...Object.entries(this.#options.settings ?? {})];
    const settings = all.map(([name, value]) => `pg_catalog.set_config(${quoteLiteral(name)}, ${quoteLiteral(value)}, false)`);
    const timeout = "(select setting from pg_catalog.pg_settings where name = 'wal_sender_timeout')";
    const [row] = await this.#run<{ timeout: string }>(`select ${settings.join(", ")}, ${timeout} as timeout`, "preparing");
    this.#timeoutMs = this.#options.walSenderTimeoutMs ?? Number(row?.timeout);
  }

  async identify(): Promise<ServerIdentity> {
    const [row] = await this.#run<{ systemid: string; timeline: number; xlogpos: string }>("IDENTIFY_SYSTEM", "identifying the server");
    return { systemId: row?.systemid ?? "", timeline: Number(row?.timeline), walEnd: parseLsn(row?.xlogpos ?? "") };
  }

  async timelineHistory(timeline: number): Promise<LeftTimeline[]> {
    if (timeline === 1) return []; // the first has none
    // bytea before 15, of bytes that are no more than text
    const [row] = await this.#run<{ content: Buffer | string }>(`TIMELINE_HISTORY ${timeline}`, `reading the history of timeline ${timeline}`);
    const lines = String(row?.content ?? "").matchAll(/^\s*(\d+)\s+([0-9A-F]+\/[0-9A-F]+)/gm);
    return Array.from(lines, ([, parent, at]) => ({ timeline: Number(parent), at: parseLsn(at!) }));
  }

  async createSlot(name: string, plugin: OutputPlugin, isTemporary = false): Promise<NewSlot> {
    // No word of EXPORT_SNAPSHOT: it is what every version does when nothing is said, and each writes it differently.
    const command = `CREATE_REPLICATION_SLOT ${quoteIdentifier(name)}${isTemporary ? " TEMPORARY" : ""} LOGICAL ${quoteIdentifier(plugin)}`;
    const [row] = await this.#run<{ consistent_point: string; snapshot_name: string | null }>(command, `creating the replication slot ${name}`, name);
    if (row === undefined || row.snapshot_name === null) throw new GodwitError("protocol", `${describeEndpoint(this.endpoint)}: the slot ${name} came without a snapshot`);
    return { snapshot: row.snapshot_name, consistentPoint: parseLsn(row.consistent_point) };
  }

  async dropSlot(name: string): Promise<void> {
    await this.#run(`DROP_REPLICATION_SLOT ${quoteIdentifier(name)}`, `dropping the replication slot ${name}`, name, BY_SLOT_STATE);
  }

  async startReplication(start: StreamStart, handler: StreamHandler): Promise<ChangeStream> {
    const { signal } = this.#options;
    signal?.throwIfAborted();
    if (this.#connected.loss.error !== undefined) throw this.#connected.loss.error;
    const given = Object.entries(start.options).map(([name, value]) => `${quoteIdentifier(name)} ${quoteLiteral(value)}`);
    const options = given.length === 0 ? "" : ` (${given.join(", ")})`;
    const command = `START_REPLICATION SLOT ${quoteIdentifier(start.slot)} LOGICAL ${formatLsn(start.from)}${options}`;
    const timeoutMs = this.#timeoutMs;
    this.#stream = openChangeStream({
      // It is not given back: the connection is closed behind a stream.
      socket: borrowSocket({ socket: this.socket }).socket,
      command,
      handler,
      signal,
      statusEveryMs: timeoutMs > 0 ? Math.min(MOST_STATUS_MS, 0.75 * timeoutMs) : MOST_STATUS_MS,
      silenceMs: this.#options.silenceMs ?? 2 * (timeoutMs > 0 ? timeoutMs : DEFAULT_TIMEOUT_MS),
      coded: (error, isStarted) => this.#coded(error, `streaming from the replication slot ${start.slot}`, start.slot, isStarted ? WHILE_STREAMING : BY_SLOT_STATE),
    });
    await this.#stream.started;
    return this.#stream;
  }

  async #run<Row extends object>(command: string, doing: string, object?: string, states: Readonly<Record<string, ErrorCode>> = {}): Promise<Row[]> {
    const { signal } = this.#options;
    signal?.throwIfAborted();
    try {
      return (await this.#client.query<Row>(command)).rows;
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#coded(error, doing, object, states);
    }
  }

  #coded(error: unknown, doing: string, object: string | undefined, states: Readonly<Record<string, ErrorCode>>): GodwitError {
    const state = (error as { code?: unknown }).code;
    const otherwise = (typeof state === "string" ? states[state] : undefined) ?? (this.socket.destroyed ? "connection-lost" : "query-failed");
    return fromServer(error, { server: describeEndpoint(this.endpoint), doing, otherwise, ...(object === undefined ? {} : { object }) });
  }

  async close(): Promise<void> {
    this.#forgetSignal();
    this.#stream?.destroy();
    const ended = this.#client.end().catch(() => undefined);
    const timer = setTimeout(() => this.socket.destroy(), 2000);
    await ended;
    clearTimeout(timer);
    this.socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

const MOST_STATUS_MS = 10_000;
/** In the middle of a stream 42704 is about something else: a publication that is not there. */
const WHILE_STREAMING: Readonly<Record<string, ErrorCode>> = { "55000": "slot-lost", "58P01": "slot-lost" };

/** "14.23 (Debian 14.23-1)" → 140023, "9.4.26" → 90426, "18beta1" → 180000. */
export function versionNumOf(text: string): number {
  const [first = 0, second = 0, third = 0] = (/^(\d+)(?:\.(\d+))?(?:\.(\d+))?/.exec(text)?.slice(1) ?? []).map((part) => Number(part ?? 0));
  return first >= 10 ? first * 10_000 + second : first * 10_000 + second * 100 + third;
}
