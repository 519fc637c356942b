import { displayName } from "../catalog/catalog.ts";
import { quoteIdentifier, quoteQualified } from "../wire/quote.ts";
import type { Session } from "../wire/session.ts";
import { type DeferrableConstraint, readDeferrable } from "./deferrable-constraint.ts";

/** A table of the target, as far as rows are written to it. */
export interface TargetTable {
  readonly schema: string;
  readonly name: string;
  /** As people read it. */
  readonly display: string;
  /** Quoted, for INSERT, COPY and TRUNCATE. */
  readonly into: string;
  /** Quoted, for UPDATE, DELETE and SELECT: without the rows of tables that inherit from it; a partitioned table's rows are those of its partitions. */
  readonly rowsOf: string;
  readonly isPartitioned: boolean;
  /** Its server looks the sorted values of an array up in one pass of an index. https://www.postgresql.org/docs/17/release-17.html */
  readonly scansForArrays: boolean;
  readonly columns: readonly TargetColumn[];
  readonly indexes: readonly TargetIndex[];
  /** Those of a partitioned table's partitions, which are what refuses a row: under names of their own, and there may be more than the table has. */
  readonly partitionIndexes: readonly TargetIndex[];
  /** Unique and exclusion constraints that may be checked late; also those that only partitions of it have. */
  readonly deferrable: readonly DeferrableConstraint[];
  /** What refers to it by foreign keys, and is not in the stream under its own name. */
  readonly referrers: readonly Referrer[];
}

/** An unlogged table, or a partitioned one, that refers to a table by a foreign key, or to such a table that does. */
export interface Referrer {
  /** Quoted, for TRUNCATE. */
  readonly rowsOf: string;
  /** Logged tables that TRUNCATE of it empties, quoted as above: partitions. */
  readonly logged: readonly string[];
}

export interface TargetColumn {
  readonly name: string;
  readonly quoted: string;
  readonly typeOid: number;
  /** -1: none. */
  readonly typeModifier: number;
  /** Quoted and qualified as needed, without a modifier. */
  readonly type: string;
  /** Oid of the array type that carries many values of it in one parameter; text[] where `isCast`. */
  readonly arrayOid: number;
  /** Values travel as text and are cast. */
  readonly isCast: boolean;
  /** What stands between the elements of such an array: "," but for box. */
  readonly delimiter: number;
  readonly isEnum: boolean;
  readonly isNotNull: boolean;
  readonly hasDefault: boolean;
  /** Computed by the server: nobody may write it. */
  readonly isGenerated: boolean;
  /** GENERATED ALWAYS AS IDENTITY: written by INSERT and COPY, never by UPDATE. */
  readonly isIdentityAlways: boolean;
}

/** An index over plain columns, of all rows. */
export interface TargetIndex {
  readonly name: string;
  /** The table that has it: the one that is written, or a partition of it. */
  readonly schema: string;
  readonly table: string;
  readonly isUnique: boolean;
  /** Checked with each row, not at the end of a statement or a transaction. */
  readonly isImmediate: boolean;
  readonly columns: readonly IndexColumn[];
}

export interface IndexColumn {
  /** Position in the `columns` of the table that is written. */
  readonly column: number;
  /** The equality that this index knows: `operator("pg_catalog".=)`. With an empty search_path `=` would be another one for citext. */
  readonly equals: string;
  /** `collate …` where the index has another collation than its column; else "". */
  readonly collate: string;
}

const TEXT_ARRAY = 1009;
const COMMA = 0x2c;

interface ColumnRow {
  wanted: number;
  kind: string;
  may_be_referred_to: boolean;
  table_oid: string;
  attnum: number;
  name: string;
  type_oid: number;
  modifier: number;
  type: string;
  array_oid: number;
  kind_of_type: string;
  delimiter: string;
  not_null: boolean;
  has_default: boolean;
  identity: string;
  generated: string;
}

interface IndexRow {
  root: string;
  table_oid: string;
  schema: string;
  relation: string;
  name: string;
  unique: boolean;
  immediate: boolean;
  plain: boolean;
  columns: (string | null)[] | null;
  equals: (string | null)[] | null;
  collates: string[] | null;
}

interface ReferrerRow {
  referred: string;
  schema: string;
  name: string;
  is_partitioned: boolean;
  logged: [schema: string, name: string][] | null;
}

