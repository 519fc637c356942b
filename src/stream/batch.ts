import { mutation } from "../errors/mutation.ts";
import type { Lsn } from "../wire/lsn.ts";
import type { Change } from "../wire/pgoutput.ts";
import type { Tuple } from "../wire/tuple.ts";
import { Arena } from "./arena.ts";
import { cutNumbers } from "./cut-numbers.ts";
import { NetChanges } from "./net-changes.ts";
import type { RowKey } from "./row-key.ts";
import type { StreamTable } from "./stream-table.ts";

/** A change of one row; TRUNCATE changes tables. */
export type RowChange = Exclude<Change, { kind: "truncate" }>;
export type ChangeKind = Change["kind"];
export const CHANGE_KINDS: readonly ChangeKind[] = ["insert", "update", "delete", "truncate"];

export interface Truncate {
  readonly tables: readonly StreamTable[];
  readonly restartIdentity: boolean;
}

/** One change as it came, for applying it in order. Offsets into the arena; -1 where there is no such tuple. */
export interface LoggedChange {
  readonly kind: ChangeKind;
  /** undefined for TRUNCATE. */
  readonly table: StreamTable | undefined;
  readonly truncate: Truncate | undefined;
  readonly isOldKeyOnly: boolean;
  readonly old: number;
  readonly oldEnd: number;
  readonly new: number;
  readonly newEnd: number;
}

/** The commit at the source that a batch ends with. */
export interface BatchEnd {
  /** The first byte behind the commit record. */
  readonly endLsn: Lsn;
  /** µs since 2000-01-01 UTC. */
  readonly commitTime: bigint;
}

/** How many changes of each kind a table got, in the order of `CHANGE_KINDS`. */
export type KindCounts = [inserts: number, updates: number, deletes: number, truncates: number];

/** For so many batches a table's changes are not merged, after they had collided. */
const ORDERED_BATCHES = 20;

/** One table's part in a batch. */
interface TableState {
  readonly counts: KindCounts;
  readonly number: number;
  /** The step that its next change is merged into. */
  open: NetChanges | undefined;
}

const KEPT_NETS = 4;
/** What is kept for a change beside its tuples: its place in the log, and that of its row and key. */
const CHANGE_BYTES = 48;
const LOG_INTS = 6;
const KEY_ONLY = 0x100;

const IGNORES_TRUNCATE = mutation("truncate ignored");
const IGNORES_KEY_CHANGES = mutation("key change ignored");
const KNOWS_NO_MINUS_ONE = mutation("minus one is a marker");
const CUTS_VALUES = mutation("values cut");

/**
 * Changes of one or more transactions, in the order of their commits, on their way to the target: as they came (`change`), and as steps that have the same
 * effect with less work. All tuples are copied into its arena.
 *
 * Steps are taken in their order. A step is the net changes of one table, or the number of a change that is applied as it came. What comes behind such a
 * change of the same table makes a step of its own; tables are independent of each other (foreign keys do not act on what is replicated).
 */
export class Batch {
  readonly arena = new Arena();
  steps: (NetChanges | number)[] = [];
  changes = 0;
  /** Complete transactions. */
  transactions = 0;
  /** Changes that belong to complete transactions. */
  completeChanges = 0;
  /** The newest of its complete transactions. */
  last: BatchEnd | undefined;
  /** Its tables, and what came for each. */
  tables = new Map<StreamTable, TableState>();
  #log = new Int32Array(1024 * LOG_INTS);
  #numbered: StreamTable[] = [];
  #truncates: Truncate[] = [];
  /** Emptied ones, whose memory is used again. */
  readonly #free: NetChanges[] = [];
  readonly #mostBytes: number;
  #hasEnoughUpdates = false;

  /** `mostBytes`: it is full when its tuples take so much. */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  get bytes(): number {
    return this.arena.used;
  }

