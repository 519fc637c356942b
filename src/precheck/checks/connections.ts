import { followsChanges, movesData } from "../../plan/migration-type.ts";
import { type Endpoint, type Side, describeEndpoint } from "../../wire/endpoint.ts";
import { quoteIdentifier } from "../../wire/quote.ts";
import type { Session } from "../../wire/session.ts";
import { type Check, type CheckItem, found, passed } from "../check.ts";
import type { CheckContext } from "../context.ts";
import { STANDBYS_FIRST, settingsFix } from "../provider.ts";

/** Else a limit is met in the middle of the copy, when only the lanes that come last find no room. */
export const connections: Check = {
  id: "connections",
  title: "There is room for all connections",
  about:
    "Looks at what the run opens at most on each server: one session, at the source one more for each database's snapshot, and the lanes; at the target one that creates, the lanes, and one each for materialized views and statistics; for full+incremental also those of each database's stream. Failed: more than the connection limit of the role or a database, or than max_connections without the reserved ones. Alarm: more than they leave free now, or, once the task has begun, more than there can be: lanes that find no place then wait for one.",
  run: async (context) => await Promise.all((["source", "target"] as const).map(async (side) => await judge(side, context))),
};

/** Lanes when nobody says how many; see the task. */
const DEFAULT_LANES = 4;

/** How many connections so many lanes make at most: all of them, and those to one database, as databases are worked on one by one. */
interface Need {
  readonly databases: readonly string[];
  readonly all: (lanes: number) => number;
  readonly inDatabase: (lanes: number, database: string) => number;
}

/** The first session, a snapshot for each database until its turn is over, and the lanes. */
function sourceNeed({ options, databases, source }: CheckContext): Need {
  const ofRun = (lanes: number): number => (movesData(options.type) ? lanes : 0);
  // One measures, one looks after the slot; walsenders are counted by themselves since 12.
  const perStream = !followsChanges(options.type) ? 0 : source.versionNum < 120000 ? 3 : 2;
  return {
    databases: databases.map(({ plan }) => plan.source.database),
    all: (lanes) => 1 + databases.length + ofRun(lanes) + perStream * databases.length,
    inDatabase: (lanes, database) => isOf(source.endpoint, database) + 1 + ofRun(lanes) + perStream,
  };
}

/** The first session, one that creates, the lanes, which stay until the database is done, one that fills materialized views and one for statistics. */
function targetNeed({ options, databases, target }: CheckContext): Need {
  const perStream = options.type === "full+incremental" ? 1 : 0; // the one that applies changes
  const ofRun = (lanes: number, database?: string): number => {
    const sums = databases
      .filter(({ plan }) => database === undefined || plan.target.database === database)
      .map(({ plan }) => {
        const analyzing = movesData(options.type) && options.statistics ? 1 : 0;
        const filling = movesData(options.type) && plan.catalog.relations.some((relation) => relation.kind === "materializedView" && plan.selection.isSelected(relation)) ? 1 : 0;
        return 1 + lanes + filling + analyzing;
      });
    return Math.max(0, ...sums);
  };
  return {
    databases: databases.filter((database) => database.target !== undefined).map(({ plan }) => plan.target.database),
    all: (lanes) => 1 + ofRun(lanes) + perStream * databases.length,
    inDatabase: (lanes, database) => isOf(target.endpoint, database) + ofRun(lanes, database) + perStream,
  };
}

function isOf(endpoint: Endpoint, database: string): number {
  return endpoint.database === database ? 1 : 0;
}

/** One number that connections are counted against. */
interface Limit {
  readonly what: string;
  readonly allowed: number;
  readonly ofOthers: number;
  readonly need: (lanes: number) => number;
  /** The statement that makes room for so many. */
  readonly raise: (connections: number) => string;
}

async function judge(side: Side, context: CheckContext): Promise<CheckItem> {
  const { options, databases, providers } = context;
  const server = context[side];
  const need = side === "source" ? sourceNeed(context) : targetNeed(context);
  const limits = await readLimits(server, need);
  const lanes = options.concurrency ?? DEFAULT_LANES;
  const scope = describeEndpoint(server.endpoint);
  const tell = ({ what, allowed, ofOthers, need: needed }: Limit): string => `${what}: up to ${needed(lanes)} connections needed, ${allowed} allowed, ${ofOthers} of others now`;
  const free = ({ allowed, ofOthers }: Limit): number => allowed - ofOthers;
  const short = limits.filter((limit) => limit.need(lanes) > free(limit));
  if (short.length === 0) {
    const [ofServer] = limits;
    return passed(connections, scope, [`up to ${need.all(lanes)} connections needed, ${ofServer?.allowed} allowed by the server, ${ofServer?.ofOthers} of others now`]);
  }
  const impossible = short.filter((limit) => limit.need(lanes) > limit.allowed);
  const fitting = Array.from({ length: lanes - 1 }, (_, fewer) => lanes - 1 - fewer).find((fewer) => limits.every((limit) => limit.need(fewer) <= free(limit)));
  const ways = [
    ...(fitting === undefined ? [] : [`run with --concurrency ${fitting}`]),
    ...(impossible.length === 0 ? ["free connections"] : []),
    `raise the limit of ${short.map(({ what }) => what).join(" and ")}${short.some(({ what }) => what === SERVER) ? " (max_connections asks for a restart)" : ""}`,
  ].join(", or ");
  const isBegun = databases.some((database) => database.isBegun);
  return found(connections, scope, impossible.length > 0 && !isBegun ? "failed" : "alarm", {
    evidence: short.map(tell),
    why: isBegun
      ? "The server refuses connections in the middle of the work: lanes that find no place wait and try again, and the work is as slow as the others allow."
      : "The server would refuse a connection in the middle of the work, which then waits and tries again.",
    ...settingsFix(
      // Roles and databases have their limits on a managed service, too.
      short.some(({ what }) => what === SERVER) ? providers[side] : undefined,
      `${ways[0]?.toUpperCase()}${ways.slice(1)}.${short.some(({ what }) => what === SERVER) ? ` ${STANDBYS_FIRST}` : ""}`,
      short.map((limit) => `${limit.raise(limit.need(lanes) + limit.ofOthers)};`).join("\n"),
    ),
    fixOn: server.endpoint,
  });
}

