import { setTimeout as sleep } from "node:timers/promises";
import { Client, DatabaseError } from "pg";
import { quoteLiteral } from "../../../src/wire/quote.ts";
import { Random } from "./random.ts";
import { LEDGER } from "./random-schema.ts";
import { type RandomTransaction, type TransactionContext, randomTransaction } from "./random-transaction.ts";

export interface WorkloadOptions extends Omit<TransactionContext, "random" | "copyFile"> {
  readonly seed: string;
  readonly clients: number;
  readonly uri: string;
  /** A directory that the server may write into. */
  readonly directory: string;
  /** The source may crash: then nothing may be acknowledged that is not on its disk. */
  readonly mayCrash: boolean;
}

/** What clients did, and what they know to be committed. */
export interface WorkloadResult {
  readonly transactions: number;
  /** Transactions and tried statements that failed, by SQLSTATE. */
  readonly failures: Readonly<Record<string, number>>;
  /** "client/n" of every commit that was acknowledged. */
  readonly acknowledged: ReadonlySet<string>;
  /** What a client must never see: mistakes of the generator, and what a migration broke for its source's users. */
  readonly unexpected: readonly string[];
}

export interface Workload {
  /** Commits acknowledged so far. */
  readonly committed: () => number;
  /** Lets each client finish its transaction: a few seconds at most. Nothing prepared is left. */
  end(): Promise<WorkloadResult>;
}

/** So many in all, one right after the other; then clients take their time, so that a busy machine, or one table that is slow to follow, does not make a scenario last for ever. */
const LIVELY_TRANSACTIONS = 500;
const SLOW_MS = 300;

/** Several clients at once, until the end; each statement is bounded by time, and whatever fails, its client goes on. */
export function startWorkload(options: WorkloadOptions): Workload {
  const stop = new AbortController();
  const isLively = (): boolean => clients.reduce((sum, { transactions }) => sum + transactions, 0) < LIVELY_TRANSACTIONS;
  const clients: readonly WorkloadClient[] = Array.from({ length: options.clients }, (_, number) => new WorkloadClient(options, number + 1, stop.signal, isLively));
  const running = Promise.all(clients.map(async (client) => await client.run()));
  return {
    committed: () => clients.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0),
    end: async () => {
      stop.abort();
      await running;
      const client = new Client({ connectionString: options.uri, application_name: "workload" });
      await client.connect();
      await forgetPrepared(client, "");
      await client.end();
      const failures: Record<string, number> = {};
      for (const client of clients) for (const [code, count] of client.failures) failures[code] = (failures[code] ?? 0) + count;
      return {
        transactions: clients.reduce((sum, { transactions }) => sum + transactions, 0),
        failures,
        acknowledged: new Set(clients.flatMap(({ acknowledged }) => acknowledged)),
        unexpected: clients.flatMap(({ unexpected }) => unexpected),
      };
    },
  };
}

/** Ordinary: integrity (23), serialization and deadlocks (40), locks and time limits (55P03, 57014), TRUNCATE of what the transaction has changed with deferred checks (55006), numbers out of range (22003), no room for one more prepared transaction (53). */
const ORDINARY = /^(?:23|40|53|55P03$|55006$|57014$|22003$)/;
/** The connection, or the server behind it, is gone. */
const LOST = /^(?:08|57P0)/;

class WorkloadClient {
  readonly acknowledged: string[] = [];
  readonly failures = new Map<string, number>();
  readonly unexpected: string[] = [];
  transactions = 0;
  readonly #options: WorkloadOptions;
  readonly #number: number;
  readonly #signal: AbortSignal;
  readonly #isLively: () => boolean;
  readonly #context: TransactionContext;
  #client: Client | undefined;
  #n = 0;

  constructor(options: WorkloadOptions, number: number, signal: AbortSignal, isLively: () => boolean) {
    this.#isLively = isLively;
    this.#options = options;
    this.#number = number;
    this.#signal = signal;
    const random = new Random(options.seed).fork(`client ${number}`);
    this.#context = { ...options, random, copyFile: `${options.directory}/copy-${number}.txt` };
  }

