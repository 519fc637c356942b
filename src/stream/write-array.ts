import type { Outgoing } from "../wire/outgoing.ts";
import { BINARY_COLUMN, TEXT_COLUMN, valueLength } from "../wire/tuple.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = 0x7b; // {
const CLOSE = 0x7d; // }

/** Values at least this long are searched and copied by the machine's own loops. */
const LONG = 48;

/**
 * Writes one column of many rows as the text of an array, quoted value by value, as bytes
 * (https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO). In UTF-8 no byte of a longer character looks like a quote or a backslash.
 *
 * `offsets` holds where a column's kind byte is, every `stride`th from `first` on, for `rows` rows.
 */
export function writeArray(out: Outgoing, bytes: Buffer, offsets: Int32Array, first: number, stride: number, rows: number, delimiter: number): void {
  out.byte(OPEN);
  for (let row = 0, place = first; row < rows; row++, place += stride) {
    const at = offsets[place]!;
    if (row > 0) out.byte(delimiter);
    if (bytes[at] === TEXT_COLUMN) writeQuoted(out, bytes, at + 5, at + 5 + valueLength(bytes, at));
    else {
      out.ensure(4);
      out.bytes[out.at++] = 0x4e;
      out.bytes[out.at++] = 0x55;
      out.bytes[out.at++] = 0x4c;
      out.bytes[out.at++] = 0x4c;
    }
  }
  out.byte(CLOSE);
}

/**
 * The same of values in binary format, as the binary format of an array (array_recv of the server: one dimension, whether there are NULLs, the elements' type, how many, from 1 on, then
 * each with its length). `typeOid`: the elements' type at the target.
 */
export function writeBinaryArray(out: Outgoing, bytes: Buffer, offsets: Int32Array, first: number, stride: number, rows: number, typeOid: number): void {
  out.int32(1);
  out.int32(1);
  out.int32(typeOid);
  out.int32(rows);
  out.int32(1);
  for (let row = 0, place = first; row < rows; row++, place += stride) {
    const at = offsets[place]!;
    if (bytes[at] === BINARY_COLUMN) writeShort(out, bytes, at + 1, at + 5 + valueLength(bytes, at));
    else out.int32(-1);
  }
}

function writeShort(out: Outgoing, bytes: Buffer, start: number, end: number): void {
  if (end - start >= LONG) return out.copy(bytes, start, end);
  out.ensure(end - start);
  const to = out.bytes;
  let at = out.at;
  for (let from = start; from < end; from++) to[at++] = bytes[from]!;
  out.at = at;
}

function writeQuoted(out: Outgoing, bytes: Buffer, start: number, end: number): void {
  out.ensure(2 * (end - start) + 2);
  const to = out.bytes;
  let at = out.at;
  to[at++] = QUOTE;
  if (end - start < LONG || hasSpecial(bytes, start, end)) {
    for (let from = start; from < end; from++) {
      const byte = bytes[from]!;
      if (byte === QUOTE || byte === BACKSLASH) to[at++] = BACKSLASH;
      to[at++] = byte;
    }
  } else {
    bytes.copy(to, at, start, end);
    at += end - start;
  }
  to[at++] = QUOTE;
  out.at = at;
}

function hasSpecial(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] === QUOTE || bytes[at] === BACKSLASH) return true;
  return false;
}
