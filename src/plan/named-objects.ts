import { type Catalog, type Relation, displayName } from "../catalog/catalog.ts";
import type { Entry } from "../structure/entry.ts";
import type { DependencyGraph } from "./dependency-graph.ts";
import { matcher } from "./match-pattern.ts";
import { type ObjectKind, type ObjectPattern, patternName } from "./object-pattern.ts";

/** An object that is selected, or not, as a whole. */
export interface NamedObject {
  /** Undefined: no pattern names it (operators, casts, languages …); its schema's pattern does, and need. */
  readonly kind: ObjectKind | undefined;
  /** pg_dump's type, for objects without a kind: OPERATOR, CAST … */
  readonly type: string | undefined;
  /** "table public.orders", as messages show it and patterns take it. */
  readonly label: string;
  /** The schema it lies in. */
  readonly schema: string | undefined;
  readonly name: string;
  /** Functions: name and arguments, because overloads share a name. */
  readonly signature: string | undefined;
  /** Holds rows that nobody asked for, if no pattern names it. */
  readonly isTable: boolean;
  /** Keys of its direct partitions. */
  readonly partitions: string[];
}

export type NamedObjects = ReadonlyMap<string, NamedObject>;

const RELATION_KIND: Readonly<Record<Relation["kind"], ObjectKind>> = {
  table: "table",
  partitionedTable: "table",
  foreignTable: "table",
  view: "view",
  materializedView: "materialized-view",
  sequence: "sequence",
};

/** These have an oid but belong to several objects, or to a schema: see EntryOwners. */
const NOT_OBJECTS = new Set(["ROW SECURITY", "PUBLICATION TABLE", "PUBLICATION TABLES IN SCHEMA", "DEFAULT ACL"]);

export function relationKey(oid: string): string {
  return `1259:${oid}`;
}

export function schemaKey(oid: string): string {
  return `2615:${oid}`;
}

export function extensionKey(oid: string): string {
  return `3079:${oid}`;
}

export function typeKey(oid: string): string {
  return `1247:${oid}`;
}

export function entryKey(entry: Entry): string {
  return `${entry.catalogOid}:${entry.oid}`;
}

/** All objects of the database by `catalog oid:oid`: those of the catalog, and what else the dump holds that is no part of one. */
export function nameObjects(catalog: Catalog, entries: readonly Entry[], graph: DependencyGraph): Map<string, NamedObject> {
  const objects = new Map<string, NamedObject>();
  const put = (key: string, kind: ObjectKind, schema: string | undefined, name: string, more: { isTable?: boolean; label?: string; signature?: string } = {}): void => {
    const { isTable = false, label = displayName({ schema: schema ?? "", name }), signature } = more;
    objects.set(key, { kind, type: undefined, label: `${kind} ${label}`, schema, name, signature, isTable, partitions: [] });
  };
  for (const { oid, name } of catalog.schemas) put(schemaKey(oid), "schema", undefined, name, { label: name });
  for (const { oid, name, schema } of catalog.extensions) put(extensionKey(oid), "extension", schema, name, { label: name });
  for (const { oid, name, schema } of catalog.types) put(typeKey(oid), "type", schema, name);
  for (const routine of catalog.routines) {
    const { oid, name, schema, signature } = routine;
    put(`1255:${oid}`, "function", schema, name, { signature, label: displayName(routine) + signature.slice(name.length) });
  }
  for (const { oid, name, schema, kind, extension } of catalog.relations) {
    if (extension !== undefined) continue;
    put(relationKey(oid), RELATION_KIND[kind], schema, name, { isTable: kind !== "view" && kind !== "sequence" });
  }
  for (const relation of catalog.relations) {
    if (relation.isPartition) for (const parent of relation.parents) objects.get(relationKey(parent))?.partitions.push(relationKey(relation.oid));
  }
  for (const entry of entries) {
    const { catalogOid, type, name, schema } = entry;
    const key = entryKey(entry);
    if (catalogOid === "0" || objects.has(key) || NOT_OBJECTS.has(type) || graph.wholesOf(key).length > 0) continue;
    const home = schema === "-" ? undefined : schema;
    const label = `${type.toLowerCase()} ${home === undefined ? name : displayName({ schema: home, name })}`;
    objects.set(key, { kind: type === "TYPE" ? "type" : undefined, type, label, schema: home, name, signature: undefined, isTable: false, partitions: [] });
  }
  return objects;
}

/** Keys of all objects that any pattern names. Throws `object-unknown` for a pattern that names none. */
export function matchObjects(objects: NamedObjects, patterns: readonly ObjectPattern[], unmatched = new Set<string>()): Set<string> {
  const byKind = groupByKind(objects);
  const found = new Set<string>();
  for (const { kind, pattern } of patterns) {
    const matches = matcher(pattern);
    const byName = (byKind.get(kind) ?? []).filter(([, { schema, name, signature }]) => {
      if (kind === "extension") return matches(undefined, name); // names of extensions are unique in a database
      return matches(schema, name) || (signature !== undefined && matches(schema, signature));
    });
    if (byName.length === 0) unmatched.add(patternName({ kind, pattern }));
    for (const [key] of byName) found.add(key);
  }
  // A schema stands for all that lies in it.
  const schemas = new Set([...found].flatMap((key) => (objects.get(key)?.kind === "schema" ? [objects.get(key)!.name] : [])));
  if (schemas.size > 0) for (const [key, { schema }] of objects) if (schema !== undefined && schemas.has(schema)) found.add(key);
  return found;
}

function groupByKind(objects: NamedObjects): Map<ObjectKind, (readonly [key: string, object: NamedObject])[]> {
  const groups = new Map<ObjectKind, (readonly [key: string, object: NamedObject])[]>();
  for (const [key, object] of objects) {
    if (object.kind === undefined) continue;
    const group = groups.get(object.kind);
    if (group === undefined) groups.set(object.kind, [[key, object]]);
    else group.push([key, object]);
  }
  return groups;
}
