import { Client, type ClientConfig, Pool } from "pg";
import { fromServer } from "../errors/from-server.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import { openEmbeddedStore } from "./embedded-store.ts";
import { StoreNews } from "./news.ts";

/** The PostgreSQL database that keeps tasks and workflows. Close it when everything that uses it has ended. */
export interface Store extends AsyncDisposable {
  /** With the password: for other parts of Godwit only, never to be printed. Changes when an embedded server was restarted. */
  readonly uri: string;
  /** Safe to print. */
  readonly description: string;
  /** A few connections for short queries. */
  readonly pool: Pool;
  /** What changes in the store; heard while an executor of this process has its lease. */
  readonly news: StoreNews;
  /** One more pool, for a user with needs of its own; whoever makes it ends it. */
  newPool(max: number): Pool;
  /** One connection outside of pools, for advisory locks. Errors are coded. */
  connect(applicationName: string): Promise<Client>;
  /** Ends the connections, and an embedded server when nobody else uses it. */
  close(): Promise<void>;
}

/** A state directory on this machine, whose server Godwit runs itself, or a database anywhere. */
export type StoreLocation = { readonly dir: string } | { readonly uri: string };

/** Told in one sentence what happened to the store: restarts, and why one failed. */
export type StoreLog = (sentence: string) => void;

const POOL_CONNECTIONS = 3;
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Opens a store; it may be empty (see migrations.ts).
 * Throws `store-foreign`, `store-unusable`, `store-refused`, `embedded-failed`, or what connecting throws.
 */
export async function openStore(location: StoreLocation, log: StoreLog = () => undefined): Promise<Store> {
  if ("dir" in location) {
    const server = await openEmbeddedStore(location.dir, log);
    return new PgStore(
      () => server.address,
      server.description,
      async () => await server.close(),
    );
  }
  const address = { connectionString: location.uri };
  const store = new PgStore(
    () => address,
    describeUri(location.uri),
    async () => undefined,
  );
  await (await store.connect("godwit")).end();
  return store;
}

function describeUri(uri: string): string {
  try {
    if (!/^postgres(?:ql)?:\/\//.test(uri)) throw new Error("no scheme"); // node-postgres would take it for a path
    const { user, host, port, database } = new Client({ connectionString: uri });
    return `store ${user}@${host}:${port}/${database}`;
  } catch {
    throw new GodwitError("uri-invalid", "--store is not a postgresql:// URI", { object: "--store" }); // the cause quotes the URI
  }
}

/** How a server is reached at this moment. */
export type StoreAddress = Pick<ClientConfig, "host" | "port" | "user" | "password" | "database"> | { readonly connectionString: string };

class PgStore implements Store {
  readonly description: string;
  readonly pool: Pool;
  readonly news = new StoreNews();
  readonly #address: () => StoreAddress;
  readonly #closeServer: () => Promise<void>;

  constructor(address: () => StoreAddress, description: string, closeServer: () => Promise<void>) {
    this.#address = address;
    this.description = description;
    this.#closeServer = closeServer;
    this.pool = this.newPool(POOL_CONNECTIONS);
  }

  get uri(): string {
    const address = this.#address();
    if ("connectionString" in address) return address.connectionString;
    return `postgresql://${address.user}:${String(address.password)}@${address.host}:${address.port}/${address.database}`;
  }

  newPool(max: number): Pool {
    const address = this.#address;
    // The address is asked for each connection: a server that was started again may have another port.
    class StoreClient extends Client {
      constructor(config: ClientConfig = {}) {
        super({ ...config, ...address() });
        this.on("error", () => undefined); // lost between two queries of whoever holds it: the next one says so
      }
    }
    const pool = new Pool({ max, Client: StoreClient, application_name: "godwit", keepAlive: true, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
    pool.on("error", () => undefined); // an idle connection was lost; the next query opens another
    return pool;
  }

  async connect(applicationName: string): Promise<Client> {
    const client = new Client({ ...this.#address(), application_name: applicationName, keepAlive: true, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
    client.on("error", () => undefined); // whoever holds it listens to "end"
    try {
      await client.connect();
    } catch (error) {
      throw fromServer(error, { server: this.description, doing: "connecting", otherwise: "connection-lost" });
    }
    return client;
  }

  async close(): Promise<void> {
    await this.pool.end();
    await this.#closeServer();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
