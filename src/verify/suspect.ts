import type { Piece } from "./cut.ts";
import { type Difference, type LocatedTable, type Seen, compareAgain, findDifferences } from "./find-rows.ts";
import type { Lane } from "./lane.ts";
import { describeDifferences } from "./locate.ts";

/** A table whose rows differed when it was looked at first, while changes flow. */
export interface Suspect {
  /** As people read it. */
  readonly name: string;
  readonly table: LocatedTable;
  readonly pieces: readonly SuspectPiece[];
}

/** A part of the table that differed; `rows` of it on the side that has more. */
export interface SuspectPiece {
  readonly piece: Piece;
  readonly rows: number;
}

/** How many differing rows may still be remembered, by all pieces together. */
export interface Memory {
  left: number;
}

/** Of one piece at most so many, and never fewer than these few: a piece of which nothing is remembered could never be decided. */
const MOST_REMEMBERED = 10_000;
const FEWEST_REMEMBERED = 100;
const MOST_KEYS = 10;
/** A table may have grown since its rows were counted. */
const GROWTH = 4;

/**
 * One piece of a table through all looks at it.
 *
 * A difference lasts when two looks in succession saw the same: the same content on the source, the same on the target, and on one side the very same row version.
 * Contents alone would not do: a row that goes back and forth between two values gives the same picture by chance. With versions it is a proof, as each look
 * reads the target first, and the target passes the first look's position before the second (T1 ≤ S1 ≤ L1 ≤ T2 ≤ S2):
 * - the source's version is the same: from S1 to S2 the source had this content, and T2, a moment in between, should have had it;
 * - the target's version is the same: it stayed while the target came past S1, when the source had something else.
 * (One exception: a commit at the source that waits for a synchronous standby is decoded before it is visible. It looks like a difference as long as it waits.)
 *
 * Where all differing rows could be remembered only they are looked at again: the others were equal. Where they are too many, the piece is compared anew each
 * time, and of the differing rows those with the smallest hashes are remembered, the same in each look, so that a lasting one is met again.
 */
export class SuspectRows {
  readonly suspect: Suspect;
  readonly #piece: Piece;
  readonly #rows: number;
  readonly #memory: Memory;
  #open = new Map<string, Difference>();
  #isComplete = false;
  #lasting = 0;
  readonly #keys: string[] = [];

  constructor(suspect: Suspect, { piece, rows }: SuspectPiece, memory: Memory) {
    this.suspect = suspect;
    this.#piece = piece;
    this.#rows = rows * GROWTH;
    this.#memory = memory;
  }

  /** The rows that are known to differ for good, and up to ten of them described. */
  get lasting(): { readonly rows: number; readonly keys: readonly string[] } {
    return { rows: this.#lasting, keys: this.#keys };
  }

  /** The rows that were seen to differ, but not twice in the same way; `isComplete` false: at least so many. */
  get changing(): { readonly rows: number; readonly isComplete: boolean } {
    return { rows: this.#open.size, isComplete: this.#isComplete };
  }

  /** Nothing is left to be found out: all rows are equal or lastingly different, or so many differ that the others do not matter any more. */
  get isSettled(): boolean {
    return this.#isComplete ? this.#open.size === 0 : this.#lasting > 0;
  }

  /** Looks at what is open. The lane's snapshots were taken after the target had passed the look before. */
  async look(lane: Lane): Promise<void> {
    const { table } = this.suspect;
    const found = this.#isComplete
      ? { differences: await compareAgain(lane, table, this.#piece, [...this.#open.values()]), isComplete: true }
      : await findDifferences(lane, table, this.#piece, this.#rows, true);
    const lasting = found.differences.filter((difference) => isLasting(this.#open.get(difference.id), difference));
    const known = new Set(lasting.map(({ id }) => id));
    this.#remember(
      found.differences.filter(({ id }) => !known.has(id)),
      found.isComplete,
    );
    this.#lasting += lasting.length;
    const room = MOST_KEYS - this.#keys.length;
    if (lasting.length > 0 && room > 0) this.#keys.push(...(await describeDifferences(lane, table, this.#piece, lasting, room)));
  }

  #remember(differences: readonly Difference[], isComplete: boolean): void {
    this.#memory.left += this.#open.size;
    const kept = differences.slice(0, Math.max(FEWEST_REMEMBERED, Math.min(MOST_REMEMBERED, this.#memory.left)));
    this.#memory.left -= kept.length;
    this.#open = new Map(kept.map((difference) => [difference.id, difference]));
    this.#isComplete = isComplete && kept.length === differences.length;
  }
}

/** Whether two looks in succession prove a difference. */
export function isLasting(before: Difference | undefined, now: Difference): boolean {
  if (before === undefined || !isSame(before.source, now.source) || !isSame(before.target, now.target)) return false;
  return isUnwritten(before.source, now.source) || isUnwritten(before.target, now.target);
}

function isSame(a: Seen, b: Seen): boolean {
  return a.rows === b.rows && a.content === b.content;
}

/** A row that is not there has no version: it may have come and gone in between. */
function isUnwritten(a: Seen, b: Seen): boolean {
  return a.version !== "" && a.version === b.version;
}
