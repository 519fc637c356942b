import type { SourceMajor } from "../../../src/embedded/binaries.ts";
import { quoteIdentifier, quoteLiteral } from "../../../src/wire/quote.ts";
import { freshNumber } from "./key-types.ts";
import type { Random } from "./random.ts";
import { bulkValueOf, rowNumber, salt, valueOf } from "./random-values.ts";
import { type Column, type Table, columnList, columnOf, sqlName } from "./schema.ts";

/** What the operations of a workload need to know. */
export interface OperationContext {
  readonly random: Random;
  readonly major: SourceMajor;
  readonly canTruncate: boolean;
  /** Where the server can write a file for COPY. */
  readonly copyFile: string;
}

/** Statements that do one thing to a table; undefined where the table does not allow it. */
type Operation = (table: Table, context: OperationContext) => string[] | undefined;

/** With how often each is tried. Their text is decided by the seed alone, never by what the tables hold. */
const OPERATIONS: Readonly<Record<string, readonly [weight: number, Operation]>> = {
  insertOne: [6, (table, context) => [insertRows(table, 1, context)]],
  insertSome: [3, (table, context) => [insertRows(table, context.random.int(2, 12), context)]],
  insertMany: [1, (table, context) => [insertBulk(table, context.random.int(50, 400), context)]],
  insertThousands: [0.12, (table, context) => [insertBulk(table, context.random.int(2000, 5000), context)]],
  insertOrUpdate: [2, insertOrUpdate],
  copyIn: [1, copyIn],
  updateSome: [8, (table, context) => updateColumns(table, context.random.int(1, 6), context)],
  updateMany: [1, (table, context) => updateColumns(table, context.random.int(100, 600), context)],
  updateToNothingNew: [0.5, updateToNothingNew],
  updateKey: [3, updateKey],
  updateKeyAndMore: [1, updateKeyAndMore],
  shiftKeys: [0.8, shiftKeys],
  respellKeys: [0.6, respellKeys],
  swapKeys: [2, (table, context) => swap(table, table.key, table.isKeyDeferrable, context)],
  swapUnique: [2, swapUnique],
  moveBetweenPartitions: [3, moveBetweenPartitions],
  deleteSome: [4, (table, context) => [`delete from ${sqlName(table)} where ${someRows(table, context.random.int(1, 8), context.random)}`]],
  deleteMany: [0.5, (table, context) => [`delete from ${sqlName(table)} where ${someRows(table, context.random.int(100, 800), context.random)}`]],
  deleteAll: [0.08, (table) => [`delete from ${sqlName(table)}`]],
  deleteAndInsert: [2, deleteAndInsert],
  liveAndDie: [2, liveAndDie],
  manySubtransactions: [0.3, manySubtransactions],
  truncate: [0.15, truncate],
};

const WEIGHTS = Object.fromEntries(Object.entries(OPERATIONS).map(([name, [weight]]) => [name, weight]));

/** One operation on one of the tables. */
export function randomOperation(tables: readonly Table[], context: OperationContext): string[] {
  for (;;) {
    const table = context.random.pick(tables);
    const statements = OPERATIONS[context.random.weighted(WEIGHTS)]![1](table, context);
    if (statements !== undefined && statements.length > 0) return statements;
  }
}

/** A condition for about so many rows that are there, whichever they are. Partitions share ctids: some more then. */
function someRows(table: Table, count: number, random: Random): string {
  return `ctid = any(array(select ctid from ${sqlName(table)} order by pg_catalog.hashtext(ctid::text || ${salt(random)}) limit ${count}))`;
}

/** What an INSERT may give: sometimes not all of it. */
function given(table: Table, random: Random): Column[] {
  return table.columns.filter(({ content, isNullable }) => {
    if (content.kind === "computed") return false;
    if (content.kind === "identity") return !content.always && random.chance(0.5);
    return !isNullable || random.chance(0.85);
  });
}

function insertRows(table: Table, count: number, context: OperationContext): string {
  const { random, major } = context;
  const columns = given(table, random);
  if (columns.length === 0) return `insert into ${sqlName(table)} default values`;
  const rows = Array.from({ length: count }, () => {
    const n = String(rowNumber(random));
    return `(${columns.map((column) => valueOf(column, n, random, major)).join(", ")})`;
  });
  return `insert into ${sqlName(table)} (${columnList(columns.map(({ name }) => name))}) values ${rows.join(", ")}`;
}

