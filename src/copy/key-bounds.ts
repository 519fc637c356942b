import { rangeConditions } from "../plan/plan-chunks.ts";
import { quoteIdentifier, quoteLiteral } from "../wire/quote.ts";
import type { Session } from "../wire/session.ts";

/**
 * Conditions that cut a table by the first column of its primary key (or of a unique index over NOT NULL columns), for servers
 * without TID range scans (before 14). Bounds come from the planner's histogram, else are spread evenly between the least
 * and the greatest value of an integer key. Empty when neither is to be had: the table is then copied whole.
 */
export async function keyConditions(session: Session, tableOid: string, parts: number): Promise<string[]> {
  const [key] = await session.query<{ column: string; type: string; is_integer: boolean; histogram: string[] | null; relation: string }>(
    `select a.attname as column, pg_catalog.format_type(a.atttypid, null) as type, a.atttypid in (20, 21, 23) as is_integer,
            s.histogram_bounds::text::text[] as histogram, $1::oid::pg_catalog.regclass::text as relation
       from pg_catalog.pg_index i
       join pg_catalog.pg_class ic on ic.oid = i.indexrelid
       join pg_catalog.pg_am m on m.oid = ic.relam and m.amname = 'btree'
       join pg_catalog.pg_class c on c.oid = i.indrelid
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
       left join pg_catalog.pg_stats s on s.schemaname = n.nspname and s.tablename = c.relname and s.attname = a.attname and not s.inherited
      where i.indrelid = $1::oid and i.indisvalid and i.indisunique and i.indpred is null and i.indexprs is null and a.attnotnull
      order by i.indisprimary desc, (s.histogram_bounds is not null) desc, i.indnatts limit 1`,
    [tableOid],
  );
  if (key === undefined) return [];
  const column = quoteIdentifier(key.column);
  const values = key.histogram !== null && key.histogram.length >= parts ? pick(key.histogram, parts) : key.is_integer ? await spread(session, key.relation, column, parts) : [];
  return rangeConditions(
    column,
    values.map((value) => `${quoteLiteral(value)}::${key.type}`),
  );
}

function pick(histogram: readonly string[], parts: number): string[] {
  const picked = Array.from({ length: parts - 1 }, (_, at) => histogram[Math.floor(((at + 1) * (histogram.length - 1)) / parts)]!);
  return picked.filter((value, at) => value !== picked[at - 1]);
}

async function spread(session: Session, relation: string, column: string, parts: number): Promise<string[]> {
  const [range] = await session.query<{ least: string | null; greatest: string | null }>(
    `select min(${column})::text as least, max(${column})::text as greatest from only ${relation}`,
  );
  if (range?.least == null || range.greatest === null) return [];
  const least = BigInt(range.least);
  const width = BigInt(range.greatest) - least;
  if (width < BigInt(parts)) return [];
  return Array.from({ length: parts - 1 }, (_, at) => String(least + (width * BigInt(at + 1)) / BigInt(parts)));
}
