import type { Session } from "../wire/session.ts";
import type { Lane } from "./lane.ts";
import type { TablePair } from "./verify.ts";

interface Column {
  readonly name: string;
  /** As format_type prints it, with modifier. */
  readonly type: string;
  readonly typeOid: string;
}

/** A table as its catalog describes it. */
export interface TableShape {
  /** In physical order. */
  readonly columns: readonly Column[];
  /** The column names of its unique btree indexes on NOT NULL columns, best first: the primary key, then the shortest. */
  readonly keys: readonly (readonly string[])[];
  /** Heap pages now. */
  readonly pages: number;
  /** False for a materialized view that was never filled: it cannot be read. */
  readonly isPopulated: boolean;
}

/** Reads many tables at once; the answer has one place per table asked for, undefined where there is no such table. */
export async function readShapes(lane: Lane, session: Session, tables: readonly TablePair[]): Promise<(TableShape | undefined)[]> {
  const rows = await lane.query<ShapeRow>(session, {
    sql: shapesQuery(session.versionNum),
    values: [tables.map((table) => table.schema), tables.map((table) => table.name)],
  });
  const shapes: (TableShape | undefined)[] = tables.map(() => undefined);
  for (const row of rows) {
    shapes[Number(row.place) - 1] = {
      columns: (row.columns ?? []).map((column) => ({ name: column.name, type: column.type, typeOid: column.oid })),
      keys: row.keys ?? [],
      pages: Number(row.pages),
      isPopulated: row.is_populated,
    };
  }
  return shapes;
}

/** What keeps the two tables' rows from being compared at all, or undefined. The order of columns is no difference. */
export function describeColumnDifference(source: TableShape, target: TableShape): string | undefined {
  const there = new Map(target.columns.map((column) => [column.name, column.type]));
  const differences: string[] = [];
  for (const { name, type } of source.columns) {
    const other = there.get(name);
    there.delete(name);
    if (other === undefined) differences.push(`${name} is missing on the target`);
    else if (other !== type) differences.push(`${name} is ${type} on the source, ${other} on the target`);
  }
  for (const name of there.keys()) differences.push(`${name} is only on the target`);
  return differences.length === 0 ? undefined : `columns differ: ${differences.join(", ")}`;
}

interface ShapeRow {
  readonly place: string;
  readonly pages: string;
  readonly is_populated: boolean;
  readonly columns: readonly { readonly name: string; readonly type: string; readonly oid: string }[] | null;
  readonly keys: readonly (readonly string[])[] | null;
}

function shapesQuery(versionNum: number): string {
  // Since 11 an index may hold columns that are not part of its key (INCLUDE).
  const keyColumns = versionNum >= 110000 ? "i.indnkeyatts" : "i.indnatts";
  return `
select asked.place, pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::pg_catalog.int8 as pages, c.relispopulated as is_populated,
  (select pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', a.attname, 'type', pg_catalog.format_type(a.atttypid, a.atttypmod), 'oid', a.atttypid::pg_catalog.text) order by a.attnum)
    from pg_catalog.pg_attribute a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
  (select pg_catalog.json_agg(key.columns order by i.indisprimary desc, ${keyColumns}, i.indexrelid)
    from pg_catalog.pg_index i
    join pg_catalog.pg_class ic on ic.oid = i.indexrelid
    join pg_catalog.pg_am am on am.oid = ic.relam and am.amname = 'btree'
    cross join lateral (
      select pg_catalog.json_agg(a.attname order by part.place) as columns, pg_catalog.bool_and(a.attnotnull) as is_not_null
      from pg_catalog.unnest(i.indkey) with ordinality as part(attnum, place)
      join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = part.attnum
      where part.place <= ${keyColumns}) as key
    where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null and key.is_not_null) as keys
from rows from (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])) with ordinality as asked(schema, name, place)
join pg_catalog.pg_namespace n on n.nspname = asked.schema
join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = asked.name`;
}
