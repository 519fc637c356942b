import type { Catalog, Relation } from "../catalog/catalog.ts";
import type { Dependency, ExtensionMember } from "../catalog/read-dependencies.ts";
import type { IndexFacts } from "../catalog/read-indexes.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import type { Entry } from "../structure/entry.ts";
import { DependencyGraph } from "./dependency-graph.ts";
import { EntryOwners } from "./entry-owners.ts";
import { type NamedObject, type NamedObjects, entryKey, extensionKey, matchObjects, nameObjects, relationKey } from "./named-objects.ts";
import type { ObjectPattern } from "./object-pattern.ts";

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
  /** Extended statistics that are left out because something that they need (the schema they lie in) is excluded: their table does not need them. */
  readonly droppedStatistics: readonly string[];
  /** Patterns that match nothing in this database; see `refuseUnmatched`. */
  readonly unmatched: ReadonlySet<string>;
}

export interface SelectionInput {
  readonly catalog: Catalog;
  readonly entries: readonly Entry[];
  readonly dependencies: readonly Dependency[];
  readonly members: readonly ExtensionMember[];
  readonly indexes: ReadonlyMap<string, IndexFacts>;
  readonly include: readonly ObjectPattern[];
  readonly exclude: readonly ObjectPattern[];
}

/**
 * Selects by patterns: includes (none: everything) minus excludes, then everything that the selected objects need except
 * tables, whose data nobody asked for: those become `missing`.
 *
 * What belongs to no schema and that no pattern names (event triggers, publications, casts …) moves when there is no include; with includes only
 * when a selected object needs it, and casts and transforms when all that they need is selected.
 */
export function selectObjects(input: SelectionInput): Selection {
  const ofDatabase = ({ kind }: ObjectPattern): boolean => kind !== "database" && kind !== "role";
  const include = input.include.filter(ofDatabase);
  const exclude = input.exclude.filter(ofDatabase);
  if (include.length === 0 && exclude.length === 0)
    return { entries: input.entries, isSelected: () => true, added: [], missing: [], droppedForeignKeys: [], droppedStatistics: [], unmatched: new Set() };

  const unmatched = new Set<string>();
  const graph = new DependencyGraph(input.dependencies);
  const objects = nameObjects(input.catalog, input.entries, graph);
  const excluded = new Exclusion(objects, graph, matchObjects(objects, exclude, unmatched));
  const included = include.length === 0 ? objects.keys() : matchObjects(objects, include, unmatched);
  const sequencePatterns = include.filter(({ kind }) => kind === "sequence");
  const named = sequencePatterns.length === 0 ? new Set<string>() : matchObjects(objects, sequencePatterns);
  const chosen = new Set([...included].filter((key) => !excluded.has(key) && (named.has(key) || !excluded.ownsSequence(key))));

  const closure = new Closure(objects, graph, excluded, chosen, new Set(input.entries.map(entryKey)));
  closure.takeNeeded();
  closure.takeConversions();
  return {
    ...selectEntries(input, objects, graph, closure, include.length === 0),
    isSelected: relationTest(input.catalog, closure.selected),
    ...closure.result(),
    unmatched,
  };
}

/** Throws `object-unknown` for a pattern that matches nothing in any of the databases that move. */
export function refuseUnmatched(selections: readonly Selection[]): void {
  const [first, ...others] = selections;
  for (const name of first?.unmatched ?? []) {
    if (!others.every(({ unmatched }) => unmatched.has(name))) continue;
    const [kind, pattern] = [name.slice(0, name.indexOf("=")), name.slice(name.indexOf("=") + 1)];
    throw new GodwitError("object-unknown", `no ${kind} at the source matches "${pattern}"`, { object: name });
  }
}

/** What must not move: what the patterns name, the partitions of it, and objects that no pattern could name and that need it. */
class Exclusion {
  readonly #keys: Set<string>;
  readonly #graph: DependencyGraph;
  /** For an object that is excluded because of another one: that one. */
  readonly #causes = new Map<string, string>();

  constructor(objects: NamedObjects, graph: DependencyGraph, keys: Set<string>) {
    this.#keys = keys;
    this.#graph = graph;
    for (const key of keys) for (const partition of objects.get(key)?.partitions ?? []) keys.add(partition); // a Set's loop visits what is added meanwhile
    const nameless = keys.size === 0 ? [] : [...objects].filter(([, { kind }]) => kind === undefined).map(([key]) => key);
    for (let before = -1; before < keys.size;) {
      before = keys.size;
      for (const key of nameless) {
        const cause = keys.has(key) ? undefined : graph.needed(key, (needed) => objects.has(needed)).find((needed) => keys.has(needed));
        if (cause === undefined) continue;
        keys.add(key);
        this.#causes.set(key, this.causeOf(cause));
      }
    }
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  causeOf(key: string): string {
    return this.#causes.get(key) ?? key;
  }

  /** A sequence whose table is excluded goes with it, unless something else needs it. */
  ownsSequence(sequence: string): boolean {
    return this.#graph.ownersOf(sequence).some((table) => this.#keys.has(table));
  }
}

/** The selected objects, growing by all that they need. */
class Closure {
  readonly selected: Set<string>;
  readonly #objects: NamedObjects;
  readonly #graph: DependencyGraph;
  readonly #excluded: Exclusion;
  /** What the dump creates: the rest (schema public, functions that come with a type) is not worth a word. */
  readonly #dumped: ReadonlySet<string>;
  readonly #added: string[] = [];
  readonly #missing = new Map<string, { readonly object: string; readonly needs: string }>();

