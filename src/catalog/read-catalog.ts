import type { Session } from "../wire/session.ts";
import type { Catalog, DatabaseFacts, ExtensionFacts, NamedObject, Relation, RelationKind, SchemaFacts } from "./catalog.ts";
import { namingForeignBytes } from "./foreign-bytes.ts";
import { SharedStrings } from "./shared-strings.ts";

/** Schemas that belong to the server. Toast and temporary ones begin with pg_ too, and users cannot make such names. */
export const IS_USER_SCHEMA = `n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`;

const KINDS: Readonly<Record<string, RelationKind>> = { r: "table", p: "partitionedTable", v: "view", m: "materializedView", S: "sequence", f: "foreignTable" };

/**
 * Built-in types whose binary COPY form is the same on every supported version and holds no oid. Measured, binary costs source and target about
 * half the CPU of text (`docs/decisions/binary-copy.md`). Not here: reg* (their binary form is an oid of this server), money (depends on a locale), xml.
 */
const BINARY_SAFE = [
  "bool", "bytea", "char", "name", "int8", "int2", "int4", "text", "oid", "float4", "float8", "date", "time", "timestamp", "timestamptz", "interval", "timetz",
  "numeric", "uuid", "varchar", "bpchar", "json", "jsonb", "macaddr", "macaddr8", "inet", "cidr", "bit", "varbit", "point", "lseg", "path", "box", "polygon",
  "line", "circle", "tsvector", "int4range", "int8range", "numrange", "tsrange", "tstzrange", "daterange", "pg_lsn",
].map((name) => `'${name}'`).join(", "); // prettier-ignore

/**
 * Columns of built-in types whose hash may be another one on the target: reg* are oids, and a text's hash is that of its bytes, which differ in
 * another encoding (a target is UTF8, or the same).
 */
const HASHED_OTHERWISE = `ka.atttypid in (select t.oid from pg_catalog.pg_type t where t.typname ~ '^_?reg')
                   or (pg_catalog.getdatabaseencoding() <> 'UTF8' and (ka.attcollation <> 0 or ka.atttypid = 'pg_catalog.jsonb'::pg_catalog.regtype))`;

/** Reads the catalog of the connected database in a handful of set-based queries, inside the caller's transaction if any. */
export async function readCatalog(session: Session): Promise<Catalog> {
  return await namingForeignBytes(session.endpoint, async () => await readParts(session));
}

async function readParts(session: Session): Promise<Catalog> {
  const [database, schemas, relations, types, routines, extensions, largeObjects] = [
    await readDatabase(session),
    await readSchemas(session),
    await readRelations(session),
    await readTypes(session),
    await readRoutines(session),
    await readExtensions(session),
    await session.query<{ count: string }>("select count(*) as count from pg_catalog.pg_largeobject_metadata"),
  ];
  return { database, schemas, relations, types, routines, extensions, largeObjects: { count: Number(largeObjects[0]?.count ?? 0) } };
}

async function readDatabase(session: Session): Promise<DatabaseFacts> {
  const [row] = await session.query<{ name: string; encoding: string; collate: string | null; ctype: string | null; bytes: string | null; super: boolean; recovery: boolean }>(`
    select d.datname as name, pg_catalog.pg_encoding_to_char(d.encoding) as encoding, d.datcollate as collate, d.datctype as ctype,
           case when pg_catalog.has_database_privilege(d.oid, 'connect') then pg_catalog.pg_database_size(d.oid) end as bytes,
           (select rolsuper from pg_catalog.pg_roles where rolname = current_user) as super,
           pg_catalog.pg_is_in_recovery() as recovery
      from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()`);
  return {
    name: row?.name ?? "",
    versionNum: session.versionNum,
    encoding: row?.encoding ?? "",
    collate: row?.collate ?? "",
    ctype: row?.ctype ?? "",
    bytes: Number(row?.bytes ?? 0),
    isSuperuser: row?.super ?? false,
    isInRecovery: row?.recovery ?? false,
  };
}