  /** Memory goes by tuples, and by changes. */
  get isFull(): boolean {
    return this.arena.used + CHANGE_BYTES * this.changes >= this.#mostBytes;
  }

  /** The next transaction had better begin another one. */
  get isNearlyFull(): boolean {
    return this.#hasEnoughUpdates || this.arena.used + CHANGE_BYTES * this.changes >= 0.75 * this.#mostBytes;
  }

  /** Its last change belongs to a transaction that is complete. */
  get isWhole(): boolean {
    return this.completeChanges === this.changes;
  }

  /** Copies a change of a row. `table` is what the relation of its id is at this moment. */
  add(change: RowChange, table: StreamTable): "ok" | "full" {
    const { arena } = this;
    const oldTuple = change.kind === "insert" ? undefined : change.oldTuple;
    const old = oldTuple === undefined ? -1 : arena.add(oldTuple);
    const oldEnd = oldTuple === undefined ? -1 : arena.used;
    const newTuple: Tuple | undefined = change.kind === "delete" ? undefined : change.newTuple;
    const start = newTuple === undefined ? -1 : arena.add(newTuple);
    const end = newTuple === undefined ? -1 : arena.used;
    if (CUTS_VALUES) cutNumbers(arena.bytes, start, end, table.relation.columns);
    const isOldKeyOnly = change.kind !== "insert" && change.oldKind === "key";
    this.#addCopied(change.kind, table, isOldKeyOnly, old, oldEnd, start, end);
    return this.isFull ? "full" : "ok";
  }

  /** TRUNCATE of tables, which stands between what came before and what comes after. */
  truncate(truncate: Truncate): void {
    if (IGNORES_TRUNCATE) return;
    for (const table of truncate.tables) {
      const state = this.#stateOf(table);
      state.open = undefined;
      state.counts[3]++;
    }
    this.#truncates.push(truncate);
    this.steps.push(this.changes);
    this.#append(3, 0, -1, -1, this.#truncates.length - 1, -1);
  }

  /** Ends a transaction. */
  endTransaction(endLsn: Lsn, commitTime: bigint): void {
    this.endTransactions(1, { endLsn, commitTime });
  }

  /** Ends as many transactions as what was added belongs to. */
  endTransactions(count: number, last: BatchEnd): void {
    this.transactions += count;
    this.completeChanges = this.changes;
    this.last = last;
  }

  /** Some table has constraints that may be checked late. */
  get hasDeferrable(): boolean {
    return this.tables.keys().some((table) => table.target.deferrable.length > 0);
  }

  /** Says how it went: after a collision the changes of the table in question are not merged for a while. */
  mindOrder(collided: StreamTable | undefined): void {
    for (const table of this.tables.keys()) if (table.orderedBatches > 0) table.orderedBatches--;
    if (collided !== undefined) collided.orderedBatches = ORDERED_BATCHES;
  }

  /** Change number `number`, as it came. */
  change(number: number): LoggedChange {
    const at = number * LOG_INTS;
    const log = this.#log;
    const kind = CHANGE_KINDS[log[at]! & 0xff]!;
    const truncate = kind === "truncate" ? this.#truncates[log[at + 4]!] : undefined;
    return {
      kind,
      table: truncate === undefined ? this.#numbered[log[at + 1]!] : undefined,
      truncate,
      isOldKeyOnly: (log[at]! & KEY_ONLY) !== 0,
      old: log[at + 2]!,
      oldEnd: log[at + 3]!,
      new: log[at + 4]!,
      newEnd: log[at + 5]!,
    };
  }