function insertBulk(table: Table, count: number, { random }: OperationContext): string {
  const columns = given(table, random);
  const series = `from pg_catalog.generate_series(1, ${count}) g`;
  if (columns.length === 0) return `insert into ${sqlName(table)} select ${series}`; // as many rows of defaults
  const n = `${freshNumber(random)} + g`;
  return `insert into ${sqlName(table)} (${columnList(columns.map(({ name }) => name))}) select ${columns.map((column) => bulkValueOf(column, n, random)).join(", ")} ${series}`;
}

/** https://www.postgresql.org/docs/current/sql-insert.html#SQL-ON-CONFLICT: no index that is deferrable may be asked. */
function insertOrUpdate(table: Table, context: OperationContext): string[] | undefined {
  const canAsk = context.major >= 11 || table.partitionedBy === undefined;
  if (context.major < 9.5 || !canAsk || table.key.length === 0 || table.isKeyDeferrable || table.unique.some(({ isDeferrable }) => isDeferrable)) return undefined;
  const insert = insertRows(table, 1, context);
  const column = table.columns.find(({ content }) => content.kind === "plain");
  if (column === undefined || context.random.chance(0.3)) return [`${insert} on conflict do nothing`];
  const value = `${columnList([column.name])} = ${valueOf(column, "1", context.random, context.major)}`;
  return [`${insert} on conflict (${columnList(table.key)}) do update set ${value}`];
}

/** COPY writes many rows into one WAL record, which no INSERT does. */
function copyIn(table: Table, { random, copyFile }: OperationContext): string[] | undefined {
  const columns = given(table, random);
  if (columns.length === 0) return undefined;
  const n = `${freshNumber(random)} + g`;
  const values = columns.map((column) => bulkValueOf(column, n, random)).join(", ");
  const rows = random.pick([1, 30, 300, 1500]);
  // At once: without the first part the file would be an older one.
  return [
    `copy (select ${values} from pg_catalog.generate_series(1, ${rows}) g) to ${quoteLiteral(copyFile)}; copy ${sqlName(table)} (${columnList(columns.map(({ name }) => name))}) from ${quoteLiteral(copyFile)}`,
  ];
}

function plainColumns(table: Table): Column[] {
  return table.columns.filter(({ content }) => content.kind === "plain" || content.kind === "reference");
}

/** `name = value, …` of random columns that are no key: often not those in TOAST, which then stay unchanged. */
function assignments(table: Table, random: Random, major: SourceMajor): string[] {
  const own = `(pg_catalog.hashtext(ctid::text || ${salt(random)}) % 10000)`;
  return random.some(plainColumns(table), 0.4).map((column) => {
    const value = random.chance(0.4) ? bulkValueOf(column, own, random) : valueOf(column, String(random.int(-99, 9999)), random, major);
    return `${quoteIdentifier(column.name)} = ${value}`;
  });
}

function updateColumns(table: Table, count: number, { random, major }: OperationContext): string[] | undefined {
  const sets = assignments(table, random, major);
  return sets.length === 0 ? undefined : [`update ${sqlName(table)} set ${sets.join(", ")} where ${someRows(table, count, random)}`];
}

function updateToNothingNew(table: Table, { random }: OperationContext): string[] | undefined {
  const [column] = plainColumns(table);
  if (column === undefined) return undefined;
  const name = quoteIdentifier(column.name);
  return [`update ${sqlName(table)} set ${name} = ${name} where ${someRows(table, 20, random)}`];
}

/** The key's columns, where the workload may change them. */
function movableKey(table: Table): string[] | undefined {
  const canMove = table.key.length > 0 && table.key.every((name) => columnOf(table, name).content.kind === "key");
  return canMove ? [...table.key] : undefined;
}

