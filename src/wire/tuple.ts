/** A column's kind byte (https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html, TupleData). */
export const NULL_COLUMN = 0x6e; // 'n'
/** A TOASTed value that the change left as it was: the server does not send it. */
export const UNCHANGED_COLUMN = 0x75; // 'u'
export const TEXT_COLUMN = 0x74; // 't'
export const BINARY_COLUMN = 0x62; // 'b'

/**
 * One row as pgoutput writes it: for each column a kind byte ('n' null, 'u' unchanged TOAST, 't' text, 'b' binary) and for 't' and 'b' an int32 length and
 * the bytes.
 * Whoever made it has checked that it lies within its bounds; the functions here rely on that.
 */
export interface Tuple {
  readonly bytes: Buffer;
  /** Offset of the first column's kind byte. */
  readonly start: number;
  /** Offset behind the last column. */
  readonly end: number;
  readonly columns: number;
}

/** Whether a column of this kind has a value that was sent. */
export function hasValue(kind: number | undefined): boolean {
  return kind === TEXT_COLUMN || kind === BINARY_COLUMN;
}

/** The offset of the column behind the one whose kind byte is at `at`. */
export function afterColumn(bytes: Buffer, at: number): number {
  return hasValue(bytes[at]) ? at + 5 + valueLength(bytes, at) : at + 1;
}

/** How many bytes the value has of the column whose kind byte (a 't' or 'b') is at `at`; they begin at `at + 5`. */
export function valueLength(bytes: Buffer, at: number): number {
  return (bytes[at + 1]! << 24) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 8) | bytes[at + 4]!;
}

/** The offset of a column's kind byte; `column` counts from 0 and is less than `tuple.columns`. */
export function columnOffset(tuple: Tuple, column: number): number {
  let at = tuple.start;
  for (let passed = 0; passed < column; passed++) at = afterColumn(tuple.bytes, at);
  return at;
}

/** Whether some value of the row was not sent. */
export function hasUnchanged(tuple: Tuple): boolean {
  for (let at = tuple.start; at < tuple.end; at = afterColumn(tuple.bytes, at)) if (tuple.bytes[at] === UNCHANGED_COLUMN) return true;
  return false;
}

/** The same row in bytes of its own: a decoded tuple is only valid until its receiver returns. */
export function copyTuple(tuple: Tuple): Tuple {
  const bytes = Buffer.allocUnsafe(tuple.end - tuple.start);
  tuple.bytes.copy(bytes, 0, tuple.start, tuple.end);
  return { bytes, start: 0, end: bytes.length, columns: tuple.columns };
}

/** The row's values, which came as text, as strings, null, or undefined where it is unchanged. For the rare row that is looked at one by one. */
export function tupleValues(tuple: Tuple): (string | null | undefined)[] {
  const values: (string | null | undefined)[] = [];
  const { bytes, end } = tuple;
  for (let at = tuple.start; at < end; at = afterColumn(bytes, at)) {
    if (bytes[at] === TEXT_COLUMN) values.push(bytes.toString("utf8", at + 5, at + 5 + valueLength(bytes, at)));
    else values.push(bytes[at] === NULL_COLUMN ? null : undefined);
  }
  return values;
}
