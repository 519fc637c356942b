import { setTimeout as sleep } from "node:timers/promises";
import { GodwitError } from "../errors/godwit-error.ts";
import { sqlStateOf } from "../errors/sql-state.ts";
import { describeEndpoint } from "../wire/endpoint.ts";
import type { Session } from "../wire/session.ts";
import { inTransaction } from "../wire/transaction.ts";

/** A short statement at the source that has to lock tables which an application is using. */
export interface LockingStatement {
  readonly sql: string;
  /** The tables that it locks. */
  readonly oids: readonly string[];
  /** For messages: "public.orders". */
  readonly object: string;
  /** The lock modes of others that are in its way, by their names in pg_locks; undefined: any. */
  readonly conflicts?: readonly string[];
}

/** Whom a statement waits for. */
export interface Blocked {
  readonly object: string;
  /** Each as "process 4711 (app, idle in transaction for 300 s)". */
  readonly blockers: readonly string[];
  readonly waitedMs: number;
}

export interface Patience {
  /** For so long it is tried again; then `lock-unavailable`. */
  readonly forMs: number;
  /** Told after each try that found somebody in the way. */
  readonly onBlocked?: (blocked: Blocked) => void;
}

/** A minute of trying: longer transactions are worth telling somebody about, and the task tries again anyway. */
export const PATIENCE: Patience = { forMs: 60_000 };

/**
 * Whoever waits for a strong lock makes everybody wait who comes behind (https://www.postgresql.org/docs/current/explicit-locking.html): so the
 * application's pause is this long at most, and then it has the table for a while.
 */
const LOCK_TIMEOUT_MS = 200;
const REST_MS = 500;

const LOCK_NOT_AVAILABLE = "55P03";
const DEADLOCK = "40P01";

/**
 * Runs the statement in a transaction of its own, with a short lock_timeout, again and again until it had its lock. The session is idle before and after.
 * Throws `lock-unavailable` naming who is in the way, or what the statement itself says.
 */
export async function lockPatiently(session: Session, statement: LockingStatement, patience: Patience, signal: AbortSignal): Promise<void> {
  const since = performance.now();
  for (;;) {
    signal.throwIfAborted();
    try {
      return await tryOnce(session, statement.sql);
    } catch (error) {
      const state = sqlStateOf(error);
      if (state !== LOCK_NOT_AVAILABLE && state !== DEADLOCK) throw error;
      const blockers = await findBlockers(session, statement);
      const waitedMs = performance.now() - since;
      patience.onBlocked?.({ object: statement.object, blockers, waitedMs });
      if (waitedMs > patience.forMs) throw unavailable(session, statement, blockers, waitedMs, error);
      await sleep(REST_MS, undefined, { signal });
    }
  }
}

/** Read write in so many words: behind a fence that is not the default any more. */
export async function inWritingTransaction<T>(session: Session, work: () => Promise<T>): Promise<T> {
  return await inTransaction(session, work, "isolation level read committed read write");
}

async function tryOnce(session: Session, sql: string): Promise<void> {
  await inWritingTransaction(session, async () => {
    await session.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`);
    await session.query(sql);
  });
}

function unavailable(session: Session, { object }: LockingStatement, blockers: readonly string[], waitedMs: number, cause: unknown): GodwitError {
  const who = blockers.length === 0 ? "somebody else" : blockers.join(", ");
  return new GodwitError("lock-unavailable", `${describeEndpoint(session.endpoint)}: no lock on ${object} within ${Math.round(waitedMs / 1000)} s: held by ${who}`, {
    object,
    cause,
  });
}

interface Holder {
  readonly pid: number | null;
  readonly user: string | null;
  readonly application: string | null;
  readonly state: string | null;
  readonly seconds: number | null;
}

/** No more than fit in a sentence. */
const MOST_BLOCKERS = 5;

/** https://www.postgresql.org/docs/current/view-pg-locks.html; a prepared transaction has no process. */
async function findBlockers(session: Session, { oids, conflicts }: LockingStatement): Promise<string[]> {
  const rows = await session.query<Holder>(
    `select h.pid, a.usename as user, a.application_name as application, a.state,
            pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.xact_start)::pg_catalog.int4 as seconds
       from (select distinct l.pid from pg_catalog.pg_locks l
              where l.locktype = 'relation' and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
                and l.relation = any($1::pg_catalog.oid[]) and l.granted and l.pid is distinct from pg_catalog.pg_backend_pid() and ($2::pg_catalog.text[] is null or l.mode = any($2))) h
       left join pg_catalog.pg_stat_activity a on a.pid = h.pid
      order by a.xact_start limit ${MOST_BLOCKERS}`,
    [oids, conflicts ?? null],
  );
  return rows.map(describeHolder);
}

function describeHolder({ pid, user, application, state, seconds }: Holder): string {
  if (pid === null) return "a prepared transaction (pg_prepared_xacts)";
  const facts = [user, application, state === null || seconds === null ? state : `${state} for ${seconds} s`].filter((fact) => fact !== null && fact !== "");
  return `process ${pid}${facts.length === 0 ? "" : ` (${facts.join(", ")})`}`;
}
