import { sqlStateOf } from "../errors/sql-state.ts";
import type { Session } from "../wire/session.ts";

/** A connection of somebody else to the source database. What the account may not see is undefined. */
export interface ForeignSession {
  readonly pid: number;
  readonly user: string;
  readonly application: string;
  readonly state: string | undefined;
  /** It has a transaction open that has written something. */
  readonly hasWritten: boolean;
  readonly secondsOpen: number | undefined;
  /** It was there at the given moment; undefined: hidden. */
  readonly isOld: boolean | undefined;
  /** The account may end it. */
  readonly mayEnd: boolean;
}

/** Our own connections, by application_name: "godwit …" of the same account. */
const OURS = "godwit";

/**
 * The client connections to the session's database that are not ours; replication connections and the server's own workers are not among them. `since`: a time of the
 * server's clock. (https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW; process, role, application and xid of others are shown to
 * everybody, the rest to members of the role and of pg_read_all_stats.)
 */
export async function foreignSessions(source: Session, since: string): Promise<ForeignSession[]> {
  const { versionNum } = source;
  const isClient = versionNum >= 100000 ? "coalesce(a.backend_type, 'client backend') = 'client backend'" : "a.query not like 'autovacuum:%'";
  // 9.4 lets only the same role end a session. https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SIGNAL
  const isOfMine = versionNum >= 90500 ? "pg_catalog.pg_has_role(a.usesysid, 'usage')" : "a.usename = current_user";
  const maySignal = versionNum >= 90600 ? "or pg_catalog.pg_has_role('pg_signal_backend', 'usage')" : "";
  const rows = await source.query<{
    pid: number;
    user: string;
    application: string | null;
    state: string | null;
    written: boolean;
    seconds: number | null;
    old: boolean | null;
    mayEnd: boolean;
  }>(
    `select a.pid, a.usename as user, a.application_name as application, a.state, a.backend_xid is not null as written,
            pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.xact_start)::pg_catalog.int4 as seconds, a.backend_start <= $2::pg_catalog.timestamptz as old,
            me.rolsuper or (not r.rolsuper and (${isOfMine} ${maySignal})) as "mayEnd"
       from pg_catalog.pg_stat_activity a
       join pg_catalog.pg_roles r on r.oid = a.usesysid
       join pg_catalog.pg_roles me on me.rolname = current_user
      where a.datname = pg_catalog.current_database() and a.pid <> pg_catalog.pg_backend_pid() and ${isClient}
        and a.pid not in (select w.pid from pg_catalog.pg_stat_replication w where w.pid is not null)
        and not (a.usename = session_user and pg_catalog.left(a.application_name, pg_catalog.length($1)) = $1)`,
    [OURS, since],
  );
  return rows.map(({ pid, user, application, state, written, seconds, old, mayEnd }) => ({
    pid,
    user,
    application: application ?? "",
    state: state ?? undefined,
    hasWritten: written,
    secondsOpen: seconds ?? undefined,
    isOld: old ?? undefined,
    mayEnd,
  }));
}

/** Tells them to end; returns before they have. */
export async function endForeignSessions(source: Session, pids: readonly number[]): Promise<void> {
  if (pids.length > 0) await source.query("select pg_catalog.pg_terminate_backend(p.pid) from pg_catalog.unnest($1::pg_catalog.int4[]) p(pid)", [pids]);
}

export function describeSession({ pid, user, application, state, secondsOpen, hasWritten }: ForeignSession): string {
  const what = state === undefined || secondsOpen === undefined ? state : `${state} for ${secondsOpen} s`;
  const facts = [user, application, what, hasWritten ? "has written" : undefined].filter((fact) => fact !== undefined && fact !== "");
  return `process ${pid} (${facts.join(", ")})`;
}

/**
 * Writers that no default for new transactions stops: prepared transactions, which may be committed at any time; workers of a subscription, which do not ask; roles whose
 * own setting comes before the database's. Nobody can see a setting that a session has begun with (options=-c …) or made itself: what it writes is seen in the stream (FenceProof).
 */
export async function unstoppableWriters(source: Session): Promise<string[]> {
  const workers =
    source.versionNum >= 100000
      ? `union all select 'process ' || a.pid || ' applies the changes of a subscription (alter subscription … disable)' from pg_catalog.pg_stat_activity a
          where a.datname = pg_catalog.current_database() and a.backend_type in ('logical replication worker', 'logical replication apply worker', 'logical replication parallel worker')`
      : "";
  const rows = await source.query<{ who: string }>(
    `select 'prepared transaction ' || pg_catalog.quote_literal(p.gid) || ' of ' || p.owner || ' (commit prepared or rollback prepared)' as who
       from pg_catalog.pg_prepared_xacts p where p.database = pg_catalog.current_database()
     ${workers}`,
  );
  return [...rows.map(({ who }) => who), ...(await writingRoles(source))];
}

/**
 * Roles whose sessions begin with default_transaction_read_only off, whatever the database's is. A role's setting for the database comes before its one for all, and either before the
 * database's (https://www.postgresql.org/docs/current/sql-alterrole.html); for all roles there is none that does.
 */
async function writingRoles(source: Session): Promise<string[]> {
  const rows = await source.query<{ role: string; alter: string; value: string }>(
    `select distinct on (r.oid) r.rolname as role, pg_catalog.split_part(c.setting, '=', 2) as value,
            'alter role ' || pg_catalog.quote_ident(r.rolname) || case when s.setdatabase = 0 then '' else ' in database ' || pg_catalog.quote_ident(pg_catalog.current_database()) end as alter
       from pg_catalog.pg_db_role_setting s join pg_catalog.pg_roles r on r.oid = s.setrole, pg_catalog.unnest(s.setconfig) c(setting)
      where s.setdatabase in (0, (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()))
        and pg_catalog.lower(pg_catalog.split_part(c.setting, '=', 1)) = 'default_transaction_read_only'
      order by r.oid, s.setdatabase = 0`,
  );
  const writing: string[] = [];
  for (const { role, alter, value } of rows) {
    if (!(await isOn(source, value))) writing.push(`role ${role} has a default_transaction_read_only of its own (${alter} reset default_transaction_read_only)`);
  }
  return writing;
}

/** invalid_text_representation: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const UNREADABLE = "22P02";

/**
 * Whether the server takes a setting for on: it is asked, as it takes unique prefixes in either case, too ("of", "T"). A boolean setting is read as a value of type boolean is
 * (https://www.postgresql.org/docs/current/config-setting.html#CONFIG-SETTING-NAMES-VALUES, https://www.postgresql.org/docs/current/datatype-boolean.html). What cannot be read is not on.
 */
export async function isOn(source: Session, value: string): Promise<boolean> {
  try {
    const [row] = await source.query<{ value: boolean }>("select $1::pg_catalog.bool as value", [value]);
    return row?.value === true;
  } catch (error) {
    if (sqlStateOf(error) !== UNREADABLE) throw error;
    return false;
  }
}
