import { type Catalog, type Relation, displayName } from "../catalog/catalog.ts";
import type { IndexFacts } from "../catalog/read-indexes.ts";
import type { Dependency } from "../catalog/read-dependencies.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import type { Entry } from "../structure/entry.ts";
import type { ObjectKind, ObjectPattern } from "./object-pattern.ts";
import { matcher } from "./match-pattern.ts";

/** What moves of one database. */
export interface Selection {
  readonly entries: readonly Entry[];
  readonly isSelected: (relation: Relation) => boolean;
  /** Correlated objects that were taken along although no pattern names them. */
  readonly added: readonly string[];
  /** Objects that are selected but need a table (or something excluded) that is not: these cannot be created. */
  readonly missing: readonly { readonly object: string; readonly needs: string }[];
  /** Foreign keys that are left out because the table they refer to is not selected. */
  readonly droppedForeignKeys: readonly string[];
}

export interface SelectionInput {
  readonly catalog: Catalog;
  readonly entries: readonly Entry[];
  readonly dependencies: readonly Dependency[];
  readonly indexes: ReadonlyMap<string, IndexFacts>;
  readonly include: readonly ObjectPattern[];
  readonly exclude: readonly ObjectPattern[];
}

const PG_CLASS = "1259";

/**
 * Selects by patterns: includes (none: everything) minus excludes, then everything that the selected objects need except
 * tables, whose data nobody asked for: those become `missing`. Throws `object-unknown` for a pattern that matches nothing.
 */
export function selectObjects(input: SelectionInput): Selection {
  const ofDatabase = (pattern: ObjectPattern): boolean => pattern.kind !== "database" && pattern.kind !== "role";
  const include = input.include.filter(ofDatabase);
  const exclude = input.exclude.filter(ofDatabase);
  if (include.length === 0 && exclude.length === 0) return { entries: input.entries, isSelected: () => true, added: [], missing: [], droppedForeignKeys: [] };

  const objects = namedObjects(input);
  const matched = (patterns: readonly ObjectPattern[]): Set<string> => new Set(patterns.flatMap((pattern) => matchOne(objects, pattern)));
  const excluded = matched(exclude);
  const selected = include.length === 0 ? new Set(objects.keys()) : matched(include);
  for (const key of excluded) selected.delete(key);

  const graph = new Graph(input.dependencies);
  const added: string[] = [];
  const missing: { object: string; needs: string }[] = [];
  const queue = [...selected];
  const take = (key: string, why: string): void => {
    const object = objects.get(key);
    if (object === undefined || selected.has(key)) return;
    if (excluded.has(key) || object.isTable) {
      missing.push({ object: objects.get(why)?.label ?? why, needs: object.label });
      return;
    }
    selected.add(key);
    added.push(object.label);
    queue.push(key);
  };
  for (let key = queue.pop(); key !== undefined; key = queue.pop()) {
    const object = objects.get(key);
    for (const partition of object?.partitions ?? []) {
      if (!selected.has(partition) && !excluded.has(partition)) {
        selected.add(partition);
        queue.push(partition);
      }
    }
    for (const needed of graph.needs(key)) take(needed, key);
    for (const owned of graph.ownedBy(key)) if (!excluded.has(owned)) take(owned, key);
    const schema = object?.schemaKey;
    if (schema !== undefined && objects.has(schema)) take(schema, key);
  }

  const droppedForeignKeys: string[] = [];
  const kept = new Set<number>();
  const schemas = schemaNames(input.catalog, selected);
  const entries = input.entries.filter((entry) => {
    const keeps = keepsEntry(entry, { selected, objects, graph, kept, indexes: input.indexes, schemas, isWhole: include.length === 0 });
    if (keeps && entry.type === "FK CONSTRAINT" && graph.referenced(keyOf(entry)).some((key) => objects.has(key) && !selected.has(key))) {
      droppedForeignKeys.push(`${entry.schema}.${entry.name}`);
      return false;
    }
    if (keeps) kept.add(entry.dumpId);
    return keeps;
  });
  return { entries, isSelected: (relation) => selected.has(`${PG_CLASS}:${relation.oid}`), added, missing, droppedForeignKeys };
}

interface NamedThing {
  readonly kind: ObjectKind;
  readonly label: string;
  /** What patterns are matched against. */
  readonly schema: string | undefined;
  readonly name: string;
  readonly schemaKey: string | undefined;
  readonly isTable: boolean;
  readonly partitions: string[];
}

const RELATION_KIND: Readonly<Record<Relation["kind"], ObjectKind>> = {
  table: "table",
  partitionedTable: "table",
  foreignTable: "table",
  view: "view",
  materializedView: "materialized-view",
  sequence: "sequence",
};