  async run(): Promise<void> {
    while (!this.#signal.aborted) {
      const transaction = randomTransaction(this.#context);
      this.transactions++;
      const n = ++this.#n;
      try {
        await this.#perform(await this.#connection(), transaction, n);
      } catch (error) {
        await this.#failed(error);
      }
      await sleep(transaction.idleMs + (this.#isLively() ? 0 : SLOW_MS));
    }
    await this.#client?.end().catch(() => undefined);
  }

  async #perform(client: Client, { begin, steps, ending, preparedMs }: RandomTransaction, n: number): Promise<void> {
    await client.query(begin);
    for (const { sql, isTried, pauseMs } of steps) {
      if (pauseMs > 0) await sleep(pauseMs);
      if (isTried) await this.#tryOut(client, sql);
      else await client.query(sql);
    }
    await client.query(`insert into ${LEDGER} values (${this.#number}, ${n})`);
    if (ending === "commit" || ending === "rollback") {
      await client.query(ending);
    } else {
      const name = quoteLiteral(`${this.#prepared}${n}`);
      await client.query(`prepare transaction ${name}`);
      await sleep(preparedMs);
      await client.query(`${ending} ${name}`);
    }
    if (ending.startsWith("commit")) this.acknowledged.push(`${this.#number}/${n}`);
  }

  /** What the names of its prepared transactions begin with. */
  get #prepared(): string {
    return `${this.#options.seed} ${this.#number} `;
  }

  async #tryOut(client: Client, sql: string): Promise<void> {
    await client.query("savepoint tried");
    try {
      await client.query(sql);
      await client.query("release savepoint tried");
    } catch (error) {
      if (!(error instanceof DatabaseError) || LOST.test(error.code ?? "")) throw error;
      this.#count(error, sql);
      await client.query("rollback to savepoint tried");
    }
  }

  #count(error: DatabaseError, sql = ""): void {
    const code = error.code ?? "";
    this.failures.set(code, (this.failures.get(code) ?? 0) + 1);
    if (!ORDINARY.test(code) && !LOST.test(code)) this.unexpected.push(`${code} ${error.message}${sql === "" ? "" : ` in ${sql}`}`);
  }

  /** A COMMIT that was not answered may have happened or not: nobody was told. */
  async #failed(error: unknown): Promise<void> {
    if (error instanceof DatabaseError) this.#count(error);
    const isLost = !(error instanceof DatabaseError) || LOST.test(error.code ?? "");
    if (!isLost) {
      const rolledBack = await this.#client?.query("rollback").then(
        () => true,
        () => false,
      );
      if (rolledBack === true) return;
    }
    const lost = this.#client;
    this.#client = undefined;
    await Promise.race([lost?.end().catch(() => undefined), sleep(1000)]);
  }

  /** The connection, made anew while the server is away. */
  async #connection(): Promise<Client> {
    if (this.#client !== undefined) return this.#client;
    const lockMs = this.#context.random.pick([150, 400, 900]);
    const synchronous = !this.#options.mayCrash && this.#number === 1 ? "off" : "on";
    for (let attempt = 1; ; attempt++) {
      const client = new Client({ connectionString: this.#options.uri, application_name: "workload" });
      client.on("error", () => undefined);
      try {
        await client.connect();
        await client.query(
          `set statement_timeout = 5000; set lock_timeout = ${lockMs}; set deadlock_timeout = 100; set search_path = ''; set synchronous_commit = ${synchronous}; set client_min_messages = error`,
        );
        await forgetPrepared(client, this.#prepared);
        return (this.#client = client);
      } catch (error) {
        await client.end().catch(() => undefined);
        if (attempt === 200) throw error;
        await sleep(100);
      }
    }
  }
}

/** Rolls back what was prepared under such names: whoever did it has lost its connection, and nobody was told of a commit. Left alone, it would hold up every slot that is made. */
async function forgetPrepared(client: Client, names: string): Promise<void> {
  const { rows } = await client.query<{ gid: string }>("select gid from pg_catalog.pg_prepared_xacts where database = current_database() and left(gid, length($1)) = $1", [names]);
  for (const { gid } of rows) await client.query(`rollback prepared ${quoteLiteral(gid)}`);
}
