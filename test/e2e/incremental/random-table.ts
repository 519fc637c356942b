import type { SourceMajor } from "../../../src/embedded/binaries.ts";
import { quoteIdentifier, quoteLiteral } from "../../../src/wire/quote.ts";
import { INTEGER_KEY, KEY_TYPES, type KeyType, PARTITION_TYPES } from "./key-types.ts";
import type { Random } from "./random.ts";
import { type Column, type ReplicaIdentity, type Table, type UniqueIndex, columnList, columnOf, hasIdentity, sqlName } from "./schema.ts";
import { PLAIN_TYPES, TOAST_TYPES, VALUE_TYPES } from "./value-types.ts";

/** What must hold for every table of a schema. */
export interface TableRules {
  readonly major: SourceMajor;
  /** Only what native replication can do. */
  readonly forNative: boolean;
  /** Only types that come in binary format. */
  readonly isPlain: boolean;
}

/** Where tables are that are not in public. */
export const ODD_SCHEMA = 'Odd "schema"';

/** Names that statements must quote right. */
const ODD_NAMES = ["Mixed Case", 'quo"ted', "dot.ted", "ünï ✓", "select", "per%cent", "it's", "back\\slash", "$1", "tr ailing ", "n".repeat(58)];

type KeyShape = "single" | "composite" | "identityAlways" | "identityByDefault" | "uniqueOnly" | "nullableUnique" | "none" | "deferrable";

/** One table; `referable`: those that it may refer to, with keys of one column. */
export function randomTable(random: Random, number: number, rules: TableRules, referable: readonly Table[]): Table {
  const { major } = rules;
  const partitionedBy = major >= 10 && random.chance(0.2) ? random.pick(major >= 11 ? (["range", "list", "hash"] as const) : (["range", "list"] as const)) : undefined;
  const shape = partitionedBy === undefined ? pickShape(random, major) : random.pick(["single", "single", "composite", "none"] as const);
  const columns: Column[] = [];
  const named = (name: string): string =>
    random.chance(0.15) ? `${random.pick(ODD_NAMES)}${columns.length}` : columns.some((column) => column.name === name) ? `${name}${columns.length}` : name;
  const add = (name: string, definition: string, content: Column["content"], isNullable = false): string => {
    const column = { name: named(name), definition, content, isNullable };
    columns.push(column);
    return column.name;
  };
  const addKey = (name: string, type: KeyType, isNullable = false): string => add(name, `${type.sql}${isNullable ? "" : " not null"}`, { kind: "key", type }, isNullable);

  const [key, unique] = addKeyColumns(shape, random, rules, addKey, add);
  if (partitionedBy !== undefined) {
    const column = addKey("part", PARTITION_TYPES[partitionedBy]);
    if (key.length > 0 && major >= 11) key.push(column);
  }
  const canRefer = partitionedBy === undefined && referable.length > 0 && random.chance(0.4);
  if (canRefer) {
    const other = random.pick(referable);
    const [name = ""] = other.key;
    const { content } = columnOf(other, name);
    const type = content.kind === "key" ? content.type.sql : "bigint";
    add("other", type, { kind: "reference", table: sqlName(other), column: name }, true);
  }
  addPlainColumns(random, rules, add);
  if (partitionedBy === undefined && random.chance(0.4)) {
    const type = random.pick(KEY_TYPES.slice(0, 9));
    const column = addKey("code", type, random.chance(0.5));
    unique.push({ columns: [column], isDeferrable: random.chance(0.5) });
  }
  if (random.chance(0.35)) columns.push({ name: "touched", definition: "integer", content: { kind: "computed" }, isNullable: true });
  const schema = random.chance(0.25) ? ODD_SCHEMA : "public";
  const name = random.chance(0.2) ? `t${number} ${random.pick(ODD_NAMES)}`.slice(0, 50) : `t${number}`;
  const table: Table = {
    schema,
    name,
    columns: shuffledSometimes(random, columns),
    key: partitionedBy !== undefined && major < 11 ? [] : key,
    isKeyDeferrable: shape === "deferrable",
    unique,
    identity: "default",
    partitionedBy,
    isReferenced: false,
    isUnlogged: false,
    rows: random.pick([0, 3, 50, 400, 2000]),
  };
  const identified = { ...table, identity: pickIdentity(random, table, shape) };
  return withGenerated(rules.forNative ? withEquality(identified) : identified, random, rules);
}