/** Mostly without anything else, so that what is in TOAST stays unchanged in a row whose key changes. */
function updateKey(table: Table, { random, major }: OperationContext): string[] | undefined {
  const key = movableKey(table);
  if (key === undefined) return undefined;
  const n = String(rowNumber(random));
  const sets = random.some(key, 0.7).map((name) => `${quoteIdentifier(name)} = ${valueOf(columnOf(table, name), n, random, major)}`);
  return [`update ${sqlName(table)} set ${sets.join(", ")} where ${someRows(table, 1, random)}`];
}

function updateKeyAndMore(table: Table, context: OperationContext): string[] | undefined {
  const [statement] = updateKey(table, context) ?? [];
  const sets = assignments(table, context.random, context.major);
  return statement === undefined || sets.length === 0 ? undefined : [statement.replace(" set ", () => ` set ${sets.join(", ")}, `)];
}

/** Legal one by one only where the check may wait; elsewhere all keys jump over all others. */
function shiftKeys(table: Table, { random }: OperationContext): string[] | undefined {
  const [name, ...more] = movableKey(table) ?? [];
  if (name === undefined || more.length > 0) return undefined;
  const { content } = columnOf(table, name);
  if (content.kind !== "key" || content.type.shifted === undefined) return undefined;
  const column = quoteIdentifier(name);
  const isNumber = content.type.sql === "integer" || content.type.sql === "numeric";
  const value = !table.isKeyDeferrable && isNumber && random.chance(0.7) ? `${column} + ${random.pick([100_000_007, -100_000_007])}` : content.type.shifted(column);
  return [`update ${sqlName(table)} set ${column} = ${value}${random.chance(0.5) ? "" : ` where ${someRows(table, 200, random)}`}`];
}

function respellKeys(table: Table, { random }: OperationContext): string[] | undefined {
  for (const name of movableKey(table) ?? []) {
    const { content } = columnOf(table, name);
    if (content.kind !== "key" || content.type.respelled === undefined) continue;
    return [`update ${sqlName(table)} set ${quoteIdentifier(name)} = ${content.type.respelled(quoteIdentifier(name))} where ${someRows(table, 5, random)}`];
  }
  return undefined;
}

/** Two rows change places: in one statement or two where the check may wait, by way of a third value elsewhere. */
function swap(table: Table, columns: readonly string[], isDeferrable: boolean, { random }: OperationContext): string[] | undefined {
  if (columns.length === 0 || columns.some((name) => columnOf(table, name).content.kind !== "key")) return undefined;
  const name = sqlName(table);
  const of = (row: string): string => columns.map((column, at) => `${quoteIdentifier(column)} = ${row}.c${at}`).join(", ");
  const is = (row: string): string => columns.map((column, at) => `${quoteIdentifier(column)} = ${row}.c${at}`).join(" and ");
  const picked = columns.map((column, at) => `${quoteIdentifier(column)} as c${at}`).join(", ");
  const choice = `select ${picked} into %s from ${name} where ${columns.map((column) => `${quoteIdentifier(column)} is not null`).join(" and ")} order by pg_catalog.hashtext(ctid::text || ${salt(random)})`;
  const read = (row: string, offset: number): string => `${choice.replace("%s", row)} offset ${offset} limit 1; if not found then return; end if;`;
  const third = `select ${columns.map((column, at) => `${keyAt(columnOf(table, column), freshNumber(random))} as c${at}`).join(", ")} into c;`;
  const inTurn = `update ${name} set ${of("c")} where ${is("a")}; update ${name} set ${of("a")} where ${is("b")}; update ${name} set ${of("b")} where ${is("c")};`;
  const atOnce = `update ${name} set ${columns.map((column, at) => `${quoteIdentifier(column)} = case when ${is("a")} then b.c${at} else a.c${at} end`).join(", ")} where (${is("a")}) or (${is("b")});`;
  const body = `do $do$ declare a record; b record; c record; begin ${read("a", 0)} ${read("b", 1)} ${third} ${isDeferrable ? atOnce : inTurn} end $do$`;
  return isDeferrable && random.chance(0.5) ? ["set constraints all deferred", body] : [body];
}

function swapUnique(table: Table, context: OperationContext): string[] | undefined {
  if (table.unique.length === 0) return undefined;
  const { columns, isDeferrable } = context.random.pick(table.unique);
  return swap(table, columns, isDeferrable, context);
}

function keyAt(column: Column, n: number): string {
  return column.content.kind === "key" ? column.content.type.at(String(n)) : String(n);
}

