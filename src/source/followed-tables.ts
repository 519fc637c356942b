import type { Catalog, Relation } from "../catalog/catalog.ts";

/** Which of the selected tables have their changes followed, and which cannot have. */
export interface FollowedTables {
  /** Tables with rows of their own (so partitions, not what they are partitions of). */
  readonly tables: readonly Relation[];
  /** What a publication names: the same, or a partitioned table in place of all that is below it. */
  readonly published: readonly Relation[];
  /** Their rows leave no trace in the WAL: copied again at Complete. */
  readonly unlogged: readonly Relation[];
  /** Tables that an extension made, of which only some rows move (pg_extension_config_dump with a condition): they stay as they were copied. */
  readonly partial: readonly Relation[];
}

/** Partitioned tables can be published since 13: https://www.postgresql.org/docs/release/13.0/ */
const PUBLISHES_PARTITIONED = 130000;

export function followedTables(catalog: Catalog, isSelected: (relation: Relation) => boolean): FollowedTables {
  const conditions = new Map(catalog.extensions.flatMap(({ configTables }) => configTables.map(({ relationOid, where }) => [relationOid, where] as const)));
  const moved = catalog.relations.filter(({ kind, extension, oid }) => kind === "table" && (extension === undefined || conditions.has(oid))).filter(isSelected);
  const isPartial = ({ oid }: Relation): boolean => (conditions.get(oid) ?? "") !== "";
  const tables = moved.filter((relation) => relation.persistence === "permanent" && !isPartial(relation));
  return {
    tables,
    published: catalog.database.versionNum < PUBLISHES_PARTITIONED ? tables : withRoots(catalog.relations, tables, isSelected),
    unlogged: moved.filter((relation) => relation.persistence === "unlogged" && !isPartial(relation)),
    partial: moved.filter(isPartial),
  };
}

/**
 * Partitioned tables that are selected with all that is below them are published themselves, the highest of them: so partitions that are made later are
 * followed too. (Their changes come under the partitions' own names: publish_via_partition_root is off.) Where some partitions are left out, each
 * selected one is named.
 */
function withRoots(relations: readonly Relation[], tables: readonly Relation[], isSelected: (relation: Relation) => boolean): Relation[] {
  const byOid = new Map(relations.map((relation) => [relation.oid, relation]));
  const parentOf = (relation: Relation): Relation | undefined => (relation.isPartition ? byOid.get(relation.parents[0] ?? "") : undefined);
  const incomplete = new Set<Relation>();
  for (const relation of relations) {
    if (!relation.isPartition || isSelected(relation)) continue;
    for (let above = parentOf(relation); above !== undefined; above = parentOf(above)) incomplete.add(above);
  }
  const isWhole = (relation: Relation): boolean => relation.kind === "partitionedTable" && isSelected(relation) && !incomplete.has(relation);
  const covered = new Set<Relation>();
  for (const relation of relations) {
    for (let above = parentOf(relation); above !== undefined; above = parentOf(above)) if (isWhole(above)) covered.add(relation);
  }
  // Also those without any partition yet.
  const roots = relations.filter((relation) => isWhole(relation) && !covered.has(relation));
  return [...roots, ...tables.filter((table) => !covered.has(table))];
}
