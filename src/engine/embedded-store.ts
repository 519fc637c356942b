import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { type Binaries, findBinaries } from "../embedded/binaries.ts";
import { freePort } from "../embedded/server.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import { ADVISORY_LOCKS } from "./advisory-locks.ts";
import { findPostmaster, spawnPostmaster, stopPostmaster } from "./postmaster.ts";
import { type StoreDirectory, prepareStoreDirectory } from "./store-directory.ts";
import type { StoreAddress, StoreLog } from "./store.ts";

/** The server of a state directory, shared by every process that opened it. */
interface EmbeddedStore {
  readonly address: Exclude<StoreAddress, { connectionString: string }>;
  readonly description: string;
  close(): Promise<void>;
}

const STORE_MAJOR = 18;
/** Every opener keeps one session of this name for as long as it is open: the last one to leave sees none but its own. */
const PRESENCE = "godwit store";
const LOOK_AGAIN_MS = 20;
const START_PATIENCE_MS = 60_000;
/** A crash recovery can be shorter than the wait for the killed server's last backends, which PostgreSQL refuses to start beside. */
const STARTS_REFUSED = 100;

/**
 * Opens the store of a directory: made if there is none, started if its server does not run, joined if it does, also when the process that
 * started it is dead. From then on every opener watches its own session; when the server dies each starts it again, and PostgreSQL's own
 * lock file lets one succeed: no lock of ours can be left behind by a killed process.
 */
export async function openEmbeddedStore(dir: string, log: StoreLog): Promise<EmbeddedStore> {
  const binaries = await findBinaries(STORE_MAJOR);
  const store = new SupervisedServer(await prepareStoreDirectory(dir, binaries), binaries, log);
  await store.join();
  return store;
}

class SupervisedServer implements EmbeddedStore {
  readonly description: string;
  readonly #directory: StoreDirectory;
  readonly #binaries: Binaries;
  readonly #log: StoreLog;
  #presence: Client | undefined;
  #port = 0;
  #closing = false;
  #restarting: Promise<void> = Promise.resolve();

  constructor(directory: StoreDirectory, binaries: Binaries, log: StoreLog) {
    this.#directory = directory;
    this.#binaries = binaries;
    this.#log = log;
    this.description = `store ${directory.data}`;
  }

  get address(): EmbeddedStore["address"] {
    return { host: "127.0.0.1", port: this.#port, user: "postgres", password: this.#directory.password, database: "postgres" };
  }

  /** Connects, with a start of the server where needed. Throws `store-refused` or `embedded-failed`. */
  async join(): Promise<void> {
    const deadline = Date.now() + START_PATIENCE_MS;
    let refusedStarts = 0;
    while (!this.#closing) {
      if (await this.#tryToJoin()) return;
      if ((await findPostmaster(this.#directory.data)) === undefined) refusedStarts += (await this.#start()) ? 0 : 1;
      if (Date.now() > deadline || refusedStarts > STARTS_REFUSED) throw await this.#startFailure();
      await sleep(LOOK_AGAIN_MS);
    }
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#restarting;
    const presence = this.#presence;
    if (presence === undefined) return;
    try {
      // Whoever opens takes this lock for a moment after it has connected: either it is counted, or it meets the server's end and starts it again.
      await presence.query("select pg_catalog.pg_advisory_lock($1, 0)", [ADVISORY_LOCKS.presence]);
      const others = await presence.query("select from pg_catalog.pg_stat_activity where application_name = $1 and pid <> pg_catalog.pg_backend_pid()", [PRESENCE]);
      if (others.rowCount === 0) await stopPostmaster(this.#directory.data);
    } catch {
      // the server is down already
    }
    await presence.end().catch(() => undefined);
  }

  async #tryToJoin(): Promise<boolean> {
    const running = await findPostmaster(this.#directory.data);
    if (running === undefined) return false;
    this.#port = running.port;
    const client = new Client({ ...this.address, application_name: PRESENCE, connectionTimeoutMillis: 5000 });
    client.on("error", () => undefined); // "end" follows
    try {
      await client.connect();
      await client.query("select pg_catalog.pg_advisory_lock_shared($1, 0), pg_catalog.pg_advisory_unlock_shared($1, 0)", [ADVISORY_LOCKS.presence]);
    } catch (error) {
      await client.end().catch(() => undefined);
      const state = (error as { code?: unknown }).code;
      if (state !== "28P01" && state !== "28000") return false; // starting, stopping, or gone
      throw new GodwitError("store-refused", `${this.description}: its server (process ${running.pid}) refuses the password of the store`, {
        object: this.#directory.data,
        cause: error,
      });
    }
    this.#presence = client;
    client.once("end", () => this.#restart());
    return true;
  }

  /** Whether a server came up, ours or another opener's. */
  async #start(): Promise<boolean> {
    const server = await spawnPostmaster(this.#binaries.postgres, this.#directory.data, await freePort(), this.#directory.log);
    while (server.exitCode === null && server.signalCode === null && (await findPostmaster(this.#directory.data)) === undefined) await sleep(LOOK_AGAIN_MS);
    return (await findPostmaster(this.#directory.data)) !== undefined;
  }

  #restart(): void {
    this.#presence = undefined;
    if (this.#closing) return;
    this.#log(`${this.description}: the server went away; it is started again`);
    this.#restarting = this.#rejoin();
  }

  /** Tasks wait for the store: there is nothing better to do than to try until it is back. */
  async #rejoin(): Promise<void> {
    while (!this.#closing) {
      try {
        await this.join();
        return;
      } catch (error) {
        this.#log(`${this.description}: ${error instanceof Error ? error.message : String(error)}`);
        await sleep(1000);
      }
    }
  }

  async #startFailure(): Promise<GodwitError> {
    const tail = (await readFile(this.#directory.log, "utf8").catch(() => "")).split("\n").slice(-12).join("\n");
    return new GodwitError("embedded-failed", `${this.description}: PostgreSQL ${this.#binaries.version} did not start:\n${tail}`, { object: this.#directory.data });
  }
}
