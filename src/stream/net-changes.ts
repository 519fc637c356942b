import type { Arena } from "./arena.ts";
import type { RowKey } from "./row-key.ts";
import { RowNumbers } from "./row-numbers.ts";
import type { StreamTable } from "./stream-table.ts";

/** What is known of a row: bits of its state. */
/** It was on the target before this batch. */
const EXISTED = 1;
/** It is there after the changes so far. */
const EXISTS = 2;
/** It was deleted and inserted again, or must be: an update does not make it. */
const REPLACED = 4;
/** Its tuple lacks values that are as they were on the target. */
const PARTIAL = 8;

/** What has to be done with a row. */
export type NetKind = "delete" | "update" | "replace" | "insert" | "nothing";

const ROW_INTS = 3;

/**
 * With so many rows to be updated, a batch is large enough: more would be of other rows mostly. And what an update leaves behind makes room on its page for updates of other transactions only,
 * so the more of a page's rows one transaction updates, the more of them go to another page, and into each index; while fewer and fewer cost more, as each page is tidied up each time. So it is
 * fewer where the rows lie close together, or may do.
 */
const ENOUGH_UPDATES = 30_000;
const ENOUGH_CLOSE_UPDATES = 15_000;

/**
 * The net effect of a run of changes of one table, row by row as its key tells them apart. A key is the bytes of its text: where a type holds texts that differ
 * and are equal (1.0 and 1.00), a row only ever has one of them, and becoming the other is a change of key: the old one is deleted before the new one is
 * inserted.
 *
 * Applying it is deletes, then updates, then inserts. That equals the changes one by one: rows of different keys do not touch each other, but by other unique
 * constraints; where these collide, the target refuses, and the changes are applied in order.
 *
 * Each `add` returns false, having done nothing, for what cannot be told from here: such a change is applied by itself, in order.
 */
export class NetChanges {
  table: StreamTable;
  rows = 0;
  /** Changes that it holds: inserts, updates, deletes. */
  readonly merged: [inserts: number, updates: number, deletes: number] = [0, 0, 0];
  /** state, start and end of the tuple, for each row. */
  #data = new Int32Array(16 * ROW_INTS);
  readonly #keys = new RowNumbers();
  /** Known once there are enough of them. */
  #areClose: boolean | undefined;

  constructor(table: StreamTable) {
    this.table = table;
  }

  /** Empties it for use again. */
  clear(table: StreamTable): void {
    this.table = table;
    this.rows = 0;
    this.merged.fill(0);
    this.#keys.clear();
    this.#areClose = undefined;
  }

  /** It had better be applied before more comes. Rows that are updated again and again count once. */
  get hasEnoughUpdates(): boolean {
    const updates = Math.min(this.rows, this.merged[1]);
    if (updates < ENOUGH_CLOSE_UPDATES) return false;
    this.#areClose ??= !this.#keys.areSpread();
    return this.#areClose || updates >= ENOUGH_UPDATES;
  }

  /** The row as it is inserted, or as it is set; of a row to be deleted, one that holds its key. */
  start(row: number): number {
    return this.#data[row * ROW_INTS + 1]!;
  }

  end(row: number): number {
    return this.#data[row * ROW_INTS + 2]!;
  }

  kind(row: number): NetKind {
    const state = this.#data[row * ROW_INTS]!;
    if ((state & EXISTED) === 0) return (state & EXISTS) === 0 ? "nothing" : "insert";
    if ((state & EXISTS) === 0) return "delete";
    return (state & REPLACED) === 0 ? "update" : "replace";
  }

  isPartial(row: number): boolean {
    return (this.#data[row * ROW_INTS]! & PARTIAL) !== 0;
  }

  insert(arena: Arena, start: number, end: number): boolean {
    if (this.table.key === undefined) this.#push(EXISTS, start, end);
    else {
      const key = this.table.keyOf(arena.bytes, start);
      if (key === undefined) return false;
      const row = this.#keys.get(key);
      if (row !== undefined && this.#exists(row)) return false;
      this.#insert(key, row, start, end);
    }
    this.merged[0]++;
    return true;
  }

  delete(arena: Arena, start: number, end: number): boolean {
    const key = this.table.keyOf(arena.bytes, start);
    if (key === undefined) return false;
    const row = this.#keys.get(key);
    if (row !== undefined && !this.#exists(row)) return false;
    this.#delete(key, row, start, end);
    this.merged[2]++;
    return true;
  }

  /** `old`: the offset of the old row or key; -1 where none came, as the key is the new row's. */
  update(arena: Arena, old: number, oldEnd: number, isOldKeyOnly: boolean, start: number, end: number): boolean {
    const { table } = this;
    let newStart = start;
    let newEnd = end;
    let isPartial = arena.isPartial(start, end);
    if (isPartial && old >= 0) {
      newStart = arena.fill(start, end, old, isOldKeyOnly);
      newEnd = arena.used;
      isPartial = arena.isPartial(newStart, newEnd);
    }
    const key = table.keyOf(arena.bytes, newStart);
    const oldKey = old < 0 ? key : table.keyOf(arena.bytes, old);
    if (key === undefined || oldKey === undefined) return false;
    const row = this.#keys.get(oldKey);
    if (row !== undefined) {
      if (!this.#exists(row)) return false;
      if (isPartial) {
        newStart = arena.fill(newStart, newEnd, this.start(row), false);
        newEnd = arena.used;
        isPartial = arena.isPartial(newStart, newEnd);
      }
    }
    if (key !== oldKey) {
      const other = this.#keys.get(key);
      if (isPartial || (other !== undefined && this.#exists(other))) return false;
      this.#delete(oldKey, row, old, oldEnd);
      this.#insert(key, other, newStart, newEnd);
    } else {
      if (table.isReplaced && isPartial) return false;
      const partial = isPartial ? PARTIAL : 0;
      if (row === undefined) this.#keys.add(key, this.#push(EXISTED | EXISTS | partial | (table.isReplaced ? REPLACED : 0), newStart, newEnd));
      else this.#set(row, (this.#data[row * ROW_INTS]! & ~PARTIAL) | partial, newStart, newEnd);
    }
    this.merged[1]++;
    return true;
  }

  #exists(row: number): boolean {
    return (this.#data[row * ROW_INTS]! & EXISTS) !== 0;
  }

  #insert(key: RowKey, row: number | undefined, start: number, end: number): void {
    if (row === undefined) this.#keys.add(key, this.#push(EXISTS, start, end));
    else this.#set(row, this.#data[row * ROW_INTS]! | EXISTS | REPLACED, start, end);
  }

  #delete(key: RowKey, row: number | undefined, start: number, end: number): void {
    if (row === undefined) this.#keys.add(key, this.#push(EXISTED, start, end));
    else this.#set(row, this.#data[row * ROW_INTS]! & EXISTED, start, end);
  }

  #push(state: number, start: number, end: number): number {
    if ((this.rows + 1) * ROW_INTS > this.#data.length) {
      const data = new Int32Array(2 * this.#data.length);
      data.set(this.#data);
      this.#data = data;
    }
    this.#set(this.rows, state, start, end);
    return this.rows++;
  }

  #set(row: number, state: number, start: number, end: number): void {
    const at = row * ROW_INTS;
    this.#data[at] = state;
    this.#data[at + 1] = start;
    this.#data[at + 2] = end;
  }
}
