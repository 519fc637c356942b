import { type Session, majorOf } from "../../wire/session.ts";
import type { Entry } from "../entry.ts";
import { type Impossible, type RewriteContext, crossesUp } from "./rule.ts";

/** oids that never change: abstime, reltime, tinterval and their arrays. */
const OLD_TIMES = "702, 703, 704, 1023, 1024, 1025";
const NAME = "pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident";
const USER_SCHEMA = "n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'";

interface Removed {
  readonly since: number;
  readonly feature: string;
  readonly why: string;
  /** Whatever the target's version is, as long as the source has it. */
  readonly always?: true;
  /** Rows of `object`, a text, and of what is created by a statement of its own: `catalog`, an oid, and `oid` in it. */
  readonly query: string;
}

const typeUses = (oids: string): string => `
  select 'COLUMN ' || ${NAME}(c.relname) || '.' || pg_catalog.quote_ident(a.attname) as object,
         (case c.relkind when 'c' then 'pg_catalog.pg_type' else 'pg_catalog.pg_class' end)::pg_catalog.regclass as catalog, case c.relkind when 'c' then c.reltype else c.oid end as oid
    from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where a.atttypid in (${oids}) and not a.attisdropped and c.relkind in ('r', 'p', 'v', 'm', 'f', 'c') and ${USER_SCHEMA}
  union all
  select 'TYPE ' || ${NAME}(t.typname), 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
   where t.typbasetype in (${oids}) and ${USER_SCHEMA}
  union all
  select 'FUNCTION ' || p.oid::pg_catalog.regprocedure::text, 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
   where ${USER_SCHEMA} and (p.prorettype in (${oids}) or p.proargtypes::oid[] && array[${oids}]::oid[] or p.proallargtypes && array[${oids}]::oid[])`;

/** What a newer major took away and pg_dump 18 does not show, or not in a way that can be told from its text. */
const REMOVED: readonly Removed[] = [
  {
    since: 10,
    feature: "columns of type unknown",
    why: "Columns of type unknown cannot be created since PostgreSQL 10: give them type text.",
    query: typeUses("705"),
  },
  {
    since: 12,
    feature: "tables WITH OIDS",
    // pg_dump 18 leaves WITH OIDS out whatever the target is, and COPY would leave the values out.
    always: true,
    why: "PostgreSQL 12 removed the hidden column oid (https://www.postgresql.org/docs/12/release-12.html), and it cannot be moved: ALTER TABLE … SET WITHOUT OIDS, after saving the values in a column of their own if anything uses them.",
    query: `
      select 'TABLE ' || ${NAME}(c.relname) as object, 'pg_catalog.pg_class'::pg_catalog.regclass as catalog, c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       where c.relhasoids and c.relkind in ('r', 'p', 'm') and ${USER_SCHEMA}`,
  },
  {
    since: 12,
    feature: "types abstime, reltime and tinterval",
    why: "PostgreSQL 12 removed these types: change them to timestamptz, interval and tstzrange.",
    query: typeUses(OLD_TIMES),
  },
  {
    since: 13,
    feature: "pseudo-type opaque",
    why: "PostgreSQL 13 removed the pseudo-type opaque: declare the function's real types.",
    query: typeUses("2282"),
  },
];

/**
 * Reads the source's catalog for features that the newer target no longer has. Objects of extensions count: they would not come back with
 * CREATE EXTENSION either, as long as their extension moves. `moves` tells of which entries do. Nothing is asked when the migration does not go over the major that removed them.
 */
export async function findRemovedFeatures(
  session: Session,
  context: RewriteContext,
  moves: (entry: Pick<Entry, "catalogOid" | "oid">) => boolean = () => true,
): Promise<Impossible[]> {
  const found: Impossible[] = [];
  for (const { since, feature, why, query, always } of REMOVED) {
    if (!(always === true ? majorOf(context.sourceVersionNum) < since : crossesUp(context, since))) continue;
    const rows = await session.query<{ object: string; catalogOid: string; oid: string }>(
      `select x.object, coalesce(d.refclassid, x.catalog)::pg_catalog.oid::pg_catalog.text as "catalogOid", coalesce(d.refobjid, x.oid)::pg_catalog.text as oid
         from (${query}) x left join pg_catalog.pg_depend d on d.classid = x.catalog and d.objid = x.oid and d.objsubid = 0 and d.deptype = 'e' order by 1`,
    );
    const objects = rows.filter(moves).map(({ object }) => object);
    if (objects.length > 0) found.push({ feature, since, why, objects });
  }
  return found;
}
