import type { Session } from "../wire/session.ts";

interface Row {
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

/**
 * Transactions of the whole server that have written something and are not over, the oldest first, at least so many seconds old (prepared ones of any age: mostly nobody knows of them): making a slot waits for all of them. A prepared
 * one is over when somebody commits it or rolls it back. How old others are is hidden from an account that is not in pg_read_all_stats: then they are all told.
 */
export async function openWriteTransactions(source: Session, leastSeconds = 0): Promise<string[]> {
  const rows = await source.query<Row>(
    `select t.* from (
       select a.pid, null::pg_catalog.text as gid, a.datname as database, a.usename as user, a.application_name as application, a.state,
              pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.xact_start)::pg_catalog.int4 as seconds
         from pg_catalog.pg_stat_activity a where a.backend_xid is not null and a.pid <> pg_catalog.pg_backend_pid()
       union all
       select null, p.gid, p.database, p.owner, null, null, pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - p.prepared)::pg_catalog.int4 from pg_catalog.pg_prepared_xacts p
     ) t where t.gid is not null or coalesce(t.seconds >= $1, true) order by t.seconds desc nulls last limit ${MOST_NAMED}`,
    [leastSeconds],
  );
  return rows.map(describe);
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