const SERVER = "the server";

/**
 * What applies to this account. Superusers have the reserved connections too, and no limit of a role or database.
 * https://www.postgresql.org/docs/current/runtime-config-connection.html#GUC-MAX-CONNECTIONS
 */
async function readLimits(server: Session, need: Need): Promise<Limit[]> {
  // reserved_connections: https://www.postgresql.org/docs/16/release-16.html
  const reservedSince16 =
    server.versionNum >= 160000
      ? " + case when pg_catalog.pg_has_role(session_user, 'pg_use_reserved_connections', 'usage') then 0 else pg_catalog.current_setting('reserved_connections')::int end"
      : "";
  const [row] = await server.query<{ superuser: boolean; roleLimit: number; most: number; reserved: number }>(
    `select r.rolsuper as superuser, r.rolconnlimit as "roleLimit", pg_catalog.current_setting('max_connections')::int as most,
            pg_catalog.current_setting('superuser_reserved_connections')::int${reservedSince16} as reserved
       from pg_catalog.pg_roles r where r.rolname = session_user`,
  );
  const { superuser = false, roleLimit = -1, most = 0, reserved = 0 } = row ?? {};
  const others = await readOthers(server);
  const sum = (isCounted: (group: Others) => boolean): number => others.filter(isCounted).reduce((all, { connections: some }) => all + some, 0);
  const kept = superuser ? 0 : reserved;
  const limits: Limit[] = [
    { what: SERVER, allowed: most - kept, ofOthers: sum(() => true), need: need.all, raise: (wanted) => `alter system set max_connections = ${wanted + kept}` },
  ];
  if (superuser) return limits;
  const { user } = server.endpoint;
  if (roleLimit >= 0) {
    const raise = (wanted: number): string => `alter role ${quoteIdentifier(user)} connection limit ${wanted}`;
    limits.push({ what: `role ${user}`, allowed: roleLimit, ofOthers: sum(({ isOurRole }) => isOurRole), need: need.all, raise });
  }
  const databases = await server.query<{ name: string; limit: number }>(
    `select datname as name, datconnlimit as "limit" from pg_catalog.pg_database where datconnlimit >= 0 and datname = any($1::pg_catalog.text[]) order by 1`,
    [need.databases],
  );
  for (const { name, limit } of databases) {
    const raise = (wanted: number): string => `alter database ${quoteIdentifier(name)} connection limit ${wanted}`;
    const inDatabase = (lanes: number): number => need.inDatabase(lanes, name);
    limits.push({ what: `database ${name}`, allowed: limit, ofOthers: sum(({ database }) => database === name), need: inDatabase, raise });
  }
  return limits;
}

interface Others {
  readonly database: string;
  readonly isOurRole: boolean;
  readonly connections: number;
}

/** Connections that are not ours: not of this program under this account from this machine. Of other accounts a plain one sees little more than that they are there. */
async function readOthers(server: Session): Promise<Others[]> {
  // Workers and autovacuum have places of their own, before 10 they cannot be told apart; walsenders, of no database mostly, have theirs since 12.
  const type = "coalesce(a.backend_type, 'client backend')";
  const isClient = server.versionNum >= 120000 ? `${type} = 'client backend'` : server.versionNum >= 100000 ? `${type} in ('client backend', 'walsender')` : "true";
  return await server.query<Others>(
    `select coalesce(a.datname::pg_catalog.text, '') as database, coalesce(a.usename = session_user, false) as "isOurRole", pg_catalog.count(*)::int as connections
       from pg_catalog.pg_stat_activity a join pg_catalog.pg_stat_activity me on me.pid = pg_catalog.pg_backend_pid()
      where (a.datname is not null or ${server.versionNum < 120000}) and ${isClient}
        and not (a.usename = session_user and coalesce(a.application_name, '') like 'godwit%' and a.client_addr is not distinct from me.client_addr)
      group by 1, 2`,
  );
}
