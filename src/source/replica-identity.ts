import { displayName } from "../catalog/catalog.ts";
import { quoteIdentifier, quoteQualified } from "../wire/quote.ts";
import type { Session } from "../wire/session.ts";
import { type Patience, lockPatiently } from "./lock-patiently.ts";

/** By which columns a change at the source names its row. https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-REPLICA-IDENTITY */
export type ReplicaIdentity = { readonly kind: "default" | "full" | "nothing" } | { readonly kind: "index"; readonly index: string };

/** What a table's replica identity was and what it must be for the time of the task. Plain data: to be kept before anything is changed. */
export interface IdentityChange {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  readonly before: ReplicaIdentity;
  readonly during: ReplicaIdentity;
}

/** What became of one table. `elsewise`: somebody has given it another identity than either of the two, which stays. */
export interface IdentityOutcome {
  readonly change: IdentityChange;
  readonly outcome: "changed" | "already" | "dropped" | "elsewise";
}

/** What is to be done, and for which tables nothing can be. */
export interface IdentityPlan {
  readonly changes: readonly IdentityChange[];
  /**
   * No key, and virtual generated columns: an 18 refuses every update and delete of such a table as soon as it is published with FULL
   * ("Replica identity must not contain unpublished generated columns"; virtual ones cannot be published). It must never be.
   */
  readonly impossible: readonly Pick<IdentityChange, "oid" | "schema" | "name">[];
}

interface Row {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  readonly identity: "d" | "n" | "f" | "i";
  readonly index: string | null;
  readonly indexUsable: boolean;
  readonly keyUsable: boolean;
  readonly best: string | null;
  readonly takesFull: boolean;
}

/**
 * Decides for tables (by oid; of partitioned ones all partitions below, also those that came since the catalog was read) which of them need another
 * replica identity: where updates and deletes would otherwise carry no key (or, as soon as the table is published, fail at the source with
 * "does not have a replica identity"). Reads only; call it again for partitions that come later.
 *
 * In order of preference: what the table has; its primary key; a unique index whose columns name every row; all columns (FULL).
 */
export async function decideReplicaIdentities(source: Session, oids: readonly string[]): Promise<IdentityPlan> {
  const changes: IdentityChange[] = [];
  const impossible: IdentityPlan["impossible"][number][] = [];
  for (const row of await source.query<Row>(decisionSql(source.versionNum), [oids])) {
    const isFine = row.identity === "f" ? row.takesFull : row.identity === "i" ? row.indexUsable : row.identity === "d" && row.keyUsable;
    if (isFine) continue;
    const during: ReplicaIdentity = row.keyUsable ? { kind: "default" } : row.best === null ? { kind: "full" } : { kind: "index", index: row.best };
    if (during.kind === "full" && !row.takesFull) impossible.push({ oid: row.oid, schema: row.schema, name: row.name });
    else changes.push({ oid: row.oid, schema: row.schema, name: row.name, before: identityOf(row), during });
  }
  return { changes, impossible };
}

/**
 * What a server accepts in REPLICA IDENTITY USING INDEX, and what its pgoutput then sends: unique, immediate, whole, valid, of columns that are NOT NULL
 * (validated: from 18 on that may be pending) and not generated, which pgoutput leaves out before 18. A primary key of generated columns is of no use either.
 */
function decisionSql(versionNum: number): string {
  const since = (version: number, sql: string, otherwise = ""): string => (versionNum >= version ? sql : otherwise);
  const keyColumns = since(110000, "x.indnkeyatts", "x.indnatts");
  const isSent = versionNum >= 120000 && versionNum < 180000 ? "and a.attgenerated = ''" : "";
  const isValidated = since(
    180000,
    "and not exists (select from pg_catalog.pg_constraint k where k.conrelid = x.indrelid and k.contype = 'n' and k.conkey[1] = a.attnum and not k.convalidated)",
  );
  const usable = `x.indisunique and x.indimmediate and x.indisvalid and x.indislive and x.indpred is null and not exists (
        select from pg_catalog.generate_series(0, ${keyColumns} - 1) p(at)
          left join pg_catalog.pg_attribute a on a.attrelid = x.indrelid and a.attnum = x.indkey[p.at] and a.attnum > 0 and a.attnotnull ${isSent} ${isValidated}
         where a.attnum is null)`;
  return `
    with recursive wanted (oid) as (
      select w.oid from pg_catalog.unnest($1::pg_catalog.oid[]) w(oid)
      ${since(100000, "union select h.inhrelid from wanted w join pg_catalog.pg_inherits h on h.inhparent = w.oid join pg_catalog.pg_class p on p.oid = h.inhrelid and p.relispartition")}
    )
    select c.oid::pg_catalog.text as oid, n.nspname as schema, c.relname as name, c.relreplident::pg_catalog.text as identity, i.index,
           coalesce(i.usable, false) as "indexUsable", coalesce(i.key, false) as "keyUsable", i.best,
           ${since(180000, "not exists (select from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attgenerated = 'v')", "true")} as "takesFull"
      from wanted w
      join pg_catalog.pg_class c on c.oid = w.oid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      left join lateral (
        select pg_catalog.max(u.name) filter (where u.isident) as index, pg_catalog.bool_or(u.isident and u.usable) as usable, pg_catalog.bool_or(u.isprimary and u.usable) as key,
               (pg_catalog.array_agg(u.name order by u.columns, u.oid) filter (where u.usable and u.isbtree and not u.isprimary))[1] as best
          from (select xc.oid, xc.relname::pg_catalog.text as name, x.indisreplident as isident, x.indisprimary as isprimary, am.amname = 'btree' as isbtree,
                       ${keyColumns} as columns, ${usable} as usable
                  from pg_catalog.pg_index x
                  join pg_catalog.pg_class xc on xc.oid = x.indexrelid
                  join pg_catalog.pg_am am on am.oid = xc.relam
                 where x.indrelid = c.oid and (x.indisunique or x.indisreplident)) u) i on true
     where c.relkind = 'r' and c.relpersistence = 'p'
     order by n.nspname, c.relname`;
}

