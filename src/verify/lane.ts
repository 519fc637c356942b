import { fromServer } from "../errors/from-server.ts";
import { snapshotError } from "../copy/snapshot.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import { type Endpoint, describeEndpoint } from "../wire/endpoint.ts";
import { quoteLiteral } from "../wire/quote.ts";
import { type Session, openSession } from "../wire/session.ts";
import type { Statement } from "./digest.ts";

/** What a statement over one table gave: its rows, or the reason why that table cannot be read. */
export type Answer<Row> = { readonly rows: readonly Row[] } | { readonly unreadable: GodwitError };

export interface LaneOptions {
  readonly sourceSnapshot: string | undefined;
  readonly signal: AbortSignal;
}

/** Each table read keeps its locks, and those of its indexes, until the transaction ends; the lock table is small. */
const TABLES_PER_TRANSACTION = 100;

/** A session on either side, both in a read-only snapshot. One task at a time. */
export class Lane implements AsyncDisposable {
  readonly source: Session;
  readonly target: Session;
  readonly #options: LaneOptions;
  #tablesRead = 0;

  private constructor(source: Session, target: Session, options: LaneOptions) {
    this.source = source;
    this.target = target;
    this.#options = options;
  }

  static async open(source: Endpoint, target: Endpoint, options: LaneOptions): Promise<Lane> {
    options.signal.throwIfAborted();
    // Money inside of arrays is printed by lc_monetary, which the two servers need not share.
    const opening = await Promise.allSettled([source, target].map(async (endpoint) => await openSession(endpoint, { settings: { lc_monetary: "C" }, signal: options.signal })));
    const sessions = opening.filter((attempt) => attempt.status === "fulfilled").map((attempt) => attempt.value);
    try {
      const failed = opening.find((attempt) => attempt.status === "rejected");
      if (failed !== undefined) throw failed.reason;
      options.signal.throwIfAborted();
      const [from, to] = sessions as [Session, Session];
      await Promise.all([from, to].map(async (session) => await tune(session)));
      const lane = new Lane(from, to, options);
      await lane.#begin([from, to]);
      return lane;
    } catch (error) {
      await Promise.all(sessions.map(async (session) => await session.close()));
      throw error;
    }
  }

  /** Runs one statement on one of the two sessions; an abort cancels it, and then ends the session (see openSession). */
  async query<Row extends object>(session: Session, { sql, values }: Statement): Promise<readonly Row[]> {
    this.#options.signal.throwIfAborted();
    return await session.query<Row>(sql, values);
  }

  /** Runs one statement on each side at the same time. Throws only when a connection is lost or the work is aborted. */
  async both<Row extends object>(source: Statement, target: Statement): Promise<[Answer<Row>, Answer<Row>]> {
    const answers = await Promise.allSettled([this.#attempt<Row>(this.source, source), this.#attempt<Row>(this.target, target)]);
    this.#options.signal.throwIfAborted();
    for (const answer of answers) if (answer.status === "rejected") throw answer.reason;
    return answers.map((answer) => (answer as PromiseFulfilledResult<Answer<Row>>).value) as [Answer<Row>, Answer<Row>];
  }

  /** To be told when a job is done: gives the locks back now and then. */
  async finishedTables(count: number): Promise<void> {
    this.#tablesRead += count;
    if (this.#tablesRead < TABLES_PER_TRANSACTION) return;
    this.#tablesRead = 0;
    await this.#begin([this.source, this.target]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.source.close(), this.target.close()]);
  }

  /** The rows, or why the table cannot be read; throws when the connection is lost or the work is aborted. */
  async #attempt<Row extends object>(session: Session, statement: Statement): Promise<Answer<Row>> {
    try {
      return { rows: await this.query<Row>(session, statement) };
    } catch (error) {
      this.#options.signal.throwIfAborted();
      // A new transaction tells whether it was the table or the connection.
      try {
        await this.#begin([session]);
      } catch (cause) {
        throw cause instanceof GodwitError && cause.code === "snapshot-lost" ? cause : error;
      }
      return { unreadable: fromServer(error, { server: describeEndpoint(session.endpoint), doing: "reading", otherwise: "query-failed" }) };
    }
  }

  async #begin(sessions: readonly Session[]): Promise<void> {
    const { sourceSnapshot } = this.#options;
    await Promise.all(
      sessions.map(async (session) => {
        const begin = "rollback; begin isolation level repeatable read read only";
        const snapshot = session === this.source && sourceSnapshot !== undefined ? `; set transaction snapshot ${quoteLiteral(sourceSnapshot)}` : "";
        await session.query(`${begin}${snapshot}`).catch((error: unknown) => {
          throw snapshot === "" ? error : snapshotError(session.endpoint, error);
        });
      }),
    );
  }
}

/** The lanes are the parallelism that was asked for, and JIT compiles for longer than these expressions run (1,600 columns). */
async function tune(session: Session): Promise<void> {
  // SQL_ASCII: bytes of any encoding, which a server refuses to send to a client that asks for UTF8 (https://www.postgresql.org/docs/current/multibyte.html).
  const asTheyAre = "select pg_catalog.set_config('client_encoding', 'SQL_ASCII', false) where pg_catalog.current_setting('server_encoding') = 'SQL_ASCII'";
  await session.query(asTheyAre);
  const settings = [...(session.versionNum >= 90600 ? [["max_parallel_workers_per_gather", "0"]] : []), ...(session.versionNum >= 110000 ? [["jit", "off"]] : [])];
  for (const [name, value] of settings) await session.query("select pg_catalog.set_config($1, $2, false)", [name, value]);
}