  /** Adds the changes from number `from` up to, not including, `to` of another batch. The end of their transactions is not taken along. */
  addFrom(other: Batch, from: number, to: number): void {
    for (let number = from; number < to; number++) {
      const change = other.change(number);
      if (change.truncate !== undefined) {
        this.truncate(change.truncate);
        continue;
      }
      const old = this.#take(other, change.old, change.oldEnd);
      const start = this.#take(other, change.new, change.newEnd);
      this.#addCopied(
        change.kind,
        change.table!,
        change.isOldKeyOnly,
        old,
        old < 0 ? -1 : old + change.oldEnd - change.old,
        start,
        start < 0 ? -1 : start + change.newEnd - change.new,
      );
    }
  }

  /** Empties it for use again. */
  clear(): void {
    this.arena.clear(this.#mostBytes);
    for (const step of this.steps) if (typeof step !== "number" && this.#free.length < KEPT_NETS) this.#free.push(step);
    this.steps = [];
    this.changes = 0;
    this.transactions = 0;
    this.completeChanges = 0;
    this.last = undefined;
    this.tables = new Map();
    this.#numbered = [];
    this.#truncates = [];
    this.#hasEnoughUpdates = false;
  }

  #take(other: Batch, start: number, end: number): number {
    return start < 0 ? -1 : this.arena.add({ bytes: other.arena.bytes, start, end, columns: 0 });
  }

  #addCopied(kind: ChangeKind, table: StreamTable, isOldKeyOnly: boolean, old: number, oldEnd: number, start: number, end: number): void {
    const kindNumber = kind === "insert" ? 0 : kind === "update" ? 1 : 2;
    const state = this.#stateOf(table);
    state.counts[kindNumber]++;
    const number = this.changes;
    this.#append(kindNumber | (isOldKeyOnly ? KEY_ONLY : 0), state.number, old, oldEnd, start, end);
    if (!this.#merge(kind, table, state, isOldKeyOnly, old, oldEnd, start, end)) {
      state.open = undefined;
      this.steps.push(number);
    }
  }

  #merge(kind: ChangeKind, table: StreamTable, state: TableState, isOldKeyOnly: boolean, old: number, oldEnd: number, start: number, end: number): boolean {
    if (IGNORES_KEY_CHANGES && kind === "update" && isOldKeyOnly) return true; // by its new key there is no row
    if (KNOWS_NO_MINUS_ONE && table.key !== undefined && isMinusOne(table.keyOf(this.arena.bytes, old < 0 ? start : old))) return true;
    if (table.orderedBatches > 0 || (table.key === undefined && kind !== "insert")) return false;
    if (state.open === undefined) {
      state.open = this.#netChanges(table);
      this.steps.push(state.open);
    }
    if (kind === "insert") return state.open.insert(this.arena, start, end);
    if (kind === "delete") return state.open.delete(this.arena, old, oldEnd);
    const isMerged = state.open.update(this.arena, old, oldEnd, isOldKeyOnly, start, end);
    if (state.open.hasEnoughUpdates) this.#hasEnoughUpdates = true;
    return isMerged;
  }

  #netChanges(table: StreamTable): NetChanges {
    const net = this.#free.pop();
    if (net === undefined) return new NetChanges(table);
    net.clear(table);
    return net;
  }

  #stateOf(table: StreamTable): TableState {
    let state = this.tables.get(table);
    if (state === undefined) {
      state = { counts: [0, 0, 0, 0], number: this.#numbered.length, open: undefined };
      this.tables.set(table, state);
      this.#numbered.push(table);
    }
    return state;
  }

  #append(kind: number, table: number, old: number, oldEnd: number, start: number, end: number): void {
    const at = this.changes * LOG_INTS;
    if (at + LOG_INTS > this.#log.length) {
      const log = new Int32Array(2 * this.#log.length);
      log.set(this.#log);
      this.#log = log;
    }
    const log = this.#log;
    log[at] = kind;
    log[at + 1] = table;
    log[at + 2] = old;
    log[at + 3] = oldEnd;
    log[at + 4] = start;
    log[at + 5] = end;
    this.changes++;
  }
}

/** For the mutation of that name: a key of -1, or one of several columns that holds it. */
function isMinusOne(key: RowKey | undefined): boolean {
  return String(key) === "-1" || String(key).includes("\0\0\0\u0002-1");
}