/** The name of an index that was dropped since; the table has no identity then, as with NOTHING. */
const DROPPED = "";

function identityOf({ identity, index }: Pick<Row, "identity" | "index">): ReplicaIdentity {
  if (identity === "i") return { kind: "index", index: index ?? DROPPED };
  return { kind: identity === "d" ? "default" : identity === "f" ? "full" : "nothing" };
}

/**
 * Gives tables the identity that was decided on, one short transaction each (ACCESS EXCLUSIVE). Idempotent. Do it before the tables are published: a published
 * table without an identity refuses the application's updates. Errors: `lock-unavailable`, `privilege-missing` (only owners may).
 */
export async function setReplicaIdentities(source: Session, changes: readonly IdentityChange[], patience: Patience, signal: AbortSignal): Promise<IdentityOutcome[]> {
  return await turn(
    source,
    changes,
    ({ before }) => before,
    ({ during }) => during,
    patience,
    signal,
  );
}

/** Gives them back what they had before. Idempotent; what was dropped or changed by others meanwhile is left as it is, and told. Do it after the publication is dropped. */
export async function restoreReplicaIdentities(source: Session, changes: readonly IdentityChange[], patience: Patience, signal: AbortSignal): Promise<IdentityOutcome[]> {
  return await turn(
    source,
    changes,
    ({ during }) => during,
    ({ before }) => before,
    patience,
    signal,
  );
}

async function turn(
  source: Session,
  changes: readonly IdentityChange[],
  from: (change: IdentityChange) => ReplicaIdentity,
  to: (change: IdentityChange) => ReplicaIdentity,
  patience: Patience,
  signal: AbortSignal,
): Promise<IdentityOutcome[]> {
  const now = await readIdentities(source, changes);
  const outcomes: IdentityOutcome[] = [];
  for (const change of changes) {
    const found = now.get(change.oid);
    const outcome = found === undefined ? "dropped" : isThere(found.identity, to(change)) ? "already" : isSame(found.identity, from(change)) ? "changed" : "elsewise";
    if (found !== undefined && outcome === "changed") {
      const sql = `alter table only ${quoteQualified(found.schema, found.name)} replica identity ${identitySql(to(change))}`;
      await lockPatiently(source, { sql, oids: [change.oid], object: displayName(found) }, patience, signal);
    }
    outcomes.push({ change, outcome });
  }
  return outcomes;
}

interface Found {
  readonly schema: string;
  readonly name: string;
  readonly identity: ReplicaIdentity;
}

/** By oid, under the names that they have now. */
async function readIdentities(source: Session, changes: readonly IdentityChange[]): Promise<Map<string, Found>> {
  const rows = await source.query<Pick<Row, "oid" | "schema" | "name" | "identity" | "index">>(
    `select c.oid::pg_catalog.text as oid, n.nspname as schema, c.relname as name, c.relreplident::pg_catalog.text as identity,
            (select xc.relname from pg_catalog.pg_index x join pg_catalog.pg_class xc on xc.oid = x.indexrelid where x.indrelid = c.oid and x.indisreplident limit 1) as index
       from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.oid = any($1::pg_catalog.oid[])`,
    [changes.map(({ oid }) => oid)],
  );
  return new Map(rows.map((row) => [row.oid, { schema: row.schema, name: row.name, identity: identityOf(row) }]));
}

function isThere(found: ReplicaIdentity, wanted: ReplicaIdentity): boolean {
  return isSame(found, wanted) && !(found.kind === "index" && found.index === DROPPED);
}

/** An index that is gone may have been any. */
function isSame(found: ReplicaIdentity, wanted: ReplicaIdentity): boolean {
  return found.kind === wanted.kind && (found.kind !== "index" || (wanted.kind === "index" && (found.index === wanted.index || found.index === DROPPED)));
}

function identitySql(identity: ReplicaIdentity): string {
  if (identity.kind !== "index") return identity.kind;
  return identity.index === DROPPED ? "nothing" : `using index ${quoteIdentifier(identity.index)}`;
}

/** "default", "full", "nothing", "index orders_code_key". */
export function describeIdentity(identity: ReplicaIdentity): string {
  if (identity.kind !== "index") return identity.kind;
  return identity.index === DROPPED ? "an index that was dropped" : `index ${identity.index}`;
}
