import { setTimeout as sleep } from "node:timers/promises";
import { sessionName } from "../copy/ledger.ts";
import { type Endpoint, describeEndpoint } from "../wire/endpoint.ts";
import { type Session, openSession } from "../wire/session.ts";
import type { MigrationProgress, Report } from "./events.ts";
import { maskPasswords } from "./mask-passwords.ts";

/** A step that has not moved for so long is looked into. */
const PATIENCE_MS = 4000;
const LOOK_MS = 1000;
const SHOWN_QUERY = 200;
/** What is tried in vain is told again within this. */
const BLOCKED_FOR_MS = 6000;

/**
 * Says in `progress.waits` why a step does not advance: who blocks our sessions, with what, or what they wait for. A lock is told in the log too, once.
 * Disposed of with the run.
 */
export function watchStalls(ends: { readonly source: Endpoint; readonly target: Endpoint }, taskId: string, progress: MigrationProgress, report: Report): AsyncDisposable {
  const ended = new AbortController();
  const told = new Set<string>();
  const watching = (async () => {
    let before = "";
    let since = Date.now();
    while (!ended.signal.aborted) {
      const now = fingerprint(progress);
      if (now !== before) {
        before = now;
        since = Date.now();
        progress.waits = [];
      } else if (Date.now() - since >= PATIENCE_MS && progress.stream?.lagBytes !== 0) {
        const looks = [look(ends.target, sessionName(taskId), ended.signal), look(ends.source, "godwit", ended.signal)];
        // Whoever cannot look has nothing to tell; the work itself meets the same trouble.
        const found = (await Promise.all(looks.map(async (looking) => await looking.catch(() => [])))).flat();
        const { blocked } = progress;
        const tried = blocked !== undefined && Date.now() - blocked.at < BLOCKED_FOR_MS ? [blocked.text] : [];
        progress.waits = [...tried, ...found.map(({ text }) => text)];
        for (const { text, blocker } of found) {
          if (blocker === undefined || told.has(blocker)) continue;
          told.add(blocker);
          report({ event: "notice", level: "warning", message: text });
        }
      }
      await sleep(LOOK_MS, undefined, { signal: ended.signal }).catch(() => undefined);
    }
  })();
  return {
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      await watching;
      progress.waits = [];
    },
  };
}

/** Changes with whatever gets done. */
function fingerprint({ step, doneTables, copiedBytes, doneIndexes, lanes, stream }: MigrationProgress): string {
  return JSON.stringify([
    step,
    stream?.changes,
    stream?.bytes,
    doneTables,
    copiedBytes,
    doneIndexes,
    ...[...lanes.values()].map(({ doing, counters }) => [doing, counters?.bytes]),
  ]);
}

interface Wait {
  readonly text: string;
  /** Set where somebody else is in the way: who is told once. */
  readonly blocker?: string;
}

async function look(endpoint: Endpoint, application: string, signal: AbortSignal): Promise<Wait[]> {
  await using session = await openSession({ ...endpoint, connectTimeoutMs: PATIENCE_MS }, { applicationName: "godwit watch", settings: { statement_timeout: "5000" }, signal });
  // pg_blocking_pids came with 9.6; lock-watch.ts tells of locks on older sources
  if (session.versionNum < 90600) return [];
  const rows = await session.query<Row>(WAITS, [application]);
  return rows.map((row) => describe(session, row));
}

interface Row {
  readonly pid: number;
  readonly waitType: string | null;
  readonly wait: string | null;
  readonly seconds: number;
  readonly blocker: number | null;
  readonly user: string | null;
  readonly application: string | null;
  readonly state: string | null;
  readonly query: string | null;
}

/** https://www.postgresql.org/docs/current/functions-info.html (pg_blocking_pids), https://www.postgresql.org/docs/current/monitoring-stats.html (wait events) */
const WAITS = `
  select a.pid, a.wait_event_type as "waitType", a.wait_event as wait, pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.query_start)::int as seconds,
         p.pid as blocker, b.usename as user, b.application_name as application, b.state, pg_catalog.left(b.query, ${SHOWN_QUERY}) as query
    from pg_catalog.pg_stat_activity a
    left join lateral pg_catalog.unnest(pg_catalog.pg_blocking_pids(a.pid)) p(pid) on true
    left join pg_catalog.pg_stat_activity b on b.pid = p.pid
   where (a.application_name = $1 or pg_catalog.left(a.application_name, pg_catalog.length($1) + 1) = $1 || '/')
     and a.usename = session_user and a.pid <> pg_catalog.pg_backend_pid() and a.state = 'active'
   order by p.pid nulls last, a.pid limit 16`;

function describe({ endpoint }: Session, { pid, waitType, wait, seconds, blocker, user, application, state, query }: Row): Wait {
  const ours = `${describeEndpoint(endpoint)}: our process ${pid} `;
  if (blocker !== null) {
    if (blocker === 0) return { text: `${ours}waits for a lock that a prepared transaction holds (pg_prepared_xacts)`, blocker: `${endpoint.side} 0` };
    const facts = [user, application, state].filter((fact) => fact !== null && fact !== "").join(", ");
    const said = query === null || query === "" ? "" : `: ${maskPasswords(query.replaceAll(/\s+/g, " "))}`;
    return { text: `${ours}has waited ${seconds} s for a lock that process ${blocker} holds${facts === "" ? "" : ` (${facts})`}${said}`, blocker: `${endpoint.side} ${blocker}` };
  }
  // https://www.postgresql.org/docs/current/warm-standby.html#SYNCHRONOUS-REPLICATION: without an end, and without a word of the server's own
  if (wait === "SyncRep") {
    const text = `${ours}has waited ${seconds} s for synchronous standbys to confirm a commit: they are not there, or behind (synchronous_standby_names, pg_stat_replication)`;
    return { text, blocker: `${endpoint.side} SyncRep` };
  }
  if (waitType === null) return { text: `${ours}has been at work for ${seconds} s and waits for nothing` };
  return { text: `${ours}has waited for ${wait} (${waitType}) in a statement of ${seconds} s` };
}
