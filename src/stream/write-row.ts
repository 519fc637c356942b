import { mutation } from "../errors/mutation.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import type { Pipeline } from "../wire/pipeline.ts";
import { UNCHANGED_COLUMN, afterColumn, hasValue, valueLength } from "../wire/tuple.ts";
import type { Batch, LoggedChange } from "./batch.ts";
import type { Flight } from "./flight.ts";
import type { StreamTable } from "./stream-table.ts";
import type { RowStatement } from "./table-statements.ts";

const MAKES_TOAST_NULL = mutation("toast as null");

/** Writes the execution of a statement for one row: `start` is the new row's offset, `old` that of the row or key that is looked for. `isBinary`: its values are. */
export function writeRow(pipeline: Pipeline, bytes: Buffer, statement: RowStatement, start: number, old: number, isBinary: boolean): void {
  pipeline.bind(statement, isBinary);
  for (const column of statement.fromNew) writeValue(pipeline, bytes, columnAt(bytes, start, column));
  for (const column of statement.fromOld) writeValue(pipeline, bytes, columnAt(bytes, old, column));
  pipeline.execute();
}

/** Writes one change as it came. Each statement that affects rows must affect one. */
export function writeChange(flight: Flight, batch: Batch, number: number): void {
  const change = batch.change(number);
  if (change.truncate !== undefined) return writeTruncate(flight, change);
  const table = change.table!;
  const { bytes } = batch.arena;
  if (table.key !== undefined && change.kind !== "insert" && table.keyOf(bytes, keyOffset(bytes, change, table)) === undefined) throw keyNotSent(table);
  const statement = statementFor(batch, change, table);
  // The key of an update that came without an old row is in the new one.
  writeRow(flight.pipeline, bytes, statement, change.new, keyOffset(bytes, change, table), table.isBinary);
  flight.expect(1, "applying in order", table, number);
}

/** Servers before 14.2, 13.6, 12.10, 11.15 and 10.20 leave a TOASTed part of a key out (https://www.postgresql.org/docs/release/14.2/). */
function keyNotSent(table: StreamTable): GodwitError {
  const { display } = table;
  return new GodwitError(
    "change-unsupported",
    `table ${display}: the source did not send the key of a changed row, as it is TOASTed; update the source's server to its last minor version`,
    { object: display },
  );
}

function statementFor(batch: Batch, change: LoggedChange, table: StreamTable): RowStatement {
  const { bytes } = batch.arena;
  const { statements } = table;
  if (change.kind === "insert") return statements.insertRow();
  const unchanged = change.kind === "update" ? unchangedColumns(bytes, change.new, change.newEnd) : [];
  if (table.key === undefined) {
    const { known, notNull } = wholeRow(bytes, change.old, change.oldEnd);
    return change.kind === "delete" ? statements.deleteWhole(known, notNull) : statements.updateWhole(unchanged, known, notNull);
  }
  if (change.kind === "delete") return statements.deleteRow();
  const isKeyKept = change.old < 0;
  if (table.isReplaced || (table.hasIdentityAlways && !isKeyKept)) return statements.replaceRow(unchanged);
  return statements.updateRow(unchanged, isKeyKept);
}

function keyOffset(bytes: Buffer, change: LoggedChange, table: StreamTable): number {
  if (change.old < 0) return change.new;
  // A key that is the same in both, but was not sent again as it is TOASTed, is in the old one, too.
  return table.key === undefined || table.keyOf(bytes, change.old) !== undefined ? change.old : change.new;
}

function wholeRow(bytes: Buffer, start: number, end: number): { readonly known: number[]; readonly notNull: Set<number> } {
  const known: number[] = [];
  const notNull = new Set<number>();
  for (let at = start, column = 0; at < end; at = afterColumn(bytes, at), column++) {
    if (bytes[at] !== UNCHANGED_COLUMN) known.push(column);
    if (hasValue(bytes[at])) notNull.add(column);
  }
  return { known, notNull };
}

/**
 * All tables in one statement: foreign keys among them do not matter then. What a CASCADE at the source took along is in the list, but for unlogged tables, and partitioned ones (their partitions
 * are): these are named, too. A logged table that the list does not have stays as it is: the server refuses then.
 */
function writeTruncate(flight: Flight, change: LoggedChange): void {
  const { tables, restartIdentity } = change.truncate!;
  const listed = new Set(tables.map(({ target }) => target.rowsOf));
  const referrers = tables.flatMap(({ target }) => target.referrers).filter(({ logged }) => logged.every((name) => listed.has(name)));
  const names = [...new Set([...listed, ...referrers.map(({ rowsOf }) => rowsOf)])];
  const sql = `truncate ${names.join(", ")}${restartIdentity ? " restart identity" : ""}`;
  flight.run({ sql, parameterTypes: [] }, `truncating ${tables.map(({ display }) => display).join(", ")}`);
}

function columnAt(bytes: Buffer, start: number, column: number): number {
  let at = start;
  for (let passed = 0; passed < column; passed++) at = afterColumn(bytes, at);
  return at;
}

function writeValue(pipeline: Pipeline, bytes: Buffer, at: number): void {
  if (hasValue(bytes[at])) pipeline.parameter(bytes, at + 5, at + 5 + valueLength(bytes, at));
  else pipeline.parameter(bytes, 0, -1);
}

/** Columns of a row whose values were not sent. */
export function unchangedColumns(bytes: Buffer, start: number, end: number): number[] {
  const unchanged: number[] = [];
  if (MAKES_TOAST_NULL) return unchanged;
  for (let at = start, column = 0; at < end; at = afterColumn(bytes, at), column++) if (bytes[at] === UNCHANGED_COLUMN) unchanged.push(column);
  return unchanged;
}
