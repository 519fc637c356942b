import type { Batch } from "./batch.ts";
import type { DeferrableConstraint } from "./deferrable-constraint.ts";
import type { Flight } from "./flight.ts";
import type { NetChanges } from "./net-changes.ts";
import type { StreamTable } from "./stream-table.ts";
import { writeArrays } from "./write-net.ts";

/** A statement asks for so many rows at most, or for so many bytes of them. */
const ROWS = 1000;
const BYTES = 512 * 1024;

/** A row that a batch has written. */
interface WrittenRow {
  readonly start: number;
  readonly bytes: number;
  /** The number of the change that wrote it; -1 where it is the net effect of several. */
  readonly change: number;
}

/** Constraints that rows were found to violate in the middle of a transaction, with their tables. */
export type Suspects = Map<DeferrableConstraint, StreamTable>;

/**
 * Writes the statements that ask whether a row that a batch has written collides with another by a deferrable constraint: none may be found. Rows are looked for as they are now, so it does not
 * matter what else has become of one. `suspects`: it is the middle of a transaction, where rows may collide (a key goes from one to another); whatever does is noted there.
 */
export function checkDeferrable(flight: Flight, batch: Batch, suspects: Suspects | undefined): void {
  check(flight, batch, batch.steps, ROWS, suspects);
}

/** The same, row by row, for a batch that was applied in order: what is found has the number of its change. */
export function checkEachDeferrable(flight: Flight, batch: Batch, suspects: Suspects | undefined): void {
  check(flight, batch, Array.from({ length: batch.changes }).keys(), 1, suspects);
}

/**
 * At the end of a transaction in whose middle rows collided: which they were is not known any more (they may be as many as the transaction has changed), so all of the table's are looked at.
 */
export function checkSuspects(flight: Flight, suspects: Suspects): void {
  for (const [constraint, table] of suspects) {
    flight.pipeline.run(table.statements.collidingAnywhere(constraint));
    flight.expectNone(constraint.name, table);
  }
}

function check(flight: Flight, batch: Batch, steps: Iterable<NetChanges | number>, most: number, suspects: Suspects | undefined): void {
  for (const [table, rows] of writtenRows(batch, steps)) {
    for (const constraint of table.target.deferrable) {
      const statement = table.statements.colliding(constraint);
      // All of the table is looked at where no row can be looked for: once.
      const isSought = statement.fromOld.length > 0;
      for (const part of parts(isSought ? rows : rows.slice(0, 1), most)) {
        writeArrays(flight.pipeline, batch.arena.bytes, table, statement, part.map(({ start }) => start)); // prettier-ignore
        if (suspects === undefined) flight.expectNone(constraint.name, table, isSought && part.length === 1 ? part[0]!.change : -1);
        else flight.notice("checking constraints behind", () => suspects.set(constraint, table));
      }
    }
  }
}

/** The rows of tables with such constraints. */
function writtenRows(batch: Batch, steps: Iterable<NetChanges | number>): Map<StreamTable, WrittenRow[]> {
  const found = new Map<StreamTable, WrittenRow[]>();
  const add = (table: StreamTable, row: WrittenRow): void => {
    const rows = found.get(table);
    if (rows === undefined) found.set(table, [row]);
    else rows.push(row);
  };
  for (const step of steps) {
    if (typeof step === "number") {
      const { table, old, isOldKeyOnly, new: start, newEnd } = batch.change(step);
      if (table === undefined || start < 0 || table.target.deferrable.length === 0) continue;
      // What was not sent again is in the old row, as far as a row is looked for by it.
      const whole = old >= 0 && batch.arena.isPartial(start, newEnd) ? batch.arena.fill(start, newEnd, old, isOldKeyOnly) : start;
      add(table, { start: whole, bytes: newEnd - start, change: step });
    } else if (step.table.target.deferrable.length > 0) {
      for (let row = 0; row < step.rows; row++) {
        const kind = step.kind(row);
        if (kind !== "delete" && kind !== "nothing") add(step.table, { start: step.start(row), bytes: step.end(row) - step.start(row), change: -1 });
      }
    }
  }
  return found;
}

function* parts(rows: readonly WrittenRow[], most: number): Generator<readonly WrittenRow[]> {
  let part: WrittenRow[] = [];
  let bytes = 0;
  for (const row of rows) {
    part.push(row);
    bytes += row.bytes;
    if (part.length < most && bytes < BYTES) continue;
    yield part;
    part = [];
    bytes = 0;
  }
  if (part.length > 0) yield part;
}
