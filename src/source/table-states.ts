import { IS_USER_SCHEMA } from "../catalog/read-catalog.ts";
import type { Session } from "../wire/session.ts";
import { quoteQualified } from "../wire/quote.ts";
import { PUBLICATIONS_SINCE } from "./publication.ts";
import { readTypeDefinitions } from "./type-definitions.ts";

/** What the catalog of the source says of a table, as far as it decides which rows come by the stream, and what they mean. Plain data. */
export interface TableState {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  /** pg_class.relkind: a table with rows of its own, or a partitioned one. */
  readonly kind: "r" | "p";
  /** pg_class.relpersistence: what is unlogged leaves no trace in the WAL. */
  readonly persistence: "p" | "u";
  /** The number of its file. */
  readonly file: string;
  /** The partitioned table that it is a partition of, and the transaction that made it so. */
  readonly parent: string | null;
  readonly attachedBy: string | null;
  /** It was a table before it became a partition: it may have come with rows (see holdsRows). */
  readonly wasAttached: boolean;
  /** The publication names it, with all its rows, columns and kinds of changes: see readPublished. */
  readonly published: string | null;
  readonly columns: readonly ColumnState[];
}

/** `version`: the transaction that wrote its row of pg_attribute. `definition`: the rows of the catalog that say what its labels or attributes are, where its type holds any (see type-definitions.ts). */
export type ColumnState = readonly [number: number, name: string, typeOid: string, modifier: number, generated: string, version: string, definition?: readonly string[]];

const TABLES = `c.relkind in ('r', 'p') and c.relpersistence <> 't' and ${IS_USER_SCHEMA}`;

/**
 * One figure that is another one as soon as anything of `readTableStates` is. Whatever changes a row of a catalog writes it anew, with its own transaction's number
 * (https://www.postgresql.org/docs/current/ddl-system-columns.html); ANALYZE and VACUUM overwrite. The sum needs neither a sort nor long strings: 20,000 tables of 10 columns take 0.25 s.
 */
export async function readStatesDigest(source: Session, publication: string | null): Promise<string> {
  const sums = [
    sumOf("c.oid, c.xmin", `pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where ${TABLES}`),
    sumOf("n.oid, n.xmin", `pg_catalog.pg_namespace n where ${IS_USER_SCHEMA}`),
    sumOf(
      "a.attrelid, a.attnum, a.xmin",
      `pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace where a.attnum > 0 and ${TABLES}`,
    ),
    sumOf("a.attrelid, a.attnum, a.xmin", "pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid where a.attnum > 0 and c.relkind = 'c'"),
    sumOf("e.oid, e.xmin", "pg_catalog.pg_enum e"),
    sumOf("i.inhrelid, i.inhparent, i.xmin", "pg_catalog.pg_inherits i"),
    ...(publication === null
      ? []
      : [sumOf("p.oid, p.xmin, r.oid, r.prrelid", "pg_catalog.pg_publication p left join pg_catalog.pg_publication_rel r on r.prpubid = p.oid where p.pubname = $1")]),
  ];
  const [row] = await source.query<{ digest: string }>(
    `select pg_catalog.concat_ws(' ', ${sums.map((sum) => `(${sum})`).join(", ")}) as digest`,
    publication === null ? [] : [publication],
  );
  return row?.digest ?? "";
}

function sumOf(columns: string, from: string): string {
  return `select pg_catalog.sum(pg_catalog.hashtext(pg_catalog.concat_ws('.', ${columns}))) from ${from}`;
}

