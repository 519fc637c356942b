import { GodwitError } from "../errors/godwit-error.ts";
import { type Lsn, ZERO_LSN, parseLsn } from "../wire/lsn.ts";
import type { RelationMessage } from "../wire/pgoutput.ts";
import { quoteIdentifier } from "../wire/quote.ts";
import { TEXT_COLUMN, type Tuple, columnOffset, hasUnchanged, valueLength } from "../wire/tuple.ts";
import type { RowChange } from "./batch.ts";

/**
 * A table that was not copied at the moment at which the stream begins: the copy holds what was committed before `lsn` ("16/B374D848"), for the whole table, or for each range of an
 * integer that is part of the replica identity. Plain data.
 */
export interface CopiedTable {
  readonly schema: string;
  readonly name: string;
  readonly copied: { readonly lsn: string } | { readonly column: string; readonly ranges: readonly CopiedRange[] };
}

/** Rows with `from` <= value < `to`; null: without a bound. All of a table's together hold every value once. */
export interface CopiedRange {
  readonly from: string | null;
  readonly to: string | null;
  readonly lsn: string;
}

interface Ranges {
  readonly column: string;
  /** Where the second, third … range begins, ascending. */
  readonly bounds: readonly bigint[];
  readonly lsns: readonly Lsn[];
}

/** The copies hold nothing that was committed behind this. */
export function newestCopy(tables: readonly CopiedTable[]): Lsn {
  const lsns = tables.flatMap(({ copied }) => ("lsn" in copied ? [copied.lsn] : copied.ranges.map(({ lsn }) => lsn))).map(parseLsn);
  return lsns.reduce((newest, lsn) => (lsn > newest ? lsn : newest), ZERO_LSN);
}

/**
 * Tells which changes of the stream are in the copy already, transaction by transaction. The stream comes in the order of the commits, so that is over for good with the first
 * transaction behind the newest of these moments.
 */
export class CopiedChanges {
  readonly #tables: ReadonlyMap<string, Lsn | Ranges>;
  readonly #newest: Lsn;
  /** Where each relation has the column; relation messages are few. */
  readonly #columns = new Map<RelationMessage, number>();
  /** The commit record of the transaction that comes. */
  #commit: Lsn = ZERO_LSN;

  constructor(tables: readonly CopiedTable[]) {
    this.#tables = new Map(tables.map((table) => [keyOf(table), momentsOf(table)]));
    this.#newest = newestCopy(tables);
  }

  /** A transaction begins, whose commit record is at `finalLsn`. False: nothing of it is in the copy, nor of those behind it. */
  begin(finalLsn: Lsn): boolean {
    this.#commit = finalLsn;
    return finalLsn < this.#newest;
  }

  /**
   * What of a change is not in the copy; undefined: nothing. An update that moves a row from one range to another may be there by half: what is missing then is a delete, or an insert.
   * Throws `row-incomplete` when that insert would lack values.
   */
  missing(change: RowChange, relation: RelationMessage): RowChange | undefined {
    const moments = this.#tables.get(keyOf(relation));
    if (moments === undefined) return change;
    if (typeof moments === "bigint") return this.#commit < moments ? undefined : change;
    const isCopied = (tuple: Tuple): boolean => this.#commit < lsnAt(moments, this.#valueOf(tuple, moments.column, relation));
    if (change.kind === "insert") return isCopied(change.newTuple) ? undefined : change;
    if (change.kind === "delete") return isCopied(change.oldTuple) ? undefined : change;
    const hasNew = isCopied(change.newTuple);
    const hasOld = change.oldTuple === undefined ? hasNew : isCopied(change.oldTuple);
    if (hasNew === hasOld) return hasNew ? undefined : change;
    if (hasNew) return { kind: "delete", relation: change.relation, oldKind: change.oldKind ?? "key", oldTuple: change.oldTuple! };
    if (hasUnchanged(change.newTuple)) throw incomplete(relation);
    return { kind: "insert", relation: change.relation, newTuple: change.newTuple };
  }

  /** Whether a TRUNCATE of the transaction lies before the copy. A table that was truncated between the moments of its parts is copied whole again: so it lies before all or none. */
  hasTruncated(relation: RelationMessage): boolean {
    const moments = this.#tables.get(keyOf(relation));
    if (moments === undefined) return false;
    if (typeof moments === "bigint") return this.#commit < moments;
    const isBefore = moments.lsns.map((lsn) => this.#commit < lsn);
    if (isBefore.some((is) => is !== isBefore[0])) throw new GodwitError("internal", `${relation.schema}.${relation.name} was truncated between the moments of its parts`);
    return isBefore[0] === true;
  }

  #valueOf(tuple: Tuple, name: string, relation: RelationMessage): bigint {
    let column = this.#columns.get(relation);
    if (column === undefined) {
      column = relation.columns.findIndex((candidate) => candidate.name === name);
      this.#columns.set(relation, column);
    }
    const at = column < 0 ? -1 : columnOffset(tuple, column);
    if (at < 0 || tuple.bytes[at] !== TEXT_COLUMN) throw new GodwitError("internal", `a change of ${relation.schema}.${relation.name} came without its column ${name}`);
    return BigInt(tuple.bytes.toString("latin1", at + 5, at + 5 + valueLength(tuple.bytes, at)));
  }
}

function keyOf({ schema, name }: { readonly schema: string; readonly name: string }): string {
  return `${schema}\0${name}`;
}

function momentsOf({ copied }: CopiedTable): Lsn | Ranges {
  if ("lsn" in copied) return parseLsn(copied.lsn);
  const { column, ranges } = copied;
  return { column, bounds: ranges.slice(1).map(({ from }) => BigInt(from ?? 0)), lsns: ranges.map(({ lsn }) => parseLsn(lsn)) };
}

function lsnAt({ bounds, lsns }: Ranges, value: bigint): Lsn {
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bounds[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return lsns[low]!;
}

function incomplete({ schema, name }: RelationMessage): GodwitError {
  const object = `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
  return new GodwitError("row-incomplete", `table ${object}: a row got another key while the table was being copied, and the server did not send those of its values that stayed`, {
    object,
  });
}
