import { type Catalog, type Relation, displayName } from "../catalog/catalog.ts";
import type { Chunk, CopyTable, TablePart } from "../copy/chunk.ts";
import { chunkBytes } from "../copy/chunk.ts";
import { quoteQualified } from "../wire/quote.ts";

const MB = 1024 * 1024;

/** Tables below this size share a chunk, up to it or 200 tables: they cost a round trip and a commit together. */
const BUNDLE_BYTES = 8 * MB;
const BUNDLE_TABLES = 200;

/** FREEZE needs a TRUNCATE, which makes new files: not worth it for tables below this size. */
const FREEZE_BYTES = 1 * MB;

const MIN_PART_BYTES = 64 * MB;

/** One part of a large table. */
export type Cut = Pick<TablePart, "condition" | "range">;

/** Tables to copy, in no particular order: tables with storage of their own, and configuration tables of extensions. */
export function copyTables(catalog: Catalog, selected: (relation: Relation) => boolean): CopyTable[] {
  const roots = partitionRoots(catalog.relations);
  const tables = catalog.relations
    .filter((relation) => relation.kind === "table" && relation.extension === undefined && selected(relation))
    .map((relation) => toCopyTable(relation, roots));
  const byOid = new Map(catalog.relations.map((relation) => [relation.oid, relation]));
  for (const { relationOid, where } of catalog.extensions.flatMap((extension) => extension.configTables)) {
    const relation = byOid.get(relationOid);
    // CREATE EXTENSION made and filled these; the rows that users added are those that the extension's condition selects.
    if (relation?.kind === "table" && selected(relation)) tables.push({ ...toCopyTable(relation, roots), where: where.replace(/^\s*where\s/i, ""), freeze: false });
  }
  return tables;
}

function toCopyTable(relation: Relation, roots: ReadonlyMap<string, Relation>): CopyTable {
  const root = roots.get(relation.oid);
  const name = quoteQualified(relation.schema, relation.name);
  return {
    oid: relation.oid,
    display: displayName(relation),
    from: name,
    into: root === undefined ? name : quoteQualified(root.schema, root.name),
    columns: relation.copyColumns,
    where: "",
    bytes: relation.bytes,
    format: relation.isBinarySafe ? "binary" : "text",
    freeze: root === undefined && relation.bytes >= FREEZE_BYTES,
  };
}

/**
 * Partitions whose rows must go through the root: a hash partition over an enum hashes the enum's oid, which is another
 * on the target, so that rows belong to another partition there; the same goes for other types that hold one, reg* types, and text of another encoding.
 * (https://www.postgresql.org/docs/current/app-pgdump.html, --load-via-partition-root)
 */
export function partitionRoots(relations: readonly Relation[]): Map<string, Relation> {
  const byOid = new Map(relations.map((relation) => [relation.oid, relation]));
  const roots = new Map<string, Relation>();
  for (const relation of relations) {
    if (!relation.isPartition) continue;
    let hashes = false;
    let top: Relation = relation;
    for (let parent = byOid.get(top.parents[0] ?? ""); parent !== undefined; parent = top.isPartition ? byOid.get(top.parents[0] ?? "") : undefined) {
      hashes ||= parent.hashesEnum;
      top = parent;
    }
    if (hashes) roots.set(relation.oid, top);
  }
  return roots;
}

/** Which tables are cut, and into how many parts: those that would keep one lane busy after the others are done. `leastBytes`: no part is made smaller. */
export function partsOf(tables: readonly CopyTable[], lanes: number, leastBytes: number = MIN_PART_BYTES): Map<string, number> {
  const total = tables.reduce((sum, table) => sum + table.bytes, 0);
  const parts = new Map<string, number>();
  if (lanes < 2) return parts;
  for (const table of tables) {
    if (table.where !== "" || table.bytes < 2 * leastBytes || table.bytes <= total / lanes) continue;
    parts.set(table.oid, Math.min(Math.floor(table.bytes / leastBytes), Math.max(2 * lanes, Math.ceil(table.bytes / (4096 * MB)))));
  }
  return parts;
}

/**
 * Conditions over ctid that cut a table of `pages` heap pages: the first has no lower and the last no upper bound, so every
 * row is in exactly one. Needs TID range scans (PostgreSQL 14: https://www.postgresql.org/docs/release/14.0/) to be fast.
 */
export function ctidConditions(pages: number, parts: number): string[] {
  const bounds = Array.from({ length: parts - 1 }, (_, at) => Math.floor((pages * (at + 1)) / parts)).filter((page, at, all) => page > (at === 0 ? 0 : all[at - 1]!));
  return rangeConditions(
    "ctid",
    bounds.map((page) => `'(${page},0)'::pg_catalog.tid`),
  );
}

/** `x < b1`, `x >= b1 and x < b2`, …, `x >= bn`; bounds are SQL expressions in ascending order. */
export function rangeConditions(column: string, bounds: readonly string[]): string[] {
  if (bounds.length === 0) return [];
  const inner = bounds.slice(1).map((bound, at) => `${column} >= ${bounds[at]} and ${column} < ${bound}`);
  return [`${column} < ${bounds[0]}`, ...inner, `${column} >= ${bounds.at(-1)}`];
}

/** Cuts and bundles tables into chunks, largest first. Tables without an entry in `cuts` (by oid) are copied whole. */
export function planChunks(tables: readonly CopyTable[], cuts: ReadonlyMap<string, readonly Cut[]>): Chunk[] {
  const chunks: Chunk[] = [];
  let id = 0;
  let bundle: CopyTable[] = [];
  let bundled = 0;
  const closeBundle = (): void => {
    if (bundle.length > 0) chunks.push({ id: ++id, kind: "whole", tables: bundle });
    bundle = [];
    bundled = 0;
  };
  for (const table of tables.toSorted((a, b) => b.bytes - a.bytes)) {
    const parts = cuts.get(table.oid) ?? [];
    if (parts.length > 1) {
      for (const cut of parts) chunks.push({ id: ++id, kind: "part", table, ...cut, bytes: table.bytes / parts.length });
      continue;
    }
    if (bundled + table.bytes > BUNDLE_BYTES || bundle.length === BUNDLE_TABLES) closeBundle();
    bundle.push(table);
    bundled += table.bytes;
  }
  closeBundle();
  return chunks.toSorted((a, b) => chunkBytes(b) - chunkBytes(a));
}
