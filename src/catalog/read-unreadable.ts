import type { Session } from "../wire/session.ts";
import { IS_USER_SCHEMA } from "./read-catalog.ts";

export interface UnreadableRelation {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  readonly isSequence: boolean;
  /** No USAGE on its schema. */
  readonly lacksUsage: boolean;
  /** No SELECT on the relation itself. */
  readonly lacksSelect: boolean;
}

/**
 * The tables and sequences that the connected account cannot read, in one query. Tables of extensions count only where they hold
 * rows of users. pg_dump needs the same rights even for the structure alone: it locks every table it describes.
 */
export async function unreadableRelations(session: Session): Promise<UnreadableRelation[]> {
  return await session.query<UnreadableRelation & Record<string, unknown>>(`
    select r.oid::text as oid, r.schema, r.name, r."isSequence", not r.usage as "lacksUsage", not r.readable as "lacksSelect"
      from (select c.oid, n.nspname as schema, c.relname as name, c.relkind = 'S' as "isSequence",
                   pg_catalog.has_schema_privilege(n.oid, 'usage') as usage, pg_catalog.has_table_privilege(c.oid, 'select') as readable
              from pg_catalog.pg_class c
              join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             where c.relkind in ('r', 'p', 'S') and c.relpersistence <> 't' and ${IS_USER_SCHEMA}) as r
     where not (r.usage and r.readable)
       and (not exists (select from pg_catalog.pg_depend d
                         where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = r.oid and d.deptype = 'e' and d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass)
            or r.oid in (select pg_catalog.unnest(e.extconfig) from pg_catalog.pg_extension e))
     order by r.schema, r.name`);
}
