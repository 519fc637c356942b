import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
import { ADVISORY_LOCKS } from "./advisory-locks.ts";
import { EXECUTORS, NEWS_CHANNEL } from "./news.ts";
import type { EngineLog } from "./quiet-logger.ts";
import type { Store } from "./store.ts";

/**
 * Proof that an executor lives: a session of its own that holds an advisory lock on its id. The server frees the lock when the process dies,
 * however it dies. A process that hangs (SIGSTOP, a blocked event loop) would keep it, so it asks something in this session every
 * `BEAT_MS`: a lease that has been silent for long is ended by the sweeper (see sweeper.ts). The same session hears the store's news.
 */
export interface Lease {
  /** Frees the lock and ends the session. */
  release(): Promise<void>;
}

export interface LeaseOptions {
  readonly log: EngineLog;
  /** The lock is gone and could not be taken again within `patienceMs`: others may be going on with this executor's work. */
  readonly onLost: () => void;
  readonly patienceMs?: number;
}

const BEAT_MS = 2000;
/** The sweeper ends a lease that was silent for this long. More than any pause of a healthy process: garbage collection, parsing a huge dump. */
export const LEASE_SILENCE_MS = 15_000;
const RETRY_MS = 100;
const PATIENCE_MS = 30_000;

/**
 * What stands behind FROM for the leases that are held now, each by a living executor. Locks with two keys show as classid and objid, with
 * objsubid 2. https://www.postgresql.org/docs/current/view-pg-locks.html
 */
const LEASES = `pg_catalog.pg_locks lease join pg_catalog.pg_database here on here.oid = lease.database and here.datname = pg_catalog.current_database()
   where lease.locktype = 'advisory' and lease.classid = ${ADVISORY_LOCKS.lease}::pg_catalog.oid and lease.objsubid = 2 and lease.granted`;

/** SQL: how many executors live. */
export const LIVING_EXECUTORS = `(select count(*)::int from ${LEASES})`;

/** SQL: whether the executor that an expression names lives. */
export function executorLives(executor: string): string {
  return `exists (select from ${LEASES} and lease.objid = (pg_catalog.hashtext(${executor})::pg_catalog.int8 & 4294967295)::pg_catalog.oid)`;
}

/** How many executors live, in all processes and on all machines. https://www.postgresql.org/docs/current/view-pg-locks.html */
export async function countExecutors(store: Store): Promise<number> {
  const { rows } = await store.pool.query<{ count: number }>(`select ${LIVING_EXECUTORS} as count`);
  return rows[0]?.count ?? 0;
}

/** Takes the lease of a new executor id; throws when the store cannot be reached. */
export async function takeLease(store: Store, executorId: string, options: LeaseOptions): Promise<Lease> {
  const lease = new SessionLease(store, executorId, options);
  await lease.take();
  return lease;
}

class SessionLease implements Lease {
  readonly #store: Store;
  readonly #executorId: string;
  readonly #options: LeaseOptions;
  readonly #released = new AbortController();
  #session: Client | undefined;
  #kept: Promise<void> = Promise.resolve();

  constructor(store: Store, executorId: string, options: LeaseOptions) {
    this.#store = store;
    this.#executorId = executorId;
    this.#options = options;
  }

  async take(): Promise<void> {
    this.#session = await this.#lock();
    this.#kept = this.#keep();
  }

  async release(): Promise<void> {
    this.#released.abort();
    await this.#session?.end().catch(() => undefined);
    await this.#kept;
  }

  async #keep(): Promise<void> {
    while (!this.#released.signal.aborted) {
      const session = this.#session;
      if (session === undefined) await this.#regain();
      else if (!(await this.#beat(session))) this.#session = undefined;
    }
  }

  /** Waits for the next beat or the session's end; false when the session is of no use any more. */
  async #beat(session: Client): Promise<boolean> {
    const ended = new AbortController();
    const onEnd = (): void => ended.abort();
    session.once("end", onEnd);
    try {
      await sleep(BEAT_MS, undefined, { signal: AbortSignal.any([ended.signal, this.#released.signal]) });
      await session.query("select");
      return true;
    } catch {
      if (!this.#released.signal.aborted) session.end().catch(() => undefined);
      return false;
    } finally {
      session.off("end", onEnd);
    }
  }

  async #regain(): Promise<void> {
    const patience = setTimeout(this.#options.onLost, this.#options.patienceMs ?? PATIENCE_MS);
    this.#options.log(`executor ${this.#executorId} lost the session of its lease and takes it again`);
    while (this.#session === undefined && !this.#released.signal.aborted) {
      this.#session = await this.#lock().catch(() => undefined);
      if (this.#session === undefined) await sleep(RETRY_MS);
    }
    clearTimeout(patience);
    if (this.#released.signal.aborted) await this.#session?.end().catch(() => undefined);
  }

  async #lock(): Promise<Client> {
    const session = await this.#store.connect(`godwit executor ${this.#executorId}`);
    try {
      const keys = [ADVISORY_LOCKS.lease, this.#executorId];
      // A session of ours that broke may not have been noticed by the server yet, and still hold the lock. The id is this process' alone.
      await session.query(
        `select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity
         where application_name = pg_catalog.current_setting('application_name') and pid <> pg_catalog.pg_backend_pid()`,
      );
      await session.query("select pg_catalog.pg_advisory_lock($1, pg_catalog.hashtext($2))", keys);
      await session.query("select pg_catalog.pg_notify($1, $2)", [NEWS_CHANNEL, EXECUTORS]);
      await this.#store.news.listenOn(session);
      return session;
    } catch (error) {
      await session.end().catch(() => undefined);
      throw error;
    }
  }
}