  constructor(objects: NamedObjects, graph: DependencyGraph, excluded: Exclusion, selected: Set<string>, dumped: ReadonlySet<string>) {
    this.#objects = objects;
    this.#graph = graph;
    this.#excluded = excluded;
    this.selected = selected;
    this.#dumped = dumped;
  }

  takeNeeded(): void {
    // A Set's loop visits what is added meanwhile.
    for (const key of this.selected) {
      const object = this.#objects.get(key);
      if (object === undefined) continue;
      for (const partition of object.partitions) if (!this.#excluded.has(partition)) this.#take(partition);
      for (const sequence of this.#graph.ownedBy(key)) if (!this.#excluded.has(sequence)) this.#take(sequence);
      for (const needed of this.#needed(key)) this.#need(needed, object);
      for (const statistics of this.#graph.statisticsOf(key)) if (this.allows(statistics)) for (const needed of this.#needed(statistics)) this.#need(needed, object);
    }
  }

  /** Nothing that it needs is excluded. */
  allows(key: string): boolean {
    return !this.#needed(key).some((needed) => this.#excluded.has(needed));
  }

  /** Nobody asks for casts and transforms by name: they come with their types and functions. */
  takeConversions(): void {
    for (const [key, { type }] of this.#objects) {
      if ((type !== "CAST" && type !== "TRANSFORM") || this.#excluded.has(key)) continue;
      const needs = this.#needed(key);
      if (needs.length > 0 && needs.every((needed) => this.selected.has(needed))) this.#take(key);
    }
  }

  result(): Pick<Selection, "added" | "missing"> {
    return { added: this.#added, missing: [...this.#missing.values()] };
  }

  #needed(key: string): string[] {
    return this.#graph.needed(key, (needed) => this.#objects.has(needed));
  }

  #need(key: string, by: NamedObject): void {
    const object = this.#objects.get(key);
    if (object === undefined || this.selected.has(key)) return;
    if (!this.#excluded.has(key) && !object.isTable) return this.#take(key);
    const needs = this.#objects.get(this.#excluded.causeOf(key))?.label ?? object.label;
    this.#missing.set(`${by.label} ${needs}`, { object: by.label, needs });
  }

  #take(key: string): void {
    const object = this.#objects.get(key);
    // Schema public is in every database: nothing in it is changed because of one object.
    if (object === undefined || this.selected.has(key) || (object.kind === "schema" && object.name === "public")) return;
    this.selected.add(key);
    if (this.#dumped.has(key)) this.#added.push(object.label);
  }
}

/** The entries of the selected objects, in their order. */
function selectEntries(
  input: SelectionInput,
  objects: NamedObjects,
  graph: DependencyGraph,
  closure: Closure,
  isWhole: boolean,
): Pick<Selection, "entries" | "droppedForeignKeys" | "droppedStatistics"> {
  const owners = new EntryOwners({ ...input, objects, graph });
  const droppedForeignKeys: string[] = [];
  const droppedStatistics: string[] = [];
  const dropped = new Set<number>();
  const isSelected = (key: string): boolean => closure.selected.has(key);
  const drop = (entry: Entry, list: string[]): boolean => {
    list.push(`${entry.schema}.${entry.name}`);
    dropped.add(entry.dumpId);
    return false;
  };
  const entries = input.entries.filter((entry) => {
    if (!(owners.of(entry)?.every(isSelected) ?? isWhole)) return false;
    if (entry.dependencies.some((id) => dropped.has(id))) return false; // its comment
    if (entry.type === "STATISTICS" && !closure.allows(entryKey(entry))) return drop(entry, droppedStatistics);
    if (entry.type === "FK CONSTRAINT" && !refersTo(entry, objects, graph).every(isSelected)) return drop(entry, droppedForeignKeys);
    return true;
  });
  return { entries, droppedForeignKeys, droppedStatistics };
}

/** The table that a foreign key refers to, or the extension that made that table. */
function refersTo(entry: Entry, objects: NamedObjects, graph: DependencyGraph): readonly string[] {
  return graph.referencedBy(entryKey(entry)).flatMap((table) => (objects.has(table) ? [table] : graph.needed(table, (needed) => objects.has(needed))));
}

/** Tables of an extension move (their users' rows) when the extension does. */
function relationTest(catalog: Catalog, selected: ReadonlySet<string>): (relation: Relation) => boolean {
  const extensions = new Map(catalog.extensions.map(({ name, oid }) => [name, extensionKey(oid)]));
  return ({ oid, extension }) => selected.has(extension === undefined ? relationKey(oid) : (extensions.get(extension) ?? ""));
}
