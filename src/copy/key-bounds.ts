import { rangeConditions } from "../plan/plan-chunks.ts";
import { quoteLiteral } from "../wire/quote.ts";
import type { Session } from "../wire/session.ts";

interface Key {
  readonly column: string;
  /** Its base type, quoted and qualified: by format_type, bpchar would be character, which is one letter. */
  readonly type: string;
  /** Quoted and qualified; null for a type without collations. */
  readonly collation: string | null;
  readonly is_integer: boolean;
  readonly histogram: string[] | null;
  readonly relation: string;
}

/**
 * Conditions that cut a table by the first column of its primary key (or of a unique index over NOT NULL columns), for servers
 * without TID range scans (before 14). Bounds come from the planner's histogram, else are spread evenly between the least
 * and the greatest value of an integer key. Empty when neither is to be had: the table is then copied whole.
 *
 * Only keys in the server's own order will do: with an empty search_path, `<` of an extension's type is not found, or is that of another type (text's
 * for citext); and the order of an index by another operator class or collation is not that of `<` over its column, which then reads all of the table.
 */
export async function keyConditions(session: Session, tableOid: string, parts: number): Promise<string[]> {
  const [key] = await session.query<Key>(
    `with recursive base (of, oid) as (
       select t.oid, t.oid from pg_catalog.pg_type t where t.oid in (select atttypid from pg_catalog.pg_attribute where attrelid = $1::oid and attnum > 0)
       union all select b.of, t.typbasetype from base b join pg_catalog.pg_type t on t.oid = b.oid where t.typtype = 'd'
     )
     select pg_catalog.quote_ident(a.attname) as column, pg_catalog.quote_ident(tn.nspname) || '.' || pg_catalog.quote_ident(t.typname) as type,
            pg_catalog.quote_ident(ln.nspname) || '.' || pg_catalog.quote_ident(l.collname) as collation, t.oid in (20, 21, 23) as is_integer,
            s.histogram_bounds::text::text[] as histogram, $1::oid::pg_catalog.regclass::text as relation
       from pg_catalog.pg_index i
       join pg_catalog.pg_class c on c.oid = i.indrelid
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
       join base b on b.of = a.atttypid
       join pg_catalog.pg_type t on t.oid = b.oid and t.typtype <> 'd'
       join pg_catalog.pg_namespace tn on tn.oid = t.typnamespace
       join pg_catalog.pg_opclass oc on oc.oid = i.indclass[0] and (oc.opcintype = t.oid or t.typtype = 'e' or t.oid = 'pg_catalog.varchar'::pg_catalog.regtype)
       join pg_catalog.pg_am m on m.oid = oc.opcmethod and m.amname = 'btree'
       join pg_catalog.pg_amop ao on ao.amopfamily = oc.opcfamily and ao.amopstrategy = 1 and ao.amoplefttype = oc.opcintype and ao.amoprighttype = oc.opcintype
       join pg_catalog.pg_operator o on o.oid = ao.amopopr and o.oprname = '<' and o.oprnamespace = (select oid from pg_catalog.pg_namespace where nspname = 'pg_catalog')
       left join pg_catalog.pg_collation l on l.oid = a.attcollation
       left join pg_catalog.pg_namespace ln on ln.oid = l.collnamespace
       left join pg_catalog.pg_stats s on s.schemaname = n.nspname and s.tablename = c.relname and s.attname = a.attname and not s.inherited
      where i.indrelid = $1::oid and i.indisvalid and i.indisunique and i.indpred is null and i.indexprs is null and a.attnotnull and i.indcollation[0] = a.attcollation
      order by i.indisprimary desc, (s.histogram_bounds is not null) desc, i.indnatts limit 1`,
    [tableOid],
  );
  if (key === undefined) return [];
  const values = key.histogram !== null && key.histogram.length >= parts ? pick(key.histogram, parts) : key.is_integer ? await spread(session, key, parts) : [];
  return rangeConditions(
    key.column,
    (await inOrder(session, values, key)).map((value) => `${quoteLiteral(value)}::${key.type}`),
  );
}

/**
 * Bounds in the order in which the conditions compare them: before 12 the histogram is in that of the database's collation, whatever the column's is
 * (analyze.c: "We always use the default collation for statistics"), and rows would be in two parts or in none.
 */
async function inOrder(session: Session, values: readonly string[], { type, collation }: Key): Promise<string[]> {
  const value = `bound::${type}${collation === null ? "" : ` collate ${collation}`}`;
  return (await session.query<{ bound: string }>(`select bound from pg_catalog.unnest($1::pg_catalog.text[]) as bound order by ${value}`, [values])).map(({ bound }) => bound);
}

/** Bounds of so many parts out of a histogram. */
export function pick(histogram: readonly string[], parts: number): string[] {
  const picked = Array.from({ length: parts - 1 }, (_, at) => histogram[Math.floor(((at + 1) * (histogram.length - 1)) / parts)]!);
  return picked.filter((value, at) => value !== picked[at - 1]);
}

async function spread(session: Session, { relation, column }: Key, parts: number): Promise<string[]> {
  const [range] = await session.query<{ least: string | null; greatest: string | null }>(
    `select min(${column})::text as least, max(${column})::text as greatest from only ${relation}`,
  );
  if (range?.least == null || range.greatest === null) return [];
  const least = BigInt(range.least);
  const width = BigInt(range.greatest) - least;
  if (width < BigInt(parts)) return [];
  return Array.from({ length: parts - 1 }, (_, at) => String(least + (width * BigInt(at + 1)) / BigInt(parts)));
}
