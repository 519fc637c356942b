import { NULL_COLUMN, type Tuple, UNCHANGED_COLUMN, afterColumn, hasValue, valueLength } from "../wire/tuple.ts";

const FIRST_BYTES = 64 * 1024;
/** Up to here Buffer.copy costs more than its bytes: it makes a view of the part first. */
const MOST_BY_HAND = 48;

/** Memory that tuples are copied into: what is decoded is only valid until the read buffer is filled again. Rows are known by their offsets. */
export class Arena {
  bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  used = 0;

  /** Copies a row; returns its offset. It ends where the next begins: at `used`. */
  add(tuple: Tuple): number {
    const size = tuple.end - tuple.start;
    this.#ensure(size);
    const at = this.used;
    if (size > MOST_BY_HAND) tuple.bytes.copy(this.bytes, at, tuple.start, tuple.end);
    else copyByHand(tuple, this.bytes, at);
    this.used = at + size;
    return at;
  }

  /** Whether some value of a row was not sent. */
  isPartial(start: number, end: number): boolean {
    const { bytes } = this;
    for (let at = start; at < end; at = afterColumn(bytes, at)) if (bytes[at] === UNCHANGED_COLUMN) return true;
    return false;
  }

  /**
   * A row with the values of an older one in place of those that were not sent, as far as the older has them. `isKeyOnly`: the older one holds a key, and
   * nothing is known of its other columns.
   */
  fill(start: number, end: number, older: number, isKeyOnly: boolean): number {
    this.#ensure(this.#filledBytes(start, end, older));
    const { bytes } = this;
    const filled = this.used;
    let to = filled;
    for (let at = start, from = older; at < end; at = afterColumn(bytes, at), from = afterColumn(bytes, from)) {
      const isOlder = bytes[at] === UNCHANGED_COLUMN && (hasValue(bytes[from]) || (bytes[from] === NULL_COLUMN && !isKeyOnly));
      const source = isOlder ? from : at;
      const behind = afterColumn(bytes, source);
      bytes.copyWithin(to, source, behind);
      to += behind - source;
    }
    this.used = to;
    return filled;
  }

  #filledBytes(start: number, end: number, older: number): number {
    const { bytes } = this;
    let size = end - start;
    for (let at = start, from = older; at < end; at = afterColumn(bytes, at), from = afterColumn(bytes, from)) {
      if (bytes[at] === UNCHANGED_COLUMN && hasValue(bytes[from])) size += 4 + valueLength(bytes, from);
    }
    return size;
  }

  /** Forgets all rows. Memory that one large row had needed is given back. */
  clear(mostBytes: number): void {
    this.used = 0;
    if (this.bytes.length > 2 * mostBytes) this.bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  }

  #ensure(size: number): void {
    if (this.used + size <= this.bytes.length) return;
    const next = Buffer.allocUnsafeSlow(Math.max(2 * this.bytes.length, this.used + size));
    this.bytes.copy(next, 0, 0, this.used);
    this.bytes = next;
  }
}

function copyByHand({ bytes, start, end }: Tuple, to: Buffer, at: number): void {
  const shift = at - start;
  for (let next = start; next < end; next++) to[next + shift] = bytes[next]!;
}
