import { parseSync } from "libpg-query";
import type { Entry } from "../entry.ts";
import { outsideQuotes } from "../sql-text.ts";

const QUOTED = outsideQuotes("--[^\\n]*");

/** A node of libpg-query's tree: plain JSON, node names as keys. https://github.com/pganalyze/libpg_query/blob/17-latest/README.md */
export type Node = Readonly<Record<string, unknown>>;

/** The text of one entry, and what can be asked of it; computed when first asked for, and again when a rule changed the text. */
export class EntryText {
  readonly entry: Entry;
  #masked: string | undefined;
  #tree: readonly Node[] | undefined | null = null;

  constructor(entry: Entry) {
    this.entry = entry;
  }

  get sql(): string {
    return this.entry.sql;
  }

  /**
   * The SQL with all that stands inside quotes and comments made harmless: same length, so that positions in it are positions in the
   * text. Quoted identifiers keep their quotes.
   */
  get masked(): string {
    this.#masked ??= maskQuoted(this.entry.sql);
    return this.#masked;
  }

  /** The parse trees of its statements; undefined when PostgreSQL 18's grammar refuses the text. */
  get statements(): readonly Node[] | undefined {
    if (this.#tree === null) {
      try {
        this.#tree = (parseSync(this.entry.sql).stmts ?? []).map((raw) => raw.stmt as unknown as Node);
      } catch {
        this.#tree = undefined;
      }
    }
    return this.#tree;
  }

  /** All nodes, or fields of nodes, with one of these names anywhere in the entry. */
  nodes(...names: string[]): Node[] {
    return nodesIn(this.statements, ...names);
  }

  /** The qualified names of all types that the entry speaks of, and whether as an array. */
  typeNames(): { readonly parts: string[]; readonly isArray: boolean }[] {
    return this.nodes("TypeName", "typeName", "argType", "returnType").map((node) => ({ parts: nameOf(node["names"]), isArray: node["arrayBounds"] !== undefined }));
  }

  /** Replaces matches that lie outside of quotes; `by` sees the masked match and the original text of it. */
  replaceOutside(pattern: RegExp, by: (original: string) => string): string {
    let result = "";
    let from = 0;
    for (const match of this.masked.matchAll(pattern)) {
      const to = match.index + match[0].length;
      result += this.sql.slice(from, match.index) + by(this.sql.slice(match.index, to));
      from = to;
    }
    return from === 0 ? this.sql : result + this.sql.slice(from);
  }
}

export function maskQuoted(sql: string): string {
  return sql.replace(QUOTED, (quoted) => {
    if (quoted.length < 2) return quoted;
    const filler = quoted.slice(1, -1).replace(/[^\n]/g, "_");
    const quote = quoted.startsWith('"') ? '"' : "'";
    return `${quote}${filler}${quote}`;
  });
}

/** All nodes, or fields of nodes, with one of these names anywhere in a tree. */
export function nodesIn(tree: unknown, ...names: string[]): Node[] {
  const found: Node[] = [];
  collect(tree, names, found);
  return found;
}

function collect(value: unknown, names: readonly string[], found: Node[]): void {
  if (Array.isArray(value)) {
    for (const item of value) collect(item, names, found);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  for (const [key, child] of Object.entries(value)) {
    if (names.includes(key)) found.push(child as Node);
    collect(child, names, found);
  }
}

/** The strings of a list of String nodes: a qualified name. */
export function nameOf(list: unknown): string[] {
  return Array.isArray(list) ? list.map((item: { String?: { sval?: string } }) => item.String?.sval ?? "") : [];
}

/** A name without schema, or in pg_catalog: under pg_dump's empty search_path both mean what PostgreSQL itself brings. */
export function builtinName(list: unknown): string | undefined {
  const parts = nameOf(list);
  if (parts.length === 1) return parts[0];
  return parts.length === 2 && parts[0] === "pg_catalog" ? parts[1] : undefined;
}
