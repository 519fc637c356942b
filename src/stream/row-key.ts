import { BINARY_COLUMN, afterColumn, hasValue, valueLength } from "../wire/tuple.ts";

/** The text of a row's key, for maps: equal exactly where the bytes are. Small whole numbers as what they are: no string need be made. */
export type RowKey = string | number;

const ZERO = 0x30;
const MINUS = 0x2d;
/** So many digits are a small integer on every machine. */
const DIGITS = 9;

/** The key of a row, whose columns are `key`, ascending; undefined when a part of it is not there. `isBinaryInteger`: it is one integer, in binary format. */
export function rowKey(bytes: Buffer, start: number, key: readonly number[], isBinaryInteger = false): RowKey | undefined {
  let at = start;
  let column = 0;
  if (key.length === 1) {
    for (const wanted = key[0]!; column < wanted; column++) at = afterColumn(bytes, at);
    if (isBinaryInteger && bytes[at] === BINARY_COLUMN) return integerKey(bytes, at + 5, valueLength(bytes, at));
    return hasValue(bytes[at]) ? valueKey(bytes, at + 5, at + 5 + valueLength(bytes, at)) : undefined;
  }
  let text = "";
  for (const wanted of key) {
    for (; column < wanted; column++) at = afterColumn(bytes, at);
    if (!hasValue(bytes[at])) return undefined;
    // With its length in front: no two keys make the same string.
    text += latin1(bytes, at + 1, at + 5 + valueLength(bytes, at));
  }
  return text;
}

/** Of two, four or eight bytes; what no number holds exactly keeps its bytes. */
function integerKey(bytes: Buffer, start: number, length: number): RowKey {
  if (length === 2) return bytes.readInt16BE(start);
  const high = (bytes[start]! << 24) | (bytes[start + 1]! << 16) | (bytes[start + 2]! << 8) | bytes[start + 3]!;
  if (length === 4) return high;
  const low = ((bytes[start + 4]! << 24) | (bytes[start + 5]! << 16) | (bytes[start + 6]! << 8) | bytes[start + 7]!) >>> 0;
  const number = high * 2 ** 32 + low;
  return Number.isSafeInteger(number) ? number : latin1(bytes, start, start + length);
}

function valueKey(bytes: Buffer, start: number, end: number): RowKey {
  const isNegative = bytes[start] === MINUS;
  let at = isNegative ? start + 1 : start;
  const digits = end - at;
  // Only the one text that a number has: 7, not 07, nor -0.
  if (digits > 0 && digits <= DIGITS && (bytes[at] !== ZERO || (digits === 1 && !isNegative))) {
    let number = 0;
    for (; at < end; at++) {
      const digit = bytes[at]! - ZERO;
      if (digit < 0 || digit > 9) break;
      number = 10 * number + digit;
    }
    if (at === end) return isNegative ? -number : number;
  }
  return latin1(bytes, start, end);
}

function latin1(bytes: Buffer, start: number, end: number): string {
  // As toString("latin1", …), without its way there; undocumented, and as old as Buffer.
  return (bytes as unknown as { latin1Slice: (start: number, end: number) => string }).latin1Slice(start, end);
}
