import { setTimeout as sleep } from "node:timers/promises";
import { displayName } from "../catalog/catalog.ts";
import { type Endpoint, describeEndpoint } from "../wire/endpoint.ts";
import { openSession } from "../wire/session.ts";
import type { Report } from "./events.ts";

/** Who waits longer than this wants to know for whom. */
const PATIENCE_MS = 5000;

/** Does work that reads databases; while it waits for somebody's lock in one of them, tells whose, each once. It goes on waiting. */
export async function tellingWhoBlocks<T>(endpoints: readonly Endpoint[], report: Report, work: () => Promise<T>): Promise<T> {
  const ended = new AbortController();
  const watching = Promise.allSettled(endpoints.map(async (endpoint) => await watch(endpoint, report, ended.signal))); // whoever cannot look has nothing to tell
  try {
    return await work();
  } finally {
    ended.abort();
    await watching;
  }
}

async function watch(endpoint: Endpoint, report: Report, signal: AbortSignal): Promise<void> {
  await sleep(PATIENCE_MS, undefined, { signal });
  await using session = await openSession(endpoint, { applicationName: "godwit watch", signal });
  const told = new Set<string>();
  for (;;) {
    for (const blocker of await session.query<Blocker>(BLOCKERS)) {
      const key = `${blocker.pid} ${blocker.schema} ${blocker.name}`;
      if (told.has(key)) continue;
      told.add(key);
      const object = displayName(blocker);
      report({ event: "notice", level: "warning", message: `${describeEndpoint(endpoint)} waits for a lock on ${object}: ${describe(blocker)}`, object });
    }
    await sleep(PATIENCE_MS, undefined, { signal });
  }
}

interface Blocker {
  readonly schema: string;
  readonly name: string;
  readonly pid: number | null;
  readonly granted: boolean;
  readonly user: string | null;
  readonly application: string | null;
  readonly state: string | null;
  readonly seconds: number | null;
}

/**
 * Reading, be it a structure or rows, takes ACCESS SHARE locks, which only ACCESS EXCLUSIVE ones are in the way of, held or waited for before us
 * (https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES). That says it on every version; pg_blocking_pids came with 9.6.
 * A prepared transaction has no process.
 */
const BLOCKERS = `
  select n.nspname as schema, c.relname as name, h.pid, h.granted, a.usename as user, a.application_name as application, a.state,
         pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.xact_start)::int as seconds
    from pg_catalog.pg_locks w
    join pg_catalog.pg_stat_activity me on me.pid = w.pid and me.datname = pg_catalog.current_database() and me.usename = current_user
    join pg_catalog.pg_locks h on h.locktype = 'relation' and h.database = w.database and h.relation = w.relation and h.mode = 'AccessExclusiveLock'
    join pg_catalog.pg_class c on c.oid = w.relation join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    left join pg_catalog.pg_stat_activity a on a.pid = h.pid
   where w.locktype = 'relation' and not w.granted and w.mode = 'AccessShareLock' and h.pid is distinct from w.pid and me.application_name in ('godwit', 'pg_dump')
   order by h.granted desc`;

function describe({ pid, granted, user, application, state, seconds }: Blocker): string {
  if (pid === null) return "a prepared transaction holds it (pg_prepared_xacts)";
  const facts = [user, application, state === null || seconds === null ? state : `${state} for ${seconds} s`].filter((fact) => fact !== null && fact !== "");
  return `process ${pid}${facts.length === 0 ? "" : ` (${facts.join(", ")})`} ${granted ? "holds it" : "waits for one before us"}; this goes on when that transaction ends`;
}
