import type { Dependency } from "../catalog/read-dependencies.ts";

/** Who needs whom in one database; objects are `catalog oid:oid`. */
export class DependencyGraph {
  readonly #needs = new Map<string, string[]>();
  readonly #ownedBy = new Map<string, string[]>();
  readonly #owners = new Map<string, string[]>();
  readonly #wholes = new Map<string, string[]>();
  readonly #statistics = new Map<string, string[]>();
  readonly #references = new Map<string, string[]>();

  constructor(dependencies: readonly Dependency[]) {
    for (const { object, needs, kind } of dependencies) {
      if (kind === "needs" || kind === "identity") append(this.#needs, object, needs);
      if (kind === "owned" || kind === "identity") {
        append(this.#ownedBy, needs, object);
        append(this.#owners, object, needs);
      }
      if (kind === "foreignKey") append(this.#references, object, needs);
      if (kind === "partOf" || kind === "statistics") append(this.#wholes, object, needs);
      if (kind === "statistics") append(this.#statistics, needs, object);
    }
  }

  /** The nearest objects that `isNamed` knows on the way of need: a citext column → type citext → the extension. */
  needed(key: string, isNamed: (key: string) => boolean): string[] {
    const found = new Set<string>();
    const passed = new Set<string>();
    const open = [key];
    for (let from = open.pop(); from !== undefined; from = open.pop()) {
      for (const needs of this.#needs.get(from) ?? []) {
        if (isNamed(needs)) found.add(needs);
        else if (!passed.has(needs)) {
          passed.add(needs);
          open.push(needs);
        }
      }
    }
    found.delete(key);
    return [...found];
  }

  /** The sequences that belong to a table's columns. */
  ownedBy(table: string): readonly string[] {
    return this.#ownedBy.get(table) ?? [];
  }

  /** The table that a sequence belongs to. */
  ownersOf(sequence: string): readonly string[] {
    return this.#owners.get(sequence) ?? [];
  }

  /** What an index, constraint, trigger, policy … is a part of. */
  wholesOf(part: string): readonly string[] {
    return this.#wholes.get(part) ?? [];
  }

  /** The extended statistics of a table. */
  statisticsOf(table: string): readonly string[] {
    return this.#statistics.get(table) ?? [];
  }

  /** The table that a foreign key refers to. */
  referencedBy(foreignKey: string): readonly string[] {
    return this.#references.get(foreignKey) ?? [];
  }
}

function append(map: Map<string, string[]>, key: string, value: string): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
