import type { Session } from "../wire/session.ts";
import type { Catalog, Relation } from "./catalog.ts";

export interface UnreadableRelation {
  readonly relation: Relation;
  /** No USAGE on its schema. */
  readonly lacksUsage: boolean;
  /** No SELECT on the relation itself. */
  readonly lacksSelect: boolean;
}

/**
 * The tables and sequences that the connected account cannot read, in one query. Tables of extensions count only where they hold
 * rows of users. pg_dump needs the same rights even for the structure alone: it locks every table it describes.
 */
export async function unreadableRelations(session: Session, catalog: Catalog): Promise<UnreadableRelation[]> {
  const config = new Set(catalog.extensions.flatMap(({ configTables }) => configTables.map(({ relationOid }) => relationOid)));
  const read = catalog.relations.filter(
    ({ kind, extension, oid }) => (kind === "table" || kind === "partitionedTable" || kind === "sequence") && (extension === undefined || config.has(oid)),
  );
  const rows = await session.query<{ oid: string; usage: boolean; select: boolean }>(
    `select * from (
       select c.oid::text as oid, pg_catalog.has_schema_privilege(c.relnamespace, 'usage') as usage, pg_catalog.has_table_privilege(c.oid, 'select') as select
         from pg_catalog.unnest($1::pg_catalog.oid[]) as w(oid) join pg_catalog.pg_class c on c.oid = w.oid) as r
      where not (r.usage and r.select)`,
    [read.map(({ oid }) => oid)],
  );
  const byOid = new Map(read.map((relation) => [relation.oid, relation]));
  return rows.flatMap(({ oid, usage, select }) => {
    const relation = byOid.get(oid);
    return relation === undefined ? [] : [{ relation, lacksUsage: !usage, lacksSelect: !select }];
  });
}
