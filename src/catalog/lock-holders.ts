import type { Session } from "../wire/session.ts";
import { displayName } from "./catalog.ts";

/** Somebody whose lock on a table is, or would be, in the way of reading it. */
export interface LockHolder {
  /** The same in each look. */
  readonly key: string;
  /** "public.orders" */
  readonly object: string;
  /** "process 4711 (app, idle in transaction for 300 s) holds it" */
  readonly text: string;
}

/** Whom our sessions in the session's database wait for. */
export async function waitedFor(session: Session): Promise<LockHolder[]> {
  return (await session.query<Row>(WAITED_FOR)).map(toHolder);
}

/** Nobody reads more. */
const MOST_HOLDERS = 1000;

/** Who holds such locks on people's tables, and is none of us: for whoever did not wait long enough to see whose it was. */
export async function exclusiveLocks(session: Session): Promise<LockHolder[]> {
  return (await session.query<Row>(HELD)).map(toHolder);
}

interface Row {
  /** null: somebody is making it, and nobody else sees it yet. */
  readonly schema: string | null;
  readonly name: string | null;
  readonly pid: number | null;
  readonly granted: boolean;
  readonly user: string | null;
  readonly application: string | null;
  readonly state: string | null;
  readonly seconds: number | null;
}

const HOLDER = `n.nspname as schema, c.relname as name, h.pid, h.granted, a.usename as user, a.application_name as application, a.state,
         pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.xact_start)::int as seconds`;
const OF_HOLDER = `
    left join pg_catalog.pg_class c on c.oid = h.relation left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    left join pg_catalog.pg_stat_activity a on a.pid = h.pid`;

/**
 * Reading, be it a structure or rows, takes ACCESS SHARE locks, which only ACCESS EXCLUSIVE ones are in the way of, held or waited for before us
 * (https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES). That says it on every version; pg_blocking_pids came with 9.6.
 * Several of ours may wait for one. A prepared transaction has no process. The user that is shown is who logged in, whatever role a session acts as.
 */
const WAITED_FOR = `
  select distinct ${HOLDER}
    from pg_catalog.pg_locks w
    join pg_catalog.pg_stat_activity me on me.pid = w.pid and me.datname = pg_catalog.current_database() and me.usename = session_user
    join pg_catalog.pg_locks h on h.locktype = 'relation' and h.database = w.database and h.relation = w.relation and h.mode = 'AccessExclusiveLock'
    ${OF_HOLDER}
   where w.locktype = 'relation' and not w.granted and w.mode = 'AccessShareLock' and h.pid is distinct from w.pid and me.application_name in ('godwit', 'pg_dump')
   order by h.granted desc`;

const HELD = `
  select ${HOLDER}
    from pg_catalog.pg_locks h
    ${OF_HOLDER}
   where h.locktype = 'relation' and h.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()) and h.relation >= 16384
     and h.mode = 'AccessExclusiveLock' and h.granted and coalesce(c.relkind in ('r', 'p', 'm', 'v', 'S', 'f'), true)
     and h.pid is distinct from pg_catalog.pg_backend_pid() and coalesce(a.application_name, '') <> 'godwit'
   order by c.relname nulls last limit ${MOST_HOLDERS}`;

function toHolder({ schema, name, pid, granted, user, application, state, seconds }: Row): LockHolder {
  const object = schema === null || name === null ? "a table that nobody else sees yet" : displayName({ schema, name });
  const facts = [user, application, state === null || seconds === null ? state : `${state} for ${seconds} s`].filter((fact) => fact !== null && fact !== "");
  const who = pid === null ? "a prepared transaction holds it (pg_prepared_xacts)" : `process ${pid}${facts.length === 0 ? "" : ` (${facts.join(", ")})`} ${granted ? "holds it" : "waits for one before us"}`; // prettier-ignore
  return { key: `${object} ${pid}`, object, text: who };
}