/** Native replication compares all columns where it has no key to find a row by. */
function withEquality(table: Table): Table {
  if (hasIdentity(table) && table.identity !== "full") return table;
  const type = VALUE_TYPES.find(({ sql }) => sql === "text")!;
  const columns = table.columns.map((column): Column => {
    if (column.content.kind !== "plain" || column.content.type.hasNoEquality !== true) return column;
    return { ...column, definition: column.definition.replace(column.content.type.sql, type.sql), content: { kind: "plain", type } };
  });
  return { ...table, columns };
}

function pickShape(random: Random, major: SourceMajor): KeyShape {
  return random.weighted<KeyShape>({
    single: 8,
    composite: 4,
    uniqueOnly: 2,
    nullableUnique: 1,
    none: 2,
    deferrable: 3,
    ...(major >= 10 ? { identityAlways: 1.5, identityByDefault: 1.5 } : {}),
  });
}

type Add = (name: string, definition: string, content: Column["content"], isNullable?: boolean) => string;

/** The primary key's columns and the first unique indexes. */
function addKeyColumns(
  shape: KeyShape,
  random: Random,
  { major, isPlain }: TableRules,
  addKey: (name: string, type: KeyType, isNullable?: boolean) => string,
  add: Add,
): [string[], UniqueIndex[]] {
  const anyKey = (): KeyType => (random.chance(0.35) ? INTEGER_KEY : random.pick(isPlain ? KEY_TYPES.filter(({ sql }) => PLAIN_TYPES.has(sql)) : KEY_TYPES));
  const always = shape === "identityAlways";
  switch (shape) {
    case "single":
    case "deferrable":
      return [[addKey("id", anyKey())], []];
    case "composite":
      return [[addKey("first", anyKey()), addKey("second", anyKey())], []];
    case "identityAlways":
    case "identityByDefault":
      return [[add("id", `bigint generated ${always ? "always" : "by default"} as identity`, { kind: "identity", always })], []];
    case "uniqueOnly":
      return [[], [{ columns: random.chance(0.3) ? [addKey("u", anyKey()), addKey("v", anyKey())] : [addKey("u", anyKey())], isDeferrable: false }]];
    case "nullableUnique":
      return [[], [{ columns: [addKey("u", anyKey(), true)], isDeferrable: false }]];
    case "none":
      // Also tables of which nothing tells rows apart, and rows that are there twice.
      if (random.chance(0.3) && major >= 10) add("serial", "bigint generated by default as identity", { kind: "identity", always: false });
  }
  return [[], []];
}

function addPlainColumns(random: Random, { major, isPlain }: TableRules, add: Add): void {
  const types = VALUE_TYPES.filter(({ sql, since = 0 }) => major >= since && (!isPlain || PLAIN_TYPES.has(sql)));
  for (let left = random.int(1, 7); left > 0; left--) {
    const type = random.pick(types);
    const isNullable = random.chance(0.85);
    add("c", `${type.sql}${isNullable ? "" : " not null"}`, { kind: "plain", type }, isNullable);
  }
  if (!random.chance(0.5)) return;
  for (let left = random.int(1, 2); left > 0; left--) {
    const type = random.pick(TOAST_TYPES);
    add("body", type.sql, { kind: "plain", type }, true);
  }
}

/** `index` only where an index is fit for it: unique, at once, no NULLs. */
function pickIdentity(random: Random, table: Table, shape: KeyShape): ReplicaIdentity {
  const isFit = table.unique.some((index) => isFitForIdentity(table, index));
  if (isFit && random.chance(0.4)) return "index";
  if (shape === "none") return random.pick(["default", "full", "nothing"] as const);
  return random.weighted<ReplicaIdentity>({ default: 7, full: 2, nothing: 1 });
}