/** The facts of tables, in the order of their names; undefined for those that are not there. A few queries, whatever their number. */
export async function readTargetTables(target: Session, names: readonly { readonly schema: string; readonly name: string }[]): Promise<(TargetTable | undefined)[]> {
  if (names.length === 0) return [];
  const wanted = [names.map(({ schema }) => schema), names.map(({ name }) => name)];
  const since = (version: number, expression: string, otherwise: string): string => (target.versionNum >= version ? expression : otherwise);
  // A table without columns has one row here, too.
  const columns = await target.query<ColumnRow>(
    `select w.at::int as wanted, c.relkind::text as kind, c.relhastriggers or c.relkind = 'p' as may_be_referred_to, c.oid::text as table_oid, coalesce(a.attnum, 0) as attnum, a.attname as name, a.atttypid::int as type_oid,
            a.atttypmod as modifier, pg_catalog.format_type(a.atttypid, -1) as type, t.typarray::int as array_oid, t.typtype::text as kind_of_type, t.typdelim::text as delimiter,
            a.attnotnull as not_null, a.atthasdef as has_default, a.attidentity::text as identity, ${since(120000, "a.attgenerated::text", "''")} as generated
       from rows from (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) with ordinality as w (schema, name, at)
       join pg_catalog.pg_namespace n on n.nspname = w.schema
       join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = w.name and c.relkind in ('r', 'p')
       left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
       left join pg_catalog.pg_type t on t.oid = a.atttypid
      order by w.at, a.attnum`,
    wanted,
  );
  const oids = [...new Set(columns.map((row) => row.table_oid))];
  const partitions = await readPartitions(target, [...new Set(columns.flatMap((row) => (row.kind === "p" ? [row.table_oid] : [])))]);
  // The equality of a btree index is strategy 3: https://www.postgresql.org/docs/current/xindex.html#XINDEX-STRATEGIES
  const indexes = await target.query<IndexRow>(
    `select w.root::text, i.indrelid::text as table_oid, n.nspname as schema, r.relname as relation, c.relname as name, i.indisunique as unique, i.indimmediate as immediate,
            i.indisvalid and i.indpred is null and i.indexprs is null and am.amname = 'btree' as plain,
            pg_catalog.array_agg(a.attname::text order by k.at) as columns,
            pg_catalog.array_agg('operator(' || pg_catalog.quote_ident(opn.nspname) || '.' || op.oprname || ')' order by k.at) as equals,
            pg_catalog.array_agg(case when k.coll <> a.attcollation then 'collate ' || pg_catalog.quote_ident(cn.nspname) || '.' || pg_catalog.quote_ident(co.collname) else '' end order by k.at) as collates
       from rows from (pg_catalog.unnest($1::oid[]), pg_catalog.unnest($2::oid[])) as w (root, oid)
       join pg_catalog.pg_index i on i.indrelid = w.oid
       join pg_catalog.pg_class r on r.oid = i.indrelid
       join pg_catalog.pg_namespace n on n.oid = r.relnamespace
       join pg_catalog.pg_class c on c.oid = i.indexrelid
       join pg_catalog.pg_am am on am.oid = c.relam
       cross join lateral rows from (pg_catalog.unnest(i.indkey::int2[]), pg_catalog.unnest(i.indclass::oid[]), pg_catalog.unnest(i.indcollation::oid[])) with ordinality as k (attnum, opclass, coll, at)
       join pg_catalog.pg_opclass oc on oc.oid = k.opclass
       left join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
       left join pg_catalog.pg_amop ao on ao.amopfamily = oc.opcfamily and ao.amoplefttype = oc.opcintype and ao.amoprighttype = oc.opcintype and ao.amopstrategy = 3 and am.amname = 'btree'
       left join pg_catalog.pg_operator op on op.oid = ao.amopopr
       left join pg_catalog.pg_namespace opn on opn.oid = op.oprnamespace
       left join pg_catalog.pg_collation co on co.oid = k.coll
       left join pg_catalog.pg_namespace cn on cn.oid = co.collnamespace
      group by w.root, i.indrelid, i.indexrelid, n.nspname, r.relname, c.relname, i.indisunique, i.indimmediate, i.indisvalid, i.indpred is null, i.indexprs is null, i.indisprimary, am.amname
      order by i.indrelid, i.indisprimary desc, i.indexrelid`,
    [
      [...oids, ...partitions.map(({ root }) => root)],
      [...oids, ...partitions.map(({ oid }) => oid)],
    ],
  );
  const referrers = await readReferrers(target, [...new Set(columns.flatMap((row) => (row.may_be_referred_to ? [row.table_oid] : [])))]);
  const deferrable = await readDeferrable(target, oids);
  const columnsOf = Map.groupBy(columns, (row) => row.wanted);
  const indexesOf = Map.groupBy(indexes, (row) => row.root);
  return names.map((named, at) => {
    const rows = columnsOf.get(at + 1);
    if (rows === undefined) return undefined;
    const oid = rows[0]!.table_oid;
    return toTable(named, rows, indexesOf.get(oid) ?? [], deferrable.get(oid) ?? [], referrers.get(oid) ?? [], target.versionNum);
  });
}

/** The partitions with rows of partitioned tables, on all levels. */
async function readPartitions(target: Session, oids: readonly string[]): Promise<{ readonly root: string; readonly oid: string }[]> {
  if (oids.length === 0) return [];
  return await target.query<{ root: string; oid: string }>(
    `with recursive below (root, oid) as (
       select w.oid, w.oid from pg_catalog.unnest($1::oid[]) as w (oid)
       union all
       select b.root, h.inhrelid from below b join pg_catalog.pg_inherits h on h.inhparent = b.oid
     )
     select b.root::text, b.oid::text from below b join pg_catalog.pg_class c on c.oid = b.oid and c.relkind = 'r'`,
    [oids],
  );
}