/** All permanent and unlogged tables of users, by oid, as the session sees them. `publication`: Godwit's own one; null where there are none. */
export async function readTableStates(source: Session, publication: string | null): Promise<Map<string, TableState>> {
  const since = (version: number, sql: string, otherwise: string): string => (source.versionNum >= version ? sql : otherwise);
  const rows = await source.query<TableState>(
    `select c.oid::pg_catalog.text as oid, n.nspname as schema, c.relname as name, c.relkind::pg_catalog.text as kind, c.relpersistence::pg_catalog.text as persistence,
            c.relfilenode::pg_catalog.text as file, i.inhparent::pg_catalog.text as parent, i.xmin::pg_catalog.text as "attachedBy",
            coalesce(${WAS_ATTACHED}, false) as "wasAttached", coalesce(a.columns, '[]') as columns
       from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       left join pg_catalog.pg_inherits i on i.inhrelid = c.oid and ${since(100000, "c.relispartition", "false")}
       left join pg_catalog.pg_attribute m on m.attrelid = c.oid and m.attnum = -1
       left join (select a.attrelid,
                         pg_catalog.json_agg(pg_catalog.json_build_array(a.attnum, a.attname, a.atttypid::pg_catalog.text, a.atttypmod,
                             ${since(120000, "a.attgenerated", "''")}::pg_catalog.text, a.xmin::pg_catalog.text) order by a.attnum) as columns
                    from pg_catalog.pg_attribute a where a.attnum > 0 and not a.attisdropped group by a.attrelid) a on a.attrelid = c.oid
      where ${TABLES}`,
  );
  const published = await readPublished(source, publication);
  const definitions = await readTypeDefinitions(source);
  const defined = (column: ColumnState): ColumnState => {
    const [number, name, type, modifier, generated, version] = column;
    const definition = definitions.get(type);
    return definition === undefined ? column : [number, name, type, modifier, generated, version, definition.rows];
  };
  return new Map(rows.map((row) => [row.oid, { ...row, published: published.get(row.oid) ?? null, columns: row.columns.map(defined) }]));
}

/**
 * The tables that a publication names, by oid, with all their rows, columns and kinds of changes, under the tables' own names. The values are others where changes may have been left out in between: ALTER PUBLICATION … SET
 * writes its row anew, and a table that is taken out and put in again gets another row. https://www.postgresql.org/docs/current/catalog-pg-publication.html
 */
export async function readPublished(source: Session, publication: string | null): Promise<ReadonlyMap<string, string>> {
  if (publication === null || source.versionNum < PUBLICATIONS_SINCE) return new Map();
  const since = (version: number, sql: string): string => (source.versionNum >= version ? sql : "");
  const rows = await source.query<{ oid: string; published: string }>(
    `select r.prrelid::pg_catalog.text as oid, pg_catalog.concat_ws('.', p.oid, p.xmin, r.oid) as published
       from pg_catalog.pg_publication p join pg_catalog.pg_publication_rel r on r.prpubid = p.oid
      where p.pubname = $1 and p.pubinsert and p.pubupdate and p.pubdelete ${since(110000, "and p.pubtruncate")} ${since(130000, "and not p.pubviaroot")}
        ${since(150000, "and r.prqual is null and r.prattrs is null")}`,
    [publication],
  );
  return new Map(rows.map(({ oid, published }) => [oid, published]));
}

/**
 * A partition that nothing proves to have been made by CREATE TABLE … PARTITION OF. The rows of a table's system columns are never written again, so `m` tells the command that made the table. PARTITION OF makes
 * it a partition in the same transaction, and its other columns' rows are written by the making, or when it gives them their defaults, before it is a partition. ATTACH PARTITION comes later, and
 * writes the columns' rows anew (attinhcount), but no default. A row that a transaction wanted to delete, and was rolled back, proves nothing: cmin shares its place with cmax.
 * https://www.postgresql.org/docs/current/catalog-pg-attribute.html, https://www.postgresql.org/docs/current/ddl-system-columns.html
 */
const WAS_ATTACHED = `i.inhrelid is not null and not (i.xmin = m.xmin and exists (
    select from pg_catalog.pg_attribute k left join pg_catalog.pg_attrdef d on d.adrelid = k.attrelid and d.adnum = k.attnum
     where k.attrelid = c.oid and k.attnum > 0 and k.xmin = m.xmin and k.xmax::pg_catalog.text = '0' and m.xmax::pg_catalog.text = '0'
       and (k.cmin = m.cmin or (d.xmin = k.xmin and d.cmin = k.cmin and k.cmin::pg_catalog.text::bigint < i.cmin::pg_catalog.text::bigint))))`;

/**
 * No stream brings the rows that a partition had when it was attached. Which these are is not to be seen (a row's transaction may have got its number before or behind that of the attaching one, and may be a
 * part of either), so any row counts. What was deleted of them since is not seen here; the stream brings that, and it finds no row. A partitioned table is taken to have some; so is one whose rows a snapshot does not see, as
 * it was rewritten since (https://www.postgresql.org/docs/current/mvcc-caveats.html).
 */
export async function holdsRows(source: Session, { oid, schema, name, kind }: TableState): Promise<boolean> {
  if (kind === "p") return true;
  const [row] = await source.query<{ holds: boolean }>(
    `select exists (select from only ${quoteQualified(schema, name)}) or c.relfilenode is distinct from pg_catalog.pg_relation_filenode(c.oid) as holds from pg_catalog.pg_class c where c.oid = $1`,
    [oid],
  );
  return row?.holds !== false;
}