/** https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-REPLICA-IDENTITY */
export function isFitForIdentity(table: Table, { columns, isDeferrable }: UniqueIndex): boolean {
  return !isDeferrable && columns.every((name) => !columnOf(table, name).isNullable);
}

/**
 * A generated column, where it can be published: from 18 on a row of REPLICA IDENTITY FULL holds them too, so that stored ones must be published (which a native
 * subscriber whose column is generated as well refuses) and virtual ones cannot be (https://www.postgresql.org/docs/18/logical-replication-gencols.html).
 */
function withGenerated(table: Table, random: Random, { major, forNative }: TableRules): Table {
  if (major < 12 || !random.chance(0.35)) return table;
  const isFull = table.identity === "full" || !hasIdentity(table);
  const first = table.columns.find(({ content }) => (content.kind === "key" || content.kind === "plain") && !content.type.sql.startsWith("kinds."));
  if (first === undefined || (isFull && major >= 18 && forNative)) return table;
  const isVirtual = major >= 18 && !isFull && random.chance(0.4);
  const definition = `integer generated always as (case when ${quoteIdentifier(first.name)} is null then -1 else 1 end) ${isVirtual ? "virtual" : "stored"}`;
  const column: Column = { name: "made", definition, content: { kind: "computed" }, isNullable: true };
  const columns = random.chance(0.5) ? [column, ...table.columns] : [...table.columns, column];
  return { ...table, columns };
}

function shuffledSometimes(random: Random, columns: readonly Column[]): readonly Column[] {
  if (random.chance(0.6)) return columns;
  return columns.map((column) => ({ column, place: random.next() })).toSorted((a, b) => a.place - b.place).map(({ column }) => column); // prettier-ignore
}

/** CREATE TABLE and what belongs to it but foreign keys, triggers and content. `leaving`: the name of a column that is dropped afterwards. */
export function tableSql(table: Table, random: Random, major: SourceMajor): string[] {
  const name = sqlName(table);
  const lines = table.columns.map((column) => `${columnList([column.name])} ${column.definition}`);
  if (table.partitionedBy === undefined && random.chance(0.25)) lines.splice(random.int(0, lines.length - 1), 0, "leaving text default 'gone'");
  if (table.key.length > 0) lines.push(`primary key (${columnList(table.key)})${table.isKeyDeferrable ? deferrable(random) : ""}`);
  const statements = [`create ${table.isUnlogged ? "unlogged " : ""}table ${name} (${lines.join(", ")})${partitionClause(table)}`];
  for (const [at, { columns, isDeferrable }] of table.unique.entries()) {
    statements.push(`alter table ${name} add constraint ${uniqueName(table, at)} unique (${columnList(columns)})${isDeferrable ? deferrable(random) : ""}`);
  }
  for (const { name: column, content } of table.columns) {
    if (content.kind === "plain" && content.type.isToasted === true) statements.push(`alter table ${name} alter ${columnList([column])} set storage external`);
  }
  statements.push(...partitionsSql(table, random, major));
  return statements;
}

/** Behind the content, so that rows were made before: a column goes, one with a default comes, the replica identity is set. */
export function laterTableSql(table: Table, statements: readonly string[]): string[] {
  const name = sqlName(table);
  const later: string[] = [];
  if (statements.some((statement) => statement.includes("leaving text default"))) later.push(`alter table ${name} drop column leaving`);
  const index = table.unique.findIndex((one) => isFitForIdentity(table, one));
  if (table.identity === "full" || table.identity === "nothing") later.push(replicaIdentitySql(table, table.identity));
  if (table.identity === "index") later.push(`alter table ${name} replica identity using index ${uniqueName(table, index)}`);
  return later;
}

