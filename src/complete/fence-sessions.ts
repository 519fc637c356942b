import { sqlStateOf } from "../errors/sql-state.ts";
import type { Session } from "../wire/session.ts";

/** Somebody else who is connected to the source database and may write there. What the account may not see is undefined. */
export interface ForeignSession {
  readonly pid: number;
  readonly user: string;
  readonly application: string;
  /** Where it is no client: "walsender", "background worker" or as its extension calls it. */
  readonly kind: string | undefined;
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
 * SQL of the processes that can be left alone. Workers of autovacuum write nothing that is followed, those of parallel queries belong to a leader. Walsenders that stream, and workers of a subscription
 * (`unstoppableWriters` names it), are none of these where they have written something all the same.
 */
function isBystander(versionNum: number): string {
  // A walsender runs no SQL there. https://www.postgresql.org/docs/9.6/protocol-replication.html
  if (versionNum < 100000) return "a.query like 'autovacuum:%' or a.pid in (select w.pid from pg_catalog.pg_stat_replication w)";
  // Who may not see the state of a walsender sees which of them hold a slot.
  const streams = "coalesce(w.state in ('catchup', 'streaming'), w.pid in (select s.active_pid from pg_catalog.pg_replication_slots s))";
  return `a.usesysid is null or a.backend_type = 'parallel worker' or (a.backend_xid is null and a.pid in (
            select w.pid from pg_catalog.pg_stat_replication w where ${streams} union all select s.pid from pg_catalog.pg_stat_subscription s))`;
}

/**
 * Whoever is connected to the session's database and may write there, or has written, and is not ours: clients, connections of kind replication=database (which run ordinary SQL as well:
 * https://www.postgresql.org/docs/current/protocol-replication.html), background workers of extensions. `since`: a time of the server's clock.
 * (https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW; process, role, application and xid of others are shown to
 * everybody, the rest to members of the role and of pg_read_all_stats.)
 */
export async function foreignSessions(source: Session, since: string): Promise<ForeignSession[]> {
  const { versionNum } = source;
  // 9.4 lets only the same role end a session. https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SIGNAL
  const isOfMine = versionNum >= 90500 ? "pg_catalog.pg_has_role(a.usesysid, 'usage')" : "a.usename = current_user";
  const maySignal = versionNum >= 90600 ? "or pg_catalog.pg_has_role('pg_signal_backend', 'usage')" : "";
  const rows = await source.query<{
    pid: number;
    user: string;
    application: string | null;
    kind: string | null;
    state: string | null;
    written: boolean;
    seconds: number | null;
    old: boolean | null;
    mayEnd: boolean;
  }>(
    `select a.pid, coalesce(a.usename::pg_catalog.text, 'role ' || a.usesysid) as user, a.application_name as application,
            ${versionNum >= 100000 ? "nullif(a.backend_type, 'client backend')" : "null"} as kind, a.state, a.backend_xid is not null as written,
            pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.xact_start)::pg_catalog.int4 as seconds, a.backend_start <= $2::pg_catalog.timestamptz as old,
            me.rolsuper or (r.oid is not null and not r.rolsuper and (${isOfMine} ${maySignal})) as "mayEnd"
       from pg_catalog.pg_stat_activity a
       left join pg_catalog.pg_roles r on r.oid = a.usesysid -- it may have been dropped since
       join pg_catalog.pg_roles me on me.rolname = current_user
      where a.datname = pg_catalog.current_database() and a.pid <> pg_catalog.pg_backend_pid() and (${isBystander(versionNum)}) is not true
        and (a.usename = session_user and pg_catalog.left(a.application_name, pg_catalog.length($1)) = $1) is not true`,
    [OURS, since],
  );
  return rows.map(({ pid, user, application, kind, state, written, seconds, old, mayEnd }) => ({
    pid,
    user,
    application: application ?? "",
    kind: kind ?? undefined,
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

export function describeSession({ pid, user, application, kind, state, secondsOpen, hasWritten }: ForeignSession): string {
  const what = state === undefined || secondsOpen === undefined ? state : `${state} for ${secondsOpen} s`;
  const facts = [user, application, kind, what, hasWritten ? "has written" : undefined].filter((fact) => fact !== undefined && fact !== "");
  return `process ${pid} (${facts.join(", ")})`;
}

/** May be committed at any time, by whom the fence does not stop; each in words. */
export async function preparedTransactions(source: Session): Promise<string[]> {
  const rows = await source.query<{ who: string }>(
    `select 'prepared transaction ' || pg_catalog.quote_literal(p.gid) || ' of ' || p.owner || ' (commit prepared or rollback prepared)' as who
       from pg_catalog.pg_prepared_xacts p where p.database = pg_catalog.current_database()`,
  );
  return rows.map(({ who }) => who);
}

/**
 * Writers that no default for new transactions stops: prepared transactions; subscriptions, whose workers do not ask, and come back where they were ended; roles whose
 * own setting comes before the database's. Nobody can see a setting that a session has begun with (options=-c …) or made itself: what it writes is seen in the stream (FenceProof).
 */
export async function unstoppableWriters(source: Session): Promise<string[]> {
  return [...(await preparedTransactions(source)), ...(await subscriptions(source)), ...(await writingRoles(source))];
}

async function subscriptions(source: Session): Promise<string[]> {
  if (source.versionNum < 100000) return [];
  const rows = await source.query<{ name: string }>(
    `select pg_catalog.quote_ident(s.subname) as name from pg_catalog.pg_subscription s
      where s.subenabled and s.subdbid = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())`,
  );
  return rows.map(({ name }) => `subscription ${name} brings changes from elsewhere (alter subscription ${name} disable)`);
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
