import { displayName } from "../catalog/catalog.ts";
import type { Session } from "../wire/session.ts";

/** Which transaction wrote each relation's row of pg_class, and the relation's name as people read it, by oid. */
export type RelationVersions = ReadonlyMap<string, { readonly version: string; readonly name: string }>;

/** FirstNormalObjectId: below are the system's own (https://www.postgresql.org/docs/current/system-catalog-initial-data.html#SYSTEM-CATALOG-OID-ASSIGNMENT). */
const FIRST_OID = 16384;

/**
 * All relations whose changes are decoded, selected or not: TRUNCATE, CREATE, and any ALTER, VACUUM FULL or REFRESH that gives one another file, writes its row anew; VACUUM and ANALYZE do not
 * (https://www.postgresql.org/docs/current/catalog-pg-class.html: they overwrite it).
 */
export async function readRelationVersions(source: Session): Promise<RelationVersions> {
  const rows = await source.query<{ oid: string; version: string; schema: string; name: string }>(
    `select c.oid::pg_catalog.text as oid, c.xmin::pg_catalog.text as version, n.nspname as schema, c.relname as name
       from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.oid >= $1 and c.relkind in ('r', 'p', 'm') and c.relpersistence = 'p' order by n.nspname, c.relname`,
    [FIRST_OID],
  );
  return new Map(rows.map((row) => [row.oid, { version: row.version, name: displayName(row) }]));
}

/** The names of those that were changed or made in between; one that is gone has no more changes. */
export function changedRelations(before: RelationVersions, after: RelationVersions): string[] {
  return [...after].flatMap(([oid, { version, name }]) => (before.get(oid)?.version === version ? [] : [name]));
}
