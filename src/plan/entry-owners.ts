import type { Catalog } from "../catalog/catalog.ts";
import type { ExtensionMember } from "../catalog/read-dependencies.ts";
import type { IndexFacts } from "../catalog/read-indexes.ts";
import type { Entry } from "../structure/entry.ts";
import type { DependencyGraph } from "./dependency-graph.ts";
import { type NamedObjects, entryKey, extensionKey, relationKey, schemaKey, typeKey } from "./named-objects.ts";

interface OwnersInput {
  readonly catalog: Catalog;
  readonly entries: readonly Entry[];
  readonly indexes: ReadonlyMap<string, IndexFacts>;
  readonly members: readonly ExtensionMember[];
  readonly objects: NamedObjects;
  readonly graph: DependencyGraph;
}

/**
 * Tells which objects an entry of the dump belongs to. Some entries carry no oid (`TABLE ATTACH`, grants, comments …): those are
 * found through pg_dump's own numbers or by the name in their SQL. (The name in the header has its line breaks replaced.)
 */
export class EntryOwners {
  readonly #input: OwnersInput;
  readonly #byDumpId: ReadonlyMap<number, Entry>;
  readonly #relations: ReadonlyMap<string, string>;
  readonly #indexTables: ReadonlyMap<string, string>;
  readonly #types: ReadonlyMap<string, string>;
  readonly #schemas: ReadonlyMap<string, string>;
  /** Extensions by schema and name of their members. */
  readonly #memberOf: ReadonlyMap<string, string>;

  constructor(input: OwnersInput) {
    const { catalog, entries, indexes } = input;
    this.#input = input;
    this.#byDumpId = new Map(entries.map((entry) => [entry.dumpId, entry]));
    this.#relations = new Map(catalog.relations.map(({ schema, name, oid }) => [joined(schema, name), relationKey(oid)]));
    this.#indexTables = new Map([...indexes.values()].map(({ schema, name, tableOid }) => [joined(schema, name), relationKey(tableOid)]));
    this.#types = new Map(catalog.types.map(({ schema, name, oid }) => [joined(schema, name), typeKey(oid)]));
    this.#schemas = new Map(catalog.schemas.map(({ name, oid }) => [name, schemaKey(oid)]));
    this.#memberOf = new Map(input.members.map(({ schema, name, extensionOid }) => [joined(schema, name), extensionKey(extensionOid)]));
  }

  /** Keys of the objects that must all move for this entry to move; undefined when it belongs to the database as a whole. */
  of(entry: Entry): readonly string[] | undefined {
    const { objects, graph } = this.#input;
    const key = entryKey(entry);
    if (objects.has(key)) return [key];
    const wholes = graph.wholesOf(key);
    if (wholes.length > 0) return wholes;
    switch (entry.type) {
      case "TABLE ATTACH":
        return found(this.#relations.get(nameBehind("ATTACH PARTITION", entry)));
      case "INDEX ATTACH":
        return found(this.#indexTables.get(nameBehind("ATTACH PARTITION", entry)));
      case "DEFAULT": // of an inherited column, changed or taken away in the child
        return found(this.#relations.get(nameBehind("ALTER TABLE(?: ONLY)?", entry)));
      case "SHELL TYPE":
        return found(this.#types.get(nameBehind("CREATE TYPE", entry)));
      case "ROW SECURITY":
        return [relationKey(entry.oid)];
      case "USER MAPPING":
        return found([...objects].find(([, { type, name }]) => type === "SERVER" && entry.name.endsWith(` SERVER ${name}`))?.[0]);
      case "DEFAULT ACL":
        return entry.schema === "-" ? undefined : found(this.#schemas.get(entry.schema));
      case "SEQUENCE OWNED BY":
        return entry.dependencies.flatMap((id) => {
          const sequence = this.#byDumpId.get(id);
          return sequence === undefined ? [] : [entryKey(sequence), ...graph.ownersOf(entryKey(sequence))];
        });
      default:
        return entry.dependencies.length > 0 ? this.#ofDependencies(entry) : this.#ofNeeds(key);
    }
  }

  /** Comments, grants, security labels. */
  #ofDependencies(entry: Entry): readonly string[] | undefined {
    const known = entry.dependencies.flatMap((id) => this.#byDumpId.get(id) ?? []);
    if (known.length === 0) return this.#ofUndumped(entry);
    const owners = known.map((dependency) => this.of(dependency));
    return owners.every((keys) => keys === undefined) ? undefined : owners.flatMap((keys) => keys ?? []);
  }

  /** Comments and grants of what pg_dump does not create itself: schema public, members of extensions, the server's own objects. */
  #ofUndumped(entry: Entry): readonly string[] | undefined {
    const schema = entry.name.startsWith("SCHEMA ") ? this.#schemas.get(entry.name.slice("SCHEMA ".length)) : undefined;
    if (schema !== undefined) return [schema];
    // "TABLE pg_stat_statements", "FUNCTION dblink(text)", "COLUMN spatial_ref_sys.srid": behind the kind stands the name.
    const named = entry.name.slice(entry.name.indexOf(" ") + 1);
    const extension = this.#memberOf.get(joined(entry.schema, named)) ?? this.#memberOf.get(joined(entry.schema, named.split(".")[0] ?? ""));
    return extension === undefined ? undefined : [extension];
  }

  /** Members of publications and the like: everything they connect. */
  #ofNeeds(key: string): readonly string[] | undefined {
    const needs = this.#input.graph.needed(key, (needed) => this.#input.objects.has(needed));
    return needs.length > 0 ? needs : undefined;
  }
}

const IDENTIFIER = String.raw`("(?:[^"]|"")*"|[^\s".;]+)`;

/** The qualified name behind some words of the entry's SQL, as `joined` writes it. */
function nameBehind(words: string, entry: Entry): string {
  const [, schema = "", name = ""] = new RegExp(String.raw`\b${words} ${IDENTIFIER}\.${IDENTIFIER}`, "u").exec(entry.sql) ?? [];
  return joined(unquoted(schema), unquoted(name));
}

function unquoted(identifier: string): string {
  return identifier.startsWith('"') ? identifier.slice(1, -1).replaceAll('""', '"') : identifier;
}

/** NUL cannot be part of a name. */
function joined(schema: string, name: string): string {
  return `${schema}\0${name}`;
}

/** An owner that is not known (a table that was left out of the dump, say) cannot be selected. */
function found(key: string | undefined): readonly string[] {
  return [key ?? "unknown"];
}
