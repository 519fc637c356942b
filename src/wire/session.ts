import type { Socket } from "node:net";
import type { Client } from "pg";
import { fromServer } from "../errors/from-server.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import { stopSession } from "./cancel.ts";
import { backendOf, connectClient } from "./connect-client.ts";
import { type Endpoint, describeEndpoint } from "./endpoint.ts";
import { tryEncryptions } from "./open-socket.ts";
import { standardSettings } from "./standard-settings.ts";

/** An authenticated connection with known settings. Close it, or hold it with `await using`. */
export interface Session extends AsyncDisposable {
  readonly endpoint: Endpoint;
  /** `server_version_num`, as 140023 or 90624. */
  readonly versionNum: number;
  /** 18 … 10, or 9.6, 9.5, 9.4. */
  readonly major: number;
  readonly client: Client;
  /** The socket below the client, for whoever borrows it (see copy-relay). */
  readonly socket: Socket;
  readonly backendPid: number;
  readonly cancelKey: Buffer;
  /** Why the connection was lost, once it is. */
  readonly loss: GodwitError | undefined;
  /** Runs one statement and returns its rows. Errors come coded, as `query-failed` or something more exact. */
  query<Row extends object = Record<string, unknown>>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Ends the connection; never throws. */
  close(): Promise<void>;
}

export interface SessionOptions {
  /** Settings on top of the standard ones. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Pass queries to the server without waiting for each answer. */
  readonly pipeline?: boolean;
  readonly applicationName?: string;
  /** Ends the attempt to connect; in an open session, what it is doing, and after a second the session itself: nothing more is expected of it. */
  readonly signal?: AbortSignal;
}

/**
 * A server notices only between two statements that nobody is there any more; with this also within one: a process that was killed leaves no index build of
 * an hour behind. https://www.postgresql.org/docs/current/runtime-config-connection.html#GUC-CLIENT-CONNECTION-CHECK-INTERVAL
 */
const WATCH_SETTING = ["client_connection_check_interval", "5s"] as const;
const INVALID_VALUE = "22023";

/**
 * Connects, authenticates (node-postgres does SCRAM and md5) and applies the standard settings.
 * Errors: `host-unknown`, `connection-refused`, `connection-timeout`, `tls-refused`, `password-wrong`, `login-refused`,
 * `database-unknown`, `too-many-connections`, `server-starting`, `server-unfit`.
 */
export async function openSession(endpoint: Endpoint, options: SessionOptions = {}): Promise<Session> {
  return await tryEncryptions(endpoint, async (encrypted) => {
    const { client, socket, loss } = await connectClient(endpoint, encrypted, {
      parameters: { application_name: options.applicationName ?? "godwit" },
      pipeline: options.pipeline ?? false,
      signal: options.signal,
    });
    const session = new PgSession(endpoint, client, socket, loss);
    // The network may also die between the login and here.
    const giveUp = (): void => void socket.destroy();
    options.signal?.addEventListener("abort", giveUp, { once: true });
    try {
      options.signal?.throwIfAborted();
      // Behind the login the other event triggers are none of our business: some of them keep an extension's own tables.
      await session.prepare({ ...(endpoint.withoutLoginTriggers === true ? { event_triggers: "on" } : {}), ...options.settings });
      session.stopAt(options.signal);
    } catch (error) {
      await session.close();
      options.signal?.throwIfAborted();
      throw error;
    } finally {
      options.signal?.removeEventListener("abort", giveUp);
    }
    return session;
  });
}

class PgSession implements Session {
  readonly endpoint: Endpoint;
  readonly client: Client;
  readonly socket: Socket;
  versionNum = 0;
  readonly #loss: { readonly error: GodwitError | undefined };
  #forgetSignal: () => void = () => undefined;

  constructor(endpoint: Endpoint, client: Client, socket: Socket, loss: { readonly error: GodwitError | undefined }) {
    this.endpoint = endpoint;
    this.client = client;
    this.socket = socket;
    this.#loss = loss;
  }

  get loss(): GodwitError | undefined {
    return this.#loss.error;
  }

  get major(): number {
    return majorOf(this.versionNum);
  }

  get backendPid(): number {
    return backendOf(this.client).pid;
  }

  get cancelKey(): Buffer {
    return backendOf(this.client).cancelKey;
  }

  async prepare(extra: Readonly<Record<string, string>>): Promise<void> {
    const [row] = await this.query<{ num: string }>("select pg_catalog.current_setting('server_version_num') as num");
    this.versionNum = Number(row?.num);
    const all = [...standardSettings(this.versionNum), ...Object.entries(extra)];
    const watch = this.versionNum >= 140000 ? [WATCH_SETTING] : [];
    await this.#set([...all, ...watch]).catch(async (error: unknown) => {
      // Not every system that a server runs on can tell it of a closed connection.
      if (!(error instanceof GodwitError) || (error.cause as { code?: unknown } | undefined)?.code !== INVALID_VALUE) throw error;
      await this.#set(all);
    });
    await this.#checkAttributes();
  }

  async #set(settings: readonly (readonly [name: string, value: string])[]): Promise<void> {
    const calls = settings.map((_, at) => `pg_catalog.set_config($${2 * at + 1}, $${2 * at + 2}, false)`);
    await this.query(`select ${calls.join(", ")}`, settings.flat());
  }

  /** target_session_attrs: with several hosts libpq would try the next one; there is only this one. */
  async #checkAttributes(): Promise<void> {
    const { sessionAttributes: wanted } = this.endpoint;
    if (wanted === "any" || wanted === "prefer-standby") return;
    const [row] = await this.query<{ standby: boolean; readOnly: boolean }>(
      `select pg_catalog.pg_is_in_recovery() as standby, pg_catalog.pg_is_in_recovery() or pg_catalog.current_setting('default_transaction_read_only')::pg_catalog.bool as "readOnly"`,
    );
    const is = { primary: row?.standby === false, standby: row?.standby === true, "read-write": row?.readOnly === false, "read-only": row?.readOnly === true };
    if (is[wanted]) return;
    const found = row?.standby === true ? "a standby" : row?.readOnly === true ? "read-only" : "a primary that takes writes";
    throw new GodwitError("server-unfit", `${describeEndpoint(this.endpoint)}: the server is ${found}, and target_session_attrs is ${wanted}`, { object: this.endpoint.host });
  }

  async query<Row extends object>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    try {
      // Without values the simple protocol is used: several statements in one text are allowed, as psql does.
      const result = values.length === 0 ? await this.client.query<Row>(sql) : await this.client.query<Row>(sql, [...values]);
      return result.rows;
    } catch (error) {
      throw fromServer(error, { server: describeEndpoint(this.endpoint), doing: "querying", otherwise: this.socket.destroyed ? "connection-lost" : "query-failed" });
    }
  }

  stopAt(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    const stop = (): void => stopSession(this);
    signal?.addEventListener("abort", stop, { once: true });
    this.#forgetSignal = () => signal?.removeEventListener("abort", stop);
  }

  async close(): Promise<void> {
    this.#forgetSignal();
    const ended = this.client.end().catch(() => undefined);
    const timer = setTimeout(() => this.socket.destroy(), 2000);
    await ended;
    clearTimeout(timer);
    this.socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** 140023 → 14, 90624 → 9.6. https://www.postgresql.org/docs/current/runtime-config-preset.html#GUC-SERVER-VERSION-NUM */
export function majorOf(versionNum: number): number {
  return versionNum >= 100000 ? Math.floor(versionNum / 10000) : Math.floor(versionNum / 10000) + (Math.floor(versionNum / 100) % 100) / 10;
}