async function readSchemas(session: Session): Promise<SchemaFacts[]> {
  const rows = await session.query<Omit<SchemaFacts, "extension"> & { extension: string | null }>(`
    select n.oid::text as oid, n.nspname as name, pg_catalog.pg_get_userbyid(n.nspowner) as owner, e.extname as extension
      from pg_catalog.pg_namespace n
      ${extensionOf("pg_namespace", "n.oid")}
     where ${IS_USER_SCHEMA}`);
  return rows.map((row) => ({ ...row, extension: row.extension ?? undefined }));
}

interface RelationRow {
  oid: string;
  schema: string;
  name: string;
  owner: string;
  kind: string;
  unlogged: boolean;
  extension: string | null;
  bytes: string | null;
  index_bytes: string | null;
  pages: string | null;
  rows: number;
  parents: string[] | null;
  is_partition: boolean;
  is_populated: boolean;
  row_security: boolean;
  copy_columns: string | null;
  binary_safe: boolean | null;
  hashes_enum: boolean;
}

const NO_PARENTS: readonly string[] = [];

async function readRelations(session: Session): Promise<Relation[]> {
  const since = (version: number, expression: string, otherwise: string): string => (session.versionNum >= version ? expression : otherwise);
  const rows = await session.query<RelationRow>(`
    with base (oid) as (
      select t.oid from pg_catalog.pg_type t
       where t.typnamespace = (select oid from pg_catalog.pg_namespace where nspname = 'pg_catalog') and t.typname in (${BINARY_SAFE}) and pg_catalog.current_setting('integer_datetimes') = 'on'
    ), binary_safe (oid) as (
      -- enums travel by their labels; domains as their base type; arrays hold the element type's oid, which is the same for built-in types
      select oid from base
      union select t.oid from pg_catalog.pg_type t
       where t.typtype = 'e' or (t.typtype = 'd' and t.typbasetype in (select oid from base)) or (t.typelem in (select oid from base) and t.typlen = -1 and t.typcategory = 'A' and t.typname not in ('oidvector', 'int2vector'))
    )
    select c.oid::text as oid, n.nspname as schema, c.relname as name, pg_catalog.pg_get_userbyid(c.relowner) as owner, c.relkind::text as kind,
           c.relpersistence = 'u' as unlogged, e.extname as extension,
           f.main + f.toast as bytes, f.main / pg_catalog.current_setting('block_size')::int as pages,
           i.bytes as index_bytes, c.reltuples as rows, h.parents,
           ${since(100000, "c.relispartition", "false")} as is_partition,
           c.relispopulated as is_populated,
           ${since(90500, "c.relrowsecurity", "false")} as row_security,
           a.copy_columns, a.binary_safe,
           ${since(110000, "coalesce(p.hashes_enum, false)", "false")} as hashes_enum
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      ${extensionOf("pg_class", "c.oid")}
      -- each look at a file opens its table: once each, in the order in which the catalog lies there
      left join (select t.oid, pg_catalog.pg_relation_size(t.oid) as main, coalesce(pg_catalog.pg_relation_size(nullif(t.reltoastrelid, 0)), 0) as toast
                   from pg_catalog.pg_class t where t.relkind in ('r', 'm') offset 0) f on f.oid = c.oid
      left join (select x.indrelid, sum(ic.relpages::bigint) * pg_catalog.current_setting('block_size')::bigint as bytes
                   from pg_catalog.pg_index x join pg_catalog.pg_class ic on ic.oid = x.indexrelid group by x.indrelid) i on i.indrelid = c.oid
      left join (select inhrelid, pg_catalog.array_agg(inhparent::text order by inhseqno) as parents from pg_catalog.pg_inherits group by inhrelid) h on h.inhrelid = c.oid
      left join (select attrelid, pg_catalog.string_agg('"' || pg_catalog.replace(attname, '"', '""') || '"', ', ' order by attnum) as copy_columns,
                        pg_catalog.bool_and(atttypid in (select oid from binary_safe)) as binary_safe
                   from pg_catalog.pg_attribute where attnum > 0 and not attisdropped ${since(120000, "and attgenerated = ''", "")}
                  group by attrelid) a on a.attrelid = c.oid and c.relkind = 'r'
      ${since(
        110000,
        `left join (select pt.partrelid, pg_catalog.bool_or(k.attnum = 0 or ka.atttypid >= 16384 or ${HASHED_OTHERWISE}) as hashes_enum
                   from pg_catalog.pg_partitioned_table pt cross join lateral pg_catalog.unnest(pt.partattrs::int2[]) as k(attnum)
                   left join pg_catalog.pg_attribute ka on ka.attrelid = pt.partrelid and ka.attnum = k.attnum
                  where pt.partstrat = 'h' group by pt.partrelid) p on p.partrelid = c.oid`,
        "",
      )}
     where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and c.relpersistence <> 't' and ${IS_USER_SCHEMA}`);
  const shared = new SharedStrings();
  return rows.map((row) => ({
    oid: row.oid,
    schema: shared.get(row.schema),
    name: row.name,
    owner: shared.get(row.owner),
    kind: KINDS[row.kind] ?? "table",
    persistence: row.unlogged ? "unlogged" : "permanent",
    extension: row.extension ?? undefined,
    bytes: Number(row.bytes ?? 0),
    indexBytes: Number(row.index_bytes ?? 0),
    pages: Number(row.pages ?? 0),
    estimatedRows: row.rows,
    parents: row.parents ?? NO_PARENTS,
    isPartition: row.is_partition,
    isPopulated: row.is_populated,
    hasRowSecurity: row.row_security,
    copyColumns: shared.get(row.copy_columns ?? ""),
    isBinarySafe: row.binary_safe ?? false,
    hashesEnum: row.hashes_enum,
  }));
}

