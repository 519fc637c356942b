import { type Pipeline, type Statement, plain } from "../wire/pipeline.ts";
import { afterColumn } from "../wire/tuple.ts";
import { writeArray, writeBinaryArray } from "./write-array.ts";
import { beginBinaryCopy, endBinaryCopy, writeBinaryCopyRow, writeCopyRow } from "./copy-rows.ts";
import type { Flight } from "./flight.ts";
import type { NetChanges } from "./net-changes.ts";
import type { StreamTable } from "./stream-table.ts";
import type { RowStatement } from "./table-statements.ts";
import { unchangedColumns, writeRow } from "./write-row.ts";

/** Fewer rows than this go one by one: an array or a COPY is not worth its beginning. */
const FEW = 3;
/** A statement with arrays takes so many rows and bytes at most: the server begins while the next is written, and keeps them in work_mem. */
const ROWS = 2000;
const BYTES = 512 * 1024;
/** A row of this size goes by itself, unquoted: quoting may double it, and there is a limit of 1 GB for a parameter. */
const LARGE_ROW_BYTES = 256 * 1024;
const WORTH_SORTING = 50;
/** So many rows are worth a pass of the index. */
const WORTH_A_PASS = 100;
const MOST_OFFSETS = 256 * 1024;

/** How a join is planned, within this transaction; apply-session.ts says what holds otherwise. https://www.postgresql.org/docs/current/runtime-config-query.html */
const HASH_JOIN: readonly Statement[] = ["set local enable_nestloop = off", "set local enable_hashjoin = on"].map(plain);
const NESTED_LOOP: readonly Statement[] = ["set local enable_nestloop = on", "set local enable_hashjoin = off"].map(plain);

/** Where the columns of rows begin: `columns` places for each. */
let offsets = new Int32Array(4096);

/** Writes the statements that apply the net changes of one table: deletes, updates by the columns that they set, inserts. */
export function writeNet(flight: Flight, bytes: Buffer, net: NetChanges): void {
  const { table } = net;
  const deletes: number[] = [];
  const updates: number[] = [];
  const partial = new Map<string, { readonly unchanged: readonly number[]; readonly rows: number[] }>();
  const inserts: number[] = [];
  for (let row = 0; row < net.rows; row++) {
    const kind = net.kind(row);
    if (kind === "delete" || kind === "replace") deletes.push(row);
    if (kind === "insert" || kind === "replace") inserts.push(row);
    if (kind !== "update") continue;
    if (!net.isPartial(row)) {
      updates.push(row);
      continue;
    }
    const unchanged = unchangedColumns(bytes, net.start(row), net.end(row));
    const group = partial.get(unchanged.join());
    if (group === undefined) partial.set(unchanged.join(), { unchanged, rows: [row] });
    else group.rows.push(row);
  }
  const { statements } = table;
  const write = (rows: number[], one: () => RowStatement, many: () => RowStatement): void => {
    for (const part of parts(net, byKey(bytes, net, rows))) {
      if (part.length < FEW) for (const row of part) writeOne(flight, bytes, net, row, one());
      else writeMany(flight, bytes, net, part, many());
    }
  };
  if (deletes.length > 0) write(deletes, () => statements.deleteRow(), () => statements.deleteRows()); // prettier-ignore
  const update = (rows: number[], unchanged: readonly number[]): void => {
    const isHashJoin = table.isFoundInPass && rows.length >= WORTH_A_PASS;
    if (isHashJoin) for (const setting of HASH_JOIN) flight.run(setting, "applying");
    write(rows, () => statements.updateRow(unchanged, true), () => statements.updateRows(unchanged, isHashJoin)); // prettier-ignore
    if (isHashJoin) for (const setting of NESTED_LOOP) flight.run(setting, "applying");
  };
  if (updates.length > 0) update(updates, []);
  for (const { unchanged, rows } of partial.values()) update(rows, unchanged);
  if (inserts.length > 0) writeInserts(flight, bytes, net, inserts);
}

/**
 * Rows in the order of a key that is a small number: neighbours are mostly on the same pages of index and table, which are then looked up, and written, once.
 * Rows of other keys stay as they came.
 */