/**
 * What TRUNCATE has to name beside a table (https://www.postgresql.org/docs/current/sql-truncate.html: all that refer to it), and no stream tells of, by the table's oid. Only unlogged tables can
 * refer to unlogged ones. pg_constraint has no index by the table that is referred to; pg_depend has.
 */
async function readReferrers(target: Session, oids: readonly string[]): Promise<Map<string, ReferrerRow[]>> {
  if (oids.length === 0) return new Map();
  const rows = await target.query<ReferrerRow>(
    `with recursive referring (referred, oid) as (
       select w.oid, w.oid from pg_catalog.unnest($1::oid[]) as w (oid)
       union
       select r.referred, k.conrelid from referring r
         join pg_catalog.pg_class c on c.oid = r.oid and (c.oid = r.referred or c.relpersistence = 'u' or c.relkind = 'p')
         join pg_catalog.pg_depend d on d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = c.oid and d.classid = 'pg_catalog.pg_constraint'::regclass
         join pg_catalog.pg_constraint k on k.oid = d.objid and k.contype = 'f' and k.confrelid = c.oid
     )
     select r.referred::text as referred, n.nspname as schema, c.relname as name, c.relkind = 'p' as is_partitioned,
            (with recursive below (oid) as (select c.oid union all select i.inhrelid from below b join pg_catalog.pg_inherits i on i.inhparent = b.oid)
             select pg_catalog.json_agg(pg_catalog.json_build_array(ln.nspname, l.relname)) from below b join pg_catalog.pg_class l on l.oid = b.oid join pg_catalog.pg_namespace ln on ln.oid = l.relnamespace
              where l.relkind <> 'p' and l.relpersistence <> 'u') as logged
       from referring r join pg_catalog.pg_class c on c.oid = r.oid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where r.oid <> r.referred and (c.relpersistence = 'u' or c.relkind = 'p')`,
    [oids],
  );
  return Map.groupBy(rows, ({ referred }) => referred);
}

function toTable(
  { schema, name }: { readonly schema: string; readonly name: string },
  columnRows: readonly ColumnRow[],
  indexRows: readonly IndexRow[],
  deferrable: readonly DeferrableConstraint[],
  referrerRows: readonly ReferrerRow[],
  versionNum: number,
): TargetTable {
  const rows = columnRows.filter((row) => row.attnum > 0);
  const positions = new Map(rows.map((row, at) => [row.name, at]));
  const indexes = Map.groupBy(indexRows.filter((row) => row.plain), (row) => row.table_oid === row.root); // prettier-ignore
  const into = quoteQualified(schema, name);
  const isPartitioned = columnRows[0]!.kind === "p";
  return {
    schema,
    name,
    display: displayName({ schema, name }),
    into,
    rowsOf: rowsOf(into, isPartitioned),
    isPartitioned,
    scansForArrays: versionNum >= 170000,
    columns: rows.map(toColumn),
    indexes: (indexes.get(true) ?? []).map((row) => toIndex(row, positions)),
    partitionIndexes: (indexes.get(false) ?? []).map((row) => toIndex(row, positions)),
    deferrable,
    referrers: referrerRows.map(toReferrer),
  };
}

function toReferrer({ schema, name, is_partitioned: isPartitioned, logged }: ReferrerRow): Referrer {
  return { rowsOf: rowsOf(quoteQualified(schema, name), isPartitioned), logged: (logged ?? []).map(([of, leaf]) => rowsOf(quoteQualified(of, leaf), false)) };
}

function rowsOf(into: string, isPartitioned: boolean): string {
  return isPartitioned ? into : `only ${into}`;
}

function toColumn(row: ColumnRow): TargetColumn {
  // An array has no array type (nor has a domain before 11); in FROM, unnest would take a composite value apart.
  const isCast = row.array_oid === 0 || row.kind_of_type === "c" || row.kind_of_type === "d";
  return {
    name: row.name,
    quoted: quoteIdentifier(row.name),
    typeOid: row.type_oid >>> 0,
    typeModifier: row.modifier,
    type: row.type,
    arrayOid: isCast ? TEXT_ARRAY : row.array_oid >>> 0,
    isCast,
    delimiter: isCast ? COMMA : row.delimiter.charCodeAt(0),
    isEnum: row.kind_of_type === "e",
    isNotNull: row.not_null,
    hasDefault: row.has_default || row.identity !== "",
    isGenerated: row.generated !== "",
    isIdentityAlways: row.identity === "a",
  };
}

function toIndex(row: IndexRow, positions: ReadonlyMap<string, number>): TargetIndex {
  const columns = (row.columns ?? []).map((name, at) => ({
    column: positions.get(name!)!,
    equals: row.equals?.[at] ?? DEFAULT_EQUALS,
    collate: row.collates?.[at] ?? "",
  }));
  return { name: row.name, schema: row.schema, table: row.relation, isUnique: row.unique, isImmediate: row.immediate, columns };
}

export const DEFAULT_EQUALS = "operator(pg_catalog.=)";