/** Everything that a pattern can name, by `catalog:oid`. */
function namedObjects({ catalog, entries }: SelectionInput): Map<string, NamedThing> {
  const schemaKeys = new Map(catalog.schemas.map((schema) => [schema.name, `2615:${schema.oid}`]));
  const things = new Map<string, NamedThing>();
  const put = (key: string, kind: ObjectKind, schema: string | undefined, name: string, isTable = false): void => {
    const label = schema === undefined ? `${kind} ${name}` : `${kind} ${displayName({ schema, name })}`;
    things.set(key, { kind, label, schema, name, schemaKey: schema === undefined ? undefined : schemaKeys.get(schema), isTable, partitions: [] });
  };
  for (const schema of catalog.schemas) put(`2615:${schema.oid}`, "schema", undefined, schema.name);
  for (const extension of catalog.extensions) put(`3079:${extension.oid}`, "extension", undefined, extension.name);
  for (const type of catalog.types) put(`1247:${type.oid}`, "type", type.schema, type.name);
  for (const routine of catalog.routines) put(`1255:${routine.oid}`, "function", routine.schema, routine.name);
  for (const relation of catalog.relations) {
    if (relation.extension !== undefined) continue;
    const kind = RELATION_KIND[relation.kind];
    put(`${PG_CLASS}:${relation.oid}`, kind, relation.schema, relation.name, kind === "table" || kind === "materialized-view");
  }
  for (const relation of catalog.relations) {
    if (relation.isPartition) for (const parent of relation.parents) things.get(`${PG_CLASS}:${parent}`)?.partitions.push(`${PG_CLASS}:${relation.oid}`);
  }
  // Operators, collations, text search objects …: no pattern kind of their own, but a schema's pattern takes them, and so does need.
  for (const entry of entries) {
    const key = keyOf(entry);
    if (entry.catalogOid === "0" || things.has(key) || entry.section === "post" || entry.type === "DEFAULT") continue;
    things.set(key, { kind: "schema", label: `${entry.type.toLowerCase()} ${entry.name}`, schema: entry.schema === "-" ? undefined : entry.schema, name: "", schemaKey: schemaKeys.get(entry.schema), isTable: false, partitions: [] });
  }
  return things;
}

function matchOne(objects: ReadonlyMap<string, NamedThing>, { kind, pattern }: ObjectPattern): string[] {
  const matches = matcher(pattern);
  const found: string[] = [];
  for (const [key, thing] of objects) {
    if (kind === "schema" ? matches(undefined, thing.schema ?? (key.startsWith("2615:") ? thing.name : "")) && (thing.schema !== undefined || key.startsWith("2615:")) : thing.kind === kind && matches(thing.schema, thing.name)) found.push(key);
  }
  if (found.length === 0) throw new GodwitError("object-unknown", `no ${kind} at the source matches "${pattern}"`, { object: `${kind}=${pattern}` });
  return found;
}

class Graph {
  readonly #needs = new Map<string, string[]>();
  readonly #ownedBy = new Map<string, string[]>();
  readonly #partOf = new Map<string, string[]>();
  readonly #references = new Map<string, string[]>();

  constructor(dependencies: readonly Dependency[]) {
    for (const { object, needs, kind } of dependencies) {
      if (kind === "needs") append(this.#needs, object, needs);
      else if (kind === "owned") append(this.#ownedBy, needs, object);
      else if (kind === "foreignKey") append(this.#references, object, needs);
      else append(this.#partOf, object, needs);
    }
  }

  needs(key: string): readonly string[] {
    return this.#needs.get(key) ?? [];
  }

  ownedBy(key: string): readonly string[] {
    return this.#ownedBy.get(key) ?? [];
  }

  wholes(key: string): readonly string[] {
    return this.#partOf.get(key) ?? [];
  }

  referenced(key: string): readonly string[] {
    return this.#references.get(key) ?? [];
  }
}

interface KeepContext {
  readonly selected: ReadonlySet<string>;
  readonly objects: ReadonlyMap<string, NamedThing>;
  readonly graph: Graph;
  readonly kept: ReadonlySet<number>;
  readonly indexes: ReadonlyMap<string, IndexFacts>;
  readonly schemas: ReadonlySet<string>;
  readonly isWhole: boolean;
}

/** An entry stays when its object is selected, or what it is part of, or what it depends on (comments, grants). */
function keepsEntry(entry: Entry, context: KeepContext): boolean {
  const { selected, objects, graph, kept, indexes } = context;
  const key = keyOf(entry);
  if (objects.has(key)) return selected.has(key);
  if (entry.type === "ROW SECURITY") return selected.has(`${PG_CLASS}:${entry.oid}`);
  const index = indexes.get(entry.oid);
  if (index !== undefined && (entry.type === "INDEX" || entry.type === "CONSTRAINT")) return selected.has(`${PG_CLASS}:${index.tableOid}`);
  const wholes = graph.wholes(key);
  if (wholes.length > 0) return wholes.every((whole) => selected.has(whole));
  if (entry.dependencies.length > 0) return entry.dependencies.some((id) => kept.has(id));
  if (entry.type === "INDEX ATTACH" || entry.type === "TABLE ATTACH") return isAttachedSelected(entry, context);
  const needs = graph.needs(key).filter((needed) => objects.has(needed));
  if (needs.length > 0) return needs.every((needed) => selected.has(needed)); // extended statistics, casts
  return context.isWhole || (entry.schema !== "-" && context.schemas.has(entry.schema));
}

/** ATTACH entries carry no oid: only the name of the partition, or of its index. */
function isAttachedSelected(entry: Entry, { objects, selected, indexes }: KeepContext): boolean {
  if (entry.type === "TABLE ATTACH") {
    return [...objects].some(([key, thing]) => thing.isTable && thing.schema === entry.schema && thing.name === entry.name && selected.has(key));
  }
  return [...indexes.values()].some((index) => index.schema === entry.schema && index.name === entry.name && selected.has(`${PG_CLASS}:${index.tableOid}`));
}

function schemaNames(catalog: Catalog, selected: ReadonlySet<string>): Set<string> {
  return new Set(catalog.schemas.filter((schema) => selected.has(`2615:${schema.oid}`)).map((schema) => schema.name));
}

function keyOf(entry: Entry): string {
  return `${entry.catalogOid}:${entry.oid}`;
}

function append(map: Map<string, string[]>, key: string, value: string): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