function byKey(bytes: Buffer, net: NetChanges, rows: number[]): number[] {
  if (rows.length < WORTH_SORTING) return rows;
  const keys = new Float64Array(rows.length);
  let least = Infinity;
  let greatest = -Infinity;
  for (let at = 0; at < rows.length; at++) {
    const key = net.table.keyOf(bytes, net.start(rows[at]!));
    if (typeof key !== "number") return rows;
    keys[at] = key;
    least = Math.min(least, key);
    greatest = Math.max(greatest, key);
  }
  // Key and place in one number, which the machine's own sort of numbers takes.
  const places = rows.length;
  if ((greatest - least + 1) * places > Number.MAX_SAFE_INTEGER) {
    const order = rows.map((_, at) => at).sort((left, right) => keys[left]! - keys[right]!);
    return order.map((at) => rows[at]!);
  }
  for (let at = 0; at < places; at++) keys[at] = (keys[at]! - least) * places + at;
  return Array.from(keys.sort(), (number) => rows[number % places]!);
}

/** Rows for one statement each; large ones alone. */
function* parts(net: NetChanges, rows: readonly number[]): Generator<readonly number[]> {
  const most = Math.max(FEW, Math.min(ROWS, Math.floor(MOST_OFFSETS / Math.max(1, net.table.relation.columns.length))));
  let part: number[] = [];
  let size = 0;
  for (const row of rows) {
    const bytes = net.end(row) - net.start(row);
    if (bytes >= LARGE_ROW_BYTES) {
      yield [row];
      continue;
    }
    part.push(row);
    size += bytes;
    if (part.length < most && size < BYTES) continue;
    yield part;
    part = [];
    size = 0;
  }
  if (part.length > 0) yield part;
}

function writeOne(flight: Flight, bytes: Buffer, net: NetChanges, row: number, statement: RowStatement): void {
  const start = net.start(row);
  writeRow(flight.pipeline, bytes, statement, start, start, net.table.isBinary);
  flight.expect(1, "applying", net.table);
}

function writeMany(flight: Flight, bytes: Buffer, net: NetChanges, rows: readonly number[], statement: RowStatement): void {
  const { table } = net;
  writeArrays(flight.pipeline, bytes, table, statement, rows.map((row) => net.start(row))); // prettier-ignore
  flight.expect(rows.length, "applying", table);
}

/** Writes the execution of a statement that takes many rows, column by column. `starts`: their offsets. */
export function writeArrays(pipeline: Pipeline, bytes: Buffer, table: StreamTable, statement: RowStatement, starts: readonly number[]): void {
  const stride = table.relation.columns.length;
  makeRoom(starts.length * stride);
  for (let at = 0; at < starts.length; at++) findColumns(bytes, starts[at]!, at * stride, stride);
  pipeline.bind(statement, table.isBinary);
  // The key comes first here.
  for (const columns of [statement.fromOld, statement.fromNew]) {
    for (const column of columns) {
      const length = pipeline.out.beginLength();
      const { typeOid, delimiter } = table.target.columns[table.targetOf[column]!]!;
      if (table.isBinary) writeBinaryArray(pipeline.out, bytes, offsets, column, stride, starts.length, typeOid);
      else writeArray(pipeline.out, bytes, offsets, column, stride, starts.length, delimiter);
      pipeline.out.endLength(length);
    }
  }
  pipeline.execute();
}

function writeInserts(flight: Flight, bytes: Buffer, net: NetChanges, rows: readonly number[]): void {
  const { table } = net;
  const small = rows.filter((row) => net.end(row) - net.start(row) < LARGE_ROW_BYTES);
  if (small.length < FEW) for (const row of rows) writeOne(flight, bytes, net, row, table.statements.insertRow());
  else {
    const { pipeline } = flight;
    const stride = table.relation.columns.length;
    makeRoom(stride);
    const statement = table.statements.copyRows();
    pipeline.beginCopy(statement);
    if (table.isBinary) beginBinaryCopy(pipeline.out);
    for (const row of small) {
      if (table.isBinary) writeBinaryCopyRow(pipeline.out, bytes, net.start(row), net.end(row), statement.fromNew);
      else {
        findColumns(bytes, net.start(row), 0, stride);
        writeCopyRow(pipeline.out, bytes, offsets, 0, statement.fromNew);
      }
      pipeline.endCopyRow();
    }
    if (table.isBinary) endBinaryCopy(pipeline.out);
    pipeline.endCopy();
    flight.expect(small.length, "applying", table);
    if (small.length < rows.length) {
      for (const row of rows) if (net.end(row) - net.start(row) >= LARGE_ROW_BYTES) writeOne(flight, bytes, net, row, table.statements.insertRow());
    }
  }
}

function findColumns(bytes: Buffer, start: number, place: number, columns: number): void {
  let at = start;
  for (let column = 0; column < columns; column++) {
    offsets[place + column] = at;
    at = afterColumn(bytes, at);
  }
}

function makeRoom(places: number): void {
  if (places > offsets.length) offsets = new Int32Array(2 * places);
}
