import type { Entry } from "../entry.ts";
import { isPolymorphicOverArrays } from "./array-functions.ts";
import { maskQuoted } from "./entry-text.ts";
import type { RewriteContext } from "./rule.ts";

const NOTED = new Set(["TABLE", "DOMAIN", "CONSTRAINT"]);
const WITH_SCHEMA = / WITH SCHEMA ("(?:[^"]|"")*"|[^\s";]+);/;
const NAMED_NOT_NULL = /\bCONSTRAINT ("(?:[^"]|"")*"|[^\s"]+) NOT NULL\b/g;

/** Facts about the whole dump that single entries are judged by. Names are `schema` NUL `name`, unquoted. */
export interface Scope {
  readonly context: RewriteContext;
  readonly partitionedTables: ReadonlySet<string>;
  readonly domains: ReadonlySet<string>;
  readonly composites: ReadonlySet<string>;
  /** Multirange types made by CREATE TYPE … AS RANGE. */
  readonly multiranges: ReadonlySet<string>;
  /** dumpIds of aggregates and operators that rule array-functions changes. */
  readonly polymorphicArrays: ReadonlySet<number>;
  /** Not-null constraints with names: dumpId of the table or domain, NUL, the name as written. */
  readonly namedNotNulls: ReadonlySet<string>;
  /** Exclusion constraints that are attached to one of a partitioned table (`parents`: that they are attached to). */
  readonly attachedExclusions: { readonly parents: ReadonlySet<string>; readonly children: ReadonlySet<string> };
  /** Tables that others inherit from. */
  readonly inheritanceParents: ReadonlySet<string>;
  /** Names of the schemas that extensions are created in. */
  readonly extensionSchemas: ReadonlySet<string>;
}

export function readScope(entries: readonly Entry[], context: RewriteContext): Scope {
  const partitionedTables = new Set<string>();
  const domains = new Set<string>();
  const composites = new Set<string>();
  const multiranges = new Set<string>();
  const inheritanceParents = new Set<string>();
  const polymorphicArrays = new Set<number>();
  const namedNotNulls = new Set<string>();
  const extensionSchemas = new Set<string>();
  for (const entry of entries) {
    const key = keyOf(entry.schema, entry.name);
    if (entry.type === "AGGREGATE" || entry.type === "OPERATOR") {
      if (isPolymorphicOverArrays(entry.sql)) polymorphicArrays.add(entry.dumpId);
      continue;
    }
    for (const [, name] of NOTED.has(entry.type) ? entry.sql.matchAll(NAMED_NOT_NULL) : []) namedNotNulls.add(`${entry.dumpId}\0${name}`);
    const ofExtension = entry.type === "EXTENSION" ? WITH_SCHEMA.exec(entry.sql)?.[1] : undefined;
    if (ofExtension !== undefined) extensionSchemas.add(unquote(ofExtension));
    if (entry.type === "DOMAIN") domains.add(key);
    else if (entry.type === "TYPE") {
      const multirange = /\n {4}multirange_type_name = (.*)$/m.exec(entry.sql)?.[1];
      if (multirange !== undefined) multiranges.add(keyOf(...splitQualified(multirange)));
      else if (/^CREATE TYPE .* AS \(/.test(entry.sql)) composites.add(key);
    } else if (entry.type === "TABLE") {
      composites.add(key);
      if (entry.sql.includes("\nPARTITION BY ") && /^PARTITION BY /m.test(maskQuoted(entry.sql))) partitionedTables.add(key);
    } else if (entry.type === "VIEW" || entry.type === "MATERIALIZED VIEW" || entry.type === "FOREIGN TABLE") composites.add(key);
    for (const parent of parentsOf(entry)) inheritanceParents.add(keyOf(...splitQualified(parent)));
  }
  return {
    context,
    partitionedTables,
    domains,
    composites,
    multiranges,
    inheritanceParents,
    extensionSchemas,
    polymorphicArrays,
    namedNotNulls,
    attachedExclusions: readAttachedExclusions(entries),
  };
}

/** As written. Foreign tables inherit too. */
function parentsOf({ type, sql }: Entry): string[] {
  if ((type !== "TABLE" && type !== "FOREIGN TABLE") || !sql.includes("\nINHERITS (")) return [];
  const parents = /^INHERITS \((.*)\)/m.exec(sql)?.[1];
  return parents === undefined ? [] : splitList(parents);
}

const EXCLUSION = /\n {4}ADD CONSTRAINT ("(?:[^"]|"")*"|[^\s"]+) EXCLUDE /;
const QUALIFIED = String.raw`((?:"(?:[^"]|"")*"|[^\s".]+)\.(?:"(?:[^"]|"")*"|[^\s".;]+))`;
const ATTACH = new RegExp(String.raw`^ALTER INDEX ${QUALIFIED} ATTACH PARTITION ${QUALIFIED};`);

/** The key of an exclusion constraint's index, which has the constraint's name. */
export function exclusionKey(entry: Entry): string | undefined {
  const name = entry.type === "CONSTRAINT" ? EXCLUSION.exec(entry.sql)?.[1] : undefined;
  return name === undefined ? undefined : keyOf(entry.schema, unquote(name));
}

function readAttachedExclusions(entries: readonly Entry[]): Scope["attachedExclusions"] {
  const exclusions = new Set(entries.map(exclusionKey).filter((key) => key !== undefined));
  const parents = new Set<string>();
  const children = new Set<string>();
  for (const entry of exclusions.size === 0 ? [] : entries) {
    const [, parent, child] = (entry.type === "INDEX ATTACH" ? ATTACH.exec(entry.sql) : undefined) ?? [];
    if (parent === undefined || child === undefined || !exclusions.has(keyOf(...splitQualified(parent)))) continue;
    parents.add(keyOf(...splitQualified(parent)));
    children.add(keyOf(...splitQualified(child)));
  }
  return { parents, children };
}

/** pg_dump writes newlines in the names of its headers as blanks. */
export function keyOf(schema: string, name: string): string {
  return `${schema}\0${name}`.replace(/[\r\n]/g, " ");
}

const IDENTIFIER = /"(?:[^"]|"")*"|[^".,\s]+/g;

/** `zoo."Odd Name"` → ["zoo", "Odd Name"]; pg_dump qualifies every name. */
export function splitQualified(text: string): [string, string] {
  const [schema = "", name = ""] = [...text.matchAll(IDENTIFIER)].map(([part]) => unquote(part));
  return [schema, name];
}

function splitList(text: string): string[] {
  return text.match(/(?:"(?:[^"]|"")*"|[^",])+/g)?.map((part) => part.trim()) ?? [];
}

function unquote(identifier: string): string {
  return identifier.startsWith('"') ? identifier.slice(1, -1).replaceAll('""', '"') : identifier;
}