/** Types that users make: base, composite, domain, enum, range; not the row types of tables, nor array types. */
async function readTypes(session: Session): Promise<NamedObject[]> {
  return await session.query<NamedObject>(`
    select t.oid::text as oid, n.nspname as schema, t.typname as name, pg_catalog.pg_get_userbyid(t.typowner) as owner
      from pg_catalog.pg_type t
      join pg_catalog.pg_namespace n on n.oid = t.typnamespace
      left join pg_catalog.pg_class c on c.oid = t.typrelid
      ${extensionOf("pg_type", "t.oid")}
     where ${IS_USER_SCHEMA} and e.oid is null and (t.typtype in ('d', 'e', 'r') or (t.typtype = 'c' and c.relkind = 'c') or (t.typtype = 'b' and t.typelem = 0))`);
}

async function readRoutines(session: Session): Promise<Catalog["routines"]> {
  return await session.query<NamedObject & { signature: string }>(`
    select p.oid::text as oid, n.nspname as schema, p.proname as name, pg_catalog.pg_get_userbyid(p.proowner) as owner,
           p.proname || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')' as signature
      from pg_catalog.pg_proc p
      join pg_catalog.pg_namespace n on n.oid = p.pronamespace
      ${extensionOf("pg_proc", "p.oid")}
     where ${IS_USER_SCHEMA} and e.oid is null`);
}

async function readExtensions(session: Session): Promise<ExtensionFacts[]> {
  const rows = await session.query<{ oid: string; name: string; version: string; schema: string; config: string[] | null; conditions: string[] | null }>(`
    select e.oid::text as oid, e.extname as name, e.extversion as version, n.nspname as schema, e.extconfig::text[] as config, e.extcondition as conditions
      from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace
     where e.extname <> 'plpgsql'`);
  return rows.map(({ config, conditions, ...row }) => ({
    ...row,
    configTables: (config ?? []).map((relationOid, at) => ({ relationOid, where: conditions?.[at] ?? "" })),
  }));
}

/** Joins the extension that an object belongs to. https://www.postgresql.org/docs/current/catalog-pg-depend.html (deptype e) */
function extensionOf(catalog: string, oid: string): string {
  return `left join pg_catalog.pg_depend de on de.classid = 'pg_catalog.${catalog}'::pg_catalog.regclass and de.objid = ${oid} and de.deptype = 'e'
      left join pg_catalog.pg_extension e on e.oid = de.refobjid and de.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass`;
}