/** From 11 on an UPDATE may. https://www.postgresql.org/docs/11/release-11.html */
function moveBetweenPartitions(table: Table, { random, major }: OperationContext): string[] | undefined {
  const column = table.columns.find(({ name }) => name.startsWith("part"));
  if (table.partitionedBy === undefined || column?.content.kind !== "key" || major < 11) return undefined;
  const { type } = column.content;
  const name = quoteIdentifier(column.name);
  const value = type.shifted !== undefined && random.chance(0.5) ? type.shifted(name) : type.at(String(random.int(-300, 300)));
  return [`update ${sqlName(table)} set ${name} = ${value} where ${someRows(table, random.pick([1, 10, 100]), random)}`];
}

/** A row goes and comes back with the same key and something else in it. */
function deleteAndInsert(table: Table, { random, major }: OperationContext): string[] | undefined {
  const key = movableKey(table);
  if (key === undefined) return undefined;
  const name = sqlName(table);
  const read = `select ${key.map((column, at) => `${quoteIdentifier(column)} as c${at}`).join(", ")} into a from ${name} where ${someRows(table, 1, random)} limit 1`;
  const is = key.map((column, at) => `${quoteIdentifier(column)} = a.c${at}`).join(" and ");
  const others = given(table, random).filter((column) => !key.includes(column.name));
  const n = String(rowNumber(random));
  const values = [...key.map((_, at) => `a.c${at}`), ...others.map((column) => valueOf(column, n, random, major))];
  const insert = `insert into ${name} (${columnList([...key, ...others.map((column) => column.name)])}) values (${values.join(", ")})`;
  return [`do $do$ declare a record; begin ${read}; if not found then return; end if; delete from ${name} where ${is}; ${insert}; end $do$`];
}

/** One key within one transaction: inserted, updated, deleted, inserted again, updated. */
function liveAndDie(table: Table, { random, major }: OperationContext): string[] | undefined {
  const key = movableKey(table);
  if (key === undefined) return undefined;
  const n = String(rowNumber(random));
  const name = sqlName(table);
  const is = key.map((column) => `${quoteIdentifier(column)} = ${valueOf(columnOf(table, column), n, random, major)}`).join(" and ");
  const insert = (): string => {
    const columns = table.columns.filter(
      (column) => key.includes(column.name) || (column.content.kind !== "computed" && column.content.kind !== "identity" && (!column.isNullable || random.chance(0.8))),
    );
    return `insert into ${name} (${columnList(columns.map((column) => column.name))}) values (${columns.map((column) => valueOf(column, n, random, major)).join(", ")})`;
  };
  const update = (): string[] => {
    const sets = assignments(table, random, major);
    return sets.length === 0 ? [] : [`update ${name} set ${sets.join(", ")} where ${is}`];
  };
  return [insert(), ...update(), `delete from ${name} where ${is}`, insert(), ...update(), ...update(), ...(random.chance(0.4) ? [`delete from ${name} where ${is}`] : [])];
}

/** More than a backend keeps in memory (64), and every third is undone. https://www.postgresql.org/docs/current/subxacts.html */
function manySubtransactions(table: Table, context: OperationContext): string[] | undefined {
  const { random, major } = context;
  const sets = assignments(table, random, major);
  if (sets.length === 0) return undefined;
  const insert = insertBulk(table, 1, context);
  const update = `update ${sqlName(table)} set ${sets.join(", ")} where ${someRows(table, 1, random)}`;
  return [
    `do $do$ begin for i in 1..${random.pick([5, 80])} loop begin ${update}; if i = 2 then ${insert}; end if; if i % 3 = 0 then raise 'undo'; end if; exception when raise_exception or unique_violation then null; end; end loop; end $do$`,
  ];
}

/** https://www.postgresql.org/docs/11/logical-replication-restrictions.html: before 11 nobody is told. */
function truncate(table: Table, { random, canTruncate }: OperationContext): string[] | undefined {
  if (!canTruncate) return undefined;
  return [`truncate ${sqlName(table)}${random.chance(0.4) ? " restart identity" : ""}${table.isReferenced || random.chance(0.2) ? " cascade" : ""}`];
}
