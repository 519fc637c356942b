import type { Outgoing } from "../wire/outgoing.ts";
import { BINARY_COLUMN, TEXT_COLUMN, afterColumn, valueLength } from "../wire/tuple.ts";

const BACKSLASH = 0x5c;
const TAB = 0x09;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const NULL_LETTER = 0x4e; // N

/** The letter that stands for a byte which would end a value or a row; 0 for the others. */
const ESCAPED = new Uint8Array(256);
ESCAPED[BACKSLASH] = BACKSLASH;
ESCAPED[TAB] = 0x74; // t
ESCAPED[NEWLINE] = 0x6e; // n
ESCAPED[RETURN] = 0x72; // r

/**
 * Writes one row in COPY's text format, as bytes (https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS).
 * `offsets[first + column]` is where a column's kind byte is; `columns` are those that are written.
 */
export function writeCopyRow(out: Outgoing, bytes: Buffer, offsets: Int32Array, first: number, columns: readonly number[]): void {
  for (let number = 0; number < columns.length; number++) {
    const at = offsets[first + columns[number]!]!;
    if (number > 0) out.byte(TAB);
    if (bytes[at] === TEXT_COLUMN) writeEscaped(out, bytes, at + 5, at + 5 + valueLength(bytes, at));
    else {
      out.byte(BACKSLASH);
      out.byte(NULL_LETTER);
    }
  }
  out.byte(NEWLINE);
}

/** "PGCOPY", a newline, 0xff, a return, a newline, a NUL; no flags, and no extension of the header. */
const BINARY_HEADER = Buffer.from("5047434f50590aff0d0a000000000000000000", "hex");

/** What stands before the rows in the binary format (https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS). */
export function beginBinaryCopy(out: Outgoing): void {
  out.copy(BINARY_HEADER, 0, BINARY_HEADER.length);
}

/** The row at `start` in the binary format: pgoutput's length and bytes are COPY's. `columns` ascend. */
export function writeBinaryCopyRow(out: Outgoing, bytes: Buffer, start: number, end: number, columns: readonly number[]): void {
  out.ensure(2 + 4 * columns.length + end - start);
  out.int16(columns.length);
  const to = out.bytes;
  let next = out.at;
  let at = start;
  for (let column = 0, number = 0; number < columns.length; column++) {
    const behind = afterColumn(bytes, at);
    if (columns[number] === column) {
      number++;
      if (bytes[at] === BINARY_COLUMN) {
        if (behind - at < LONG) for (let from = at + 1; from < behind; from++) to[next++] = bytes[from]!;
        else {
          bytes.copy(to, next, at + 1, behind);
          next += behind - at - 1;
        }
      } else for (let sign = 0; sign < 4; sign++) to[next++] = 0xff; // -1: NULL
    }
    at = behind;
  }
  out.at = next;
}

/** Values at least this long are copied by the machine's own loop. */
const LONG = 64;

/** What stands behind the rows. */
export function endBinaryCopy(out: Outgoing): void {
  out.int16(-1);
}

function writeEscaped(out: Outgoing, bytes: Buffer, start: number, end: number): void {
  out.ensure(2 * (end - start));
  const to = out.bytes;
  let at = out.at;
  for (let from = start; from < end; from++) {
    const byte = bytes[from]!;
    const letter = ESCAPED[byte]!;
    if (letter === 0) to[at++] = byte;
    else {
      to[at++] = BACKSLASH;
      to[at++] = letter;
    }
  }
  out.at = at;
}
