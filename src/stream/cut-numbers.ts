import type { RelationColumn } from "../wire/pgoutput.ts";
import { TEXT_COLUMN, afterColumn } from "../wire/tuple.ts";

const NUMERIC = 1700;
const ZERO = 0x30;
const BLANK = 0x20;
const POINT = 0x2e;

/** The defect of a test (`values cut`): zeros at the end of a numeric value, behind its point, become blanks, which nobody reads. */
export function cutNumbers(bytes: Buffer, start: number, end: number, columns: readonly RelationColumn[]): void {
  for (let at = start, column = 0; at < end; column++) {
    const behind = afterColumn(bytes, at);
    if (bytes[at] === TEXT_COLUMN && columns[column]?.typeOid === NUMERIC && bytes.subarray(at, behind).includes(POINT)) {
      for (let last = behind - 1; bytes[last] === ZERO; last--) bytes[last] = BLANK;
    }
    at = behind;
  }
}