function deferrable(random: Random): string {
  return ` deferrable initially ${random.pick(["immediate", "deferred"])}`;
}

/** Sets it for the table itself, and for every partition: they do not inherit it. */
export function replicaIdentitySql(table: Table, identity: "full" | "nothing"): string {
  if (table.partitionedBy === undefined) return `alter table ${sqlName(table)} replica identity ${identity}`;
  return `do $do$ declare part regclass; begin
    for part in with recursive parts as (select ${quoteLiteral(sqlName(table))}::regclass::oid as oid union all select inhrelid from pg_catalog.pg_inherits join parts on inhparent = parts.oid) select oid::regclass from parts loop
      execute pg_catalog.format('alter table %s replica identity ${identity}', part);
    end loop; end $do$`;
}

/** Unique within the schema, as the names of indexes must be. */
function uniqueName({ name }: Table, at: number): string {
  return quoteIdentifier(`u${at} ${name}`);
}

function partitionColumn(table: Table): string {
  const type: KeyType = PARTITION_TYPES[table.partitionedBy!];
  return columnList([table.columns.find(({ content }) => content.kind === "key" && content.type === type)!.name]);
}

function partitionClause(table: Table): string {
  return table.partitionedBy === undefined ? "" : ` partition by ${table.partitionedBy} (${partitionColumn(table)})`;
}

/** Every value has its partition. Before 11 there is no DEFAULT. https://www.postgresql.org/docs/10/sql-createtable.html */
function partitionsSql(table: Table, random: Random, major: SourceMajor): string[] {
  const { partitionedBy } = table;
  if (partitionedBy === undefined) return [];
  const name = sqlName(table);
  const part = (at: number | string): string => sqlName({ schema: table.schema, name: `${table.name}_p${at}` });
  const bounds: Record<typeof partitionedBy, string[]> = {
    range:
      major >= 11 && random.chance(0.5) ? ["from (0) to (100)", "from (100) to (200)", "default"] : ["from (minvalue) to (100)", "from (100) to (200)", "from (200) to (maxvalue)"],
    list: major >= 11 && random.chance(0.5) ? ["in ('a')", "default"] : ["in ('a')", "in ('b', 'c')"],
    hash: [0, 1, 2].map((remainder) => `with (modulus 3, remainder ${remainder})`),
  };
  const statements = bounds[partitionedBy].map((bound, at) => `create table ${part(at)} partition of ${name} ${bound === "default" ? bound : `for values ${bound}`}`);
  const reversed = attachedReversed(table, random, major, statements, part);
  // One level more, where a partition may itself be partitioned without a key of its own.
  if (reversed.length === 0 && partitionedBy === "list" && random.chance(0.4) && table.columns.some(({ name: column }) => column === "id")) {
    const sub = statements[0]!.concat(` partition by list (${partitionColumn(table)})`);
    return [sub, `create table ${part("0a")} partition of ${part(0)} for values in ('a')`, ...statements.slice(1)];
  }
  return reversed.length > 0 ? reversed : statements;
}

/** The first partition was a table with its columns in another order, and one more that is dropped. */
function attachedReversed(table: Table, random: Random, major: SourceMajor, statements: readonly string[], part: (at: number) => string): string[] {
  const isPossible = major >= 11 && table.columns.every(({ content }) => content.kind !== "computed" && content.kind !== "identity");
  if (!isPossible || !random.chance(0.4)) return [];
  const bound = /for values .*$/.exec(statements[0]!)?.[0] ?? "default";
  const lines = ["leaving_too integer", ...table.columns.toReversed().map((column) => `${columnList([column.name])} ${column.definition}`)];
  return [
    `create table ${part(0)} (${lines.join(", ")})`,
    `alter table ${part(0)} drop column leaving_too`,
    ...(table.key.length > 0 ? [`alter table ${part(0)} add primary key (${columnList(table.key)})`] : []),
    `alter table ${sqlName(table)} attach partition ${part(0)} ${bound}`,
    ...statements.slice(1),
  ];
}
