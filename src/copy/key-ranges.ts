import { rangeConditions } from "../plan/plan-chunks.ts";
import type { Cut } from "../plan/plan-chunks.ts";
import type { Session } from "../wire/session.ts";
import { pick } from "./key-bounds.ts";

interface Key {
  readonly name: string;
  /** Quoted. */
  readonly column: string;
  readonly histogram: string[];
}

/**
 * Cuts a table by ranges of an integer, so that of each row of the stream it can be told which part it belongs to: parts may then be copied at different moments.
 * Asked of the table: the integer is the first column of its replica identity (so the old row of every change has it); no other index keeps rows apart (it could find two rows
 * of different moments alike); and its rows lie roughly in the order of the key, else reading a range of it would read the whole table. Empty when it is not so, or not known.
 */
export async function keyRanges(session: Session, tableOid: string, parts: number): Promise<Cut[]> {
  const [key] = await session.query<Key>(
    `select a.attname as name, pg_catalog.quote_ident(a.attname) as column, s.histogram_bounds::text::text[] as histogram
       from pg_catalog.pg_class c
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       join pg_catalog.pg_index i on i.indrelid = c.oid and i.indisvalid and i.indisunique and i.indpred is null
            and case c.relreplident when 'i' then i.indisreplident when 'n' then false else i.indisprimary end
       join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0] and a.attnotnull and a.atttypid in (20, 21, 23)
       join pg_catalog.pg_stats s on s.schemaname = n.nspname and s.tablename = c.relname and s.attname = a.attname and not s.inherited
      where c.oid = $1::pg_catalog.oid and s.histogram_bounds is not null and pg_catalog.abs(s.correlation) >= ${LEAST_CORRELATION}
        and not exists (select from pg_catalog.pg_index o where o.indrelid = c.oid and o.indexrelid <> i.indexrelid and (o.indisunique or o.indisexclusion))`,
    [tableOid],
  );
  if (key === undefined || key.histogram.length < parts) return [];
  const bounds = pick(key.histogram, parts);
  return rangeConditions(key.column, bounds).map((condition, at) => ({
    condition,
    range: { column: key.name, from: bounds[at - 1] ?? null, to: bounds[at] ?? null },
  }));
}

const LEAST_CORRELATION = 0.5;
