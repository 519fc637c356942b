import type { Session } from "../wire/session.ts";

/** What the values of a type mean, beyond its name: the labels of enums and the attributes of composite types in it. */
export interface TypeDefinition {
  /** In their order, as text: the same on both sides where the definition is. */
  readonly names: string;
  /** The rows of the catalog that say so, with the transactions that wrote them: another one where a label or an attribute was renamed, or made anew. */
  readonly rows: readonly string[];
}

/** FirstNormalObjectId: types of users and extensions. https://www.postgresql.org/docs/current/system-catalog-initial-data.html#SYSTEM-CATALOG-OID-ASSIGNMENT */
const USERS = 16384;

/**
 * Of the types that tables' columns have, by oid; only of those that hold enums or composite types: themselves, in arrays, domains, ranges, or as attributes. ALTER TYPE changes what is stored already, and no row
 * of the stream tells it. https://www.postgresql.org/docs/current/sql-altertype.html
 */
export async function readTypeDefinitions(session: Session): Promise<ReadonlyMap<string, TypeDefinition>> {
  const found = await session.query<{ oid: string; names: string; rows: string }>(
    `with recursive parts(whole, oid) as (
         select t.oid, t.typelem from pg_catalog.pg_type t where t.typelem >= ${USERS}
         union all select t.oid, t.typbasetype from pg_catalog.pg_type t where t.typbasetype >= ${USERS}
         union all select r.rngtypid, r.rngsubtype from pg_catalog.pg_range r where r.rngsubtype >= ${USERS}
         ${session.versionNum >= 140000 ? `union all select r.rngmultitypid, r.rngsubtype from pg_catalog.pg_range r where r.rngsubtype >= ${USERS}` : ""}
         union all select t.oid, a.atttypid from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.typrelid = a.attrelid where a.atttypid >= ${USERS} and a.attnum > 0 and not a.attisdropped
       ), used(root, oid) as (
         select a.atttypid, a.atttypid from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid
          where c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped and a.atttypid >= ${USERS}
         union select u.root, p.oid from used u join parts p on p.whole = u.oid
       ), defined as (
         select u.oid, t.typtype, t.typrelid from (select distinct u.oid from used u) u join pg_catalog.pg_type t on t.oid = u.oid where t.typtype in ('e', 'c')
       ), described(oid, names, rows) as (
         select d.oid, pg_catalog.string_agg(pg_catalog.quote_literal(e.enumlabel), ', ' order by e.enumsortorder), pg_catalog.string_agg(pg_catalog.concat_ws('.', e.oid, e.xmin), ' ' order by e.oid)
           from defined d left join pg_catalog.pg_enum e on e.enumtypid = d.oid where d.typtype = 'e' group by d.oid
         union all
         select d.oid, pg_catalog.string_agg(pg_catalog.concat_ws(' ', pg_catalog.quote_ident(a.attname), pg_catalog.format_type(a.atttypid, a.atttypmod)), ', ' order by a.attnum),
                pg_catalog.string_agg(pg_catalog.concat_ws('.', d.oid, a.attnum, a.xmin), ' ' order by a.attnum)
           from defined d left join pg_catalog.pg_attribute a on a.attrelid = d.typrelid and a.attnum > 0 and not a.attisdropped where d.typtype = 'c' group by d.oid
       )
     select u.root::pg_catalog.text as oid, pg_catalog.string_agg(pg_catalog.concat(pg_catalog.format_type(d.oid, null), '(', d.names, ')'), ' ' order by pg_catalog.format_type(d.oid, null) collate "C") as names,
            coalesce(pg_catalog.string_agg(d.rows, ' ' order by d.oid), '') as rows
       from used u join described d on d.oid = u.oid group by u.root`,
  );
  return new Map(found.map(({ oid, names, rows }) => [oid, { names, rows: rows.split(" ") }]));
}
