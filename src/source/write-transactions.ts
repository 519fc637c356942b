import { setTimeout as sleep } from "node:timers/promises";
import type { Session } from "../wire/session.ts";

interface Row {
  /** Of the transaction, where it has not been prepared. */
  readonly xid?: string | null;
  readonly pid: number | null;
  readonly gid: string | null;
  readonly database: string | null;
  readonly user: string | null;
  readonly application: string | null;
  readonly state: string | null;
  readonly seconds: number | null;
}

/** More than these, and nobody reads on. */
const MOST_NAMED = 8;

/** So long after a first look at transactions whose age is hidden another one is taken. */
const LOOK_AGAIN_MS = 2000;

/** The same, without those that are hidden and short: another look does not find them any more. An ordinary server has some at every moment. */
export async function lastingWriteTransactions(source: Session, leastSeconds: number): Promise<string[]> {
  const first = await readOpen(source, leastSeconds);
  if (!first.some(isAgeHidden)) return named(first);
  await sleep(LOOK_AGAIN_MS);
  const again = new Set((await readOpen(source, leastSeconds)).map(({ xid }) => xid));
  return named(first.filter((row) => !isAgeHidden(row) || again.has(row.xid)));
}

const named = (rows: readonly Row[]): string[] => rows.slice(0, MOST_NAMED).map(describe);

const isAgeHidden = ({ gid, seconds }: Row): boolean => gid === null && seconds === null;

/**
 * Transactions of the whole server that have written something and are not over, the oldest first, at least so many seconds old (prepared ones of any age: mostly nobody knows of them): making a slot waits for all of them. A prepared
 * one is over when somebody commits it or rolls it back. How old others are is hidden from an account that is not in pg_read_all_stats: then they are all told.
 */
export async function openWriteTransactions(source: Session, leastSeconds = 0): Promise<string[]> {
  return named(await readOpen(source, leastSeconds));
}

async function readOpen(source: Session, leastSeconds: number): Promise<Row[]> {
  return await source.query<Row & Record<string, unknown>>(
    `select t.* from (
       select a.backend_xid::pg_catalog.text as xid, a.pid, null::pg_catalog.text as gid, a.datname as database, a.usename as user, a.application_name as application, a.state,
              pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.xact_start)::pg_catalog.int4 as seconds
         from pg_catalog.pg_stat_activity a where a.backend_xid is not null and a.pid <> pg_catalog.pg_backend_pid()
       union all
       select null, null, p.gid, p.database, p.owner, null, null, pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - p.prepared)::pg_catalog.int4 from pg_catalog.pg_prepared_xacts p
     ) t where t.gid is not null or coalesce(t.seconds >= $1, true) order by t.seconds desc nulls last`,
    [leastSeconds],
  );
}

/** Prepared transactions of some databases that are neither committed nor rolled back. */
export async function preparedTransactions(source: Session, databases: readonly string[]): Promise<string[]> {
  const rows = await source.query<Row>(
    `select p.gid, p.database, p.owner as user, pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - p.prepared)::pg_catalog.int4 as seconds
       from pg_catalog.pg_prepared_xacts p where p.database = any($1::pg_catalog.name[]) order by p.prepared`,
    [databases],
  );
  return rows.map(describe);
}

function describe({ pid, gid, database, user, application, state, seconds }: Row): string {
  const age = seconds === null ? "" : ` for ${seconds} s`;
  const where = database === null ? "" : ` of database ${database}`;
  if (gid !== null) return `prepared transaction '${gid}'${where} (${user}${age})`;
  const facts = [user, application, state === null ? undefined : `${state}${age}`].filter((fact) => fact !== null && fact !== undefined && fact !== "");
  return `process ${pid}${where} (${facts.join(", ")})`;
}
