import type { RowKey } from "./row-key.ts";

const FIRST_ROWS = 32;
/** Keys that follow each other so closely are neighbours: as many rows as a page holds, more or less. */
const NEIGHBOURS = 64;
/** So few neighbours are there on average where keys are spread. */
const FEW = 4;

/**
 * Tells the rows of a batch by their keys. As a Map does; but millions of integers pass through here, and what a Map holds of them is garbage of V8's old generation with each batch, where
 * these few arrays are used again.
 */
export class RowNumbers {
  /** The number of a row and 1, at its key's hash or at the next free place behind; 0: free. At most half of them are taken. */
  #places = new Int32Array(2 * FIRST_ROWS);
  /** The integer keys of rows, by the rows' numbers. */
  #integers = new Float64Array(FIRST_ROWS);
  #taken = 0;
  readonly #texts = new Map<string, number>();

  get(key: RowKey): number | undefined {
    if (typeof key === "string") return this.#texts.get(key);
    const row = this.#places[this.#placeOf(key)]!;
    return row === 0 ? undefined : row - 1;
  }

  /** Notes the key of a row, which has none yet. Rows are numbered from 0. */
  add(key: RowKey, row: number): void {
    if (typeof key === "string") {
      this.#texts.set(key, row);
      return;
    }
    if (2 * (this.#taken + 1) > this.#places.length) this.#grow();
    if (row >= this.#integers.length) {
      const integers = new Float64Array(Math.max(2 * this.#integers.length, row + 1));
      integers.set(this.#integers);
      this.#integers = integers;
    }
    this.#places[this.#placeOf(key)] = row + 1;
    this.#integers[row] = key;
    this.#taken++;
  }

  /** Whether most of the keys are integers without many neighbours: so that most of the rows lie on different pages. Takes a look at each key. */
  areSpread(): boolean {
    const neighbourhoods = new Set<number>();
    for (const place of this.#places) if (place !== 0) neighbourhoods.add(Math.floor(this.#integers[place - 1]! / NEIGHBOURS));
    return this.#texts.size + this.#taken <= FEW * neighbourhoods.size;
  }

  clear(): void {
    if (this.#taken > 0) this.#places.fill(0);
    this.#taken = 0;
    this.#texts.clear();
  }

  /** Where the key is, or would be. */
  #placeOf(key: number): number {
    const places = this.#places;
    const integers = this.#integers;
    const mask = places.length - 1;
    let at = hash(key) & mask;
    while (places[at] !== 0 && integers[places[at]! - 1] !== key) at = (at + 1) & mask;
    return at;
  }

  #grow(): void {
    const rows = this.#places.filter((row) => row !== 0);
    this.#places = new Int32Array(2 * this.#places.length);
    for (const row of rows) this.#places[this.#placeOf(this.#integers[row - 1]!)] = row;
  }
}

/** Of a safe integer: all of its bits count. */
function hash(key: number): number {
  let bits = (key | 0) ^ Math.imul(Math.floor(key / 2 ** 32), 0x85eb_ca6b);
  bits = Math.imul(bits ^ (bits >>> 16), 0x7feb_352d);
  bits = Math.imul(bits ^ (bits >>> 15), 0x846c_a68b);
  return bits ^ (bits >>> 16);
}
