import { GodwitError } from "../errors/godwit-error.ts";
import type { Pipeline, Statement } from "../wire/pipeline.ts";
import { tupleValues } from "../wire/tuple.ts";
import type { Batch, LoggedChange } from "./batch.ts";
import { NeedsText } from "./binary-types.ts";
import type { ConflictPolicy } from "./conflict-policy.ts";
import { Flight, type Mishap } from "./flight.ts";
import type { Conflict } from "./position.ts";
import type { StreamTable } from "./stream-table.ts";
import type { RowStatement } from "./table-statements.ts";
import { unchangedColumns, writeChange, writeRow } from "./write-row.ts";

/** Thrown for a conflict that is not to be passed over. `cause` is the error to show; the conflict is to be recorded. */
export class StoppedByConflict {
  readonly conflict: Conflict;
  readonly cause: GodwitError;

  constructor(conflict: Conflict, cause: GodwitError) {
    this.conflict = conflict;
    this.cause = cause;
  }
}

/** unique_violation and exclusion_violation (https://www.postgresql.org/docs/current/errcodes-appendix.html). */
const COLLISIONS: ReadonlySet<string> = new Set(["23505", "23P01"]);

/** Changes of one flight, each in a statement of its own. */
const RUN_CHANGES = 500;
const RUN_BYTES = 4 * 1024 * 1024;
/** Of a long value, a conflict's record has the beginning. */
const KEPT_CHARACTERS = 200;

/** Whether changes may fit one by one, in order, that did not fit merged. */
export function isConflict({ error, table }: Mishap): boolean {
  return error === undefined ? table !== undefined : COLLISIONS.has(error.code);
}

/** Who is told of each change what became of it. */
export interface Account {
  applied(change: LoggedChange): void;
  skipped(change: LoggedChange): void;
  /** Writes the statement that records a conflict, into the flight that settles it. */
  record(conflict: Conflict): void;
}

/**
 * Applies the changes of a batch one by one, in their order, in the transaction that is open. What does not fit now is a conflict: the target has other rows than
 * the source had; the policy says what to do, and it is recorded in the same transaction. Throws `StoppedByConflict`.
 */
export async function applyInOrder(pipeline: Pipeline, batch: Batch, policy: ConflictPolicy, account: Account): Promise<void> {
  const runs = new Runs(pipeline, batch);
  let at = 0;
  let limit = batch.changes;
  while (at < batch.changes) {
    const to = runs.end(at, limit);
    const mishap = await runs.run((flight) => {
      for (let number = at; number < to; number++) writeChange(flight, batch, number);
    });
    limit = batch.changes;
    if (mishap === undefined) {
      for (let number = at; number < to; number++) account.applied(batch.change(number));
      at = to;
      continue;
    }
    if (!isConflict(mishap) || mishap.change < 0) throw explainMishap(pipeline, mishap);
    await runs.undo();
    if (mishap.change > at) {
      // Those in front of it again, then it alone.
      limit = mishap.change;
      continue;
    }
    await resolve(runs, at, mishap, policy, account);
    at++;
  }
  await runs.close();
}

async function resolve(runs: Runs, number: number, first: Mishap, policy: ConflictPolicy, account: Account): Promise<void> {
  const { batch, pipeline } = runs;
  const change = batch.change(number);
  const table = change.table!;
  const { bytes } = batch.arena;
  if (policy === "stop") throw stop(batch, change, first);
  let mishap = first;
  const clearings: RowStatement[] = [];
  let isMissing = false;
  // One round more than there are indexes in which rows may stand in the way.
  for (let round = 0; round <= table.target.indexes.length + table.target.partitionIndexes.length + 1; round++) {
    const isOverwriting = policy === "overwrite" && !(change.kind === "delete");
    if (!isOverwriting) break;
    if (mishap.error === undefined) {
      if (mishap.foundRows > 0 || unchangedColumns(bytes, change.new, change.newEnd).length > 0) throw stop(batch, change, mishap);
      isMissing = true;
    } else {
      const clearing = table.statements.deleteOccupant(mishap.error);
      if (clearing === undefined || clearings.includes(clearing)) throw stop(batch, change, mishap);
      clearings.push(clearing);
    }
    const next = await runs.run((flight) => {
      for (const clearing of clearings) {
        writeRow(pipeline, bytes, clearing, change.new, change.new, table.isBinary);
        flight.expectAny("overwriting", table, number);
      }
      if (isMissing) {
        writeRow(pipeline, bytes, table.statements.insertRow(), change.new, change.new, table.isBinary);
        flight.expect(1, "overwriting", table, number);
      } else writeChange(flight, batch, number);
      account.record(describe(batch, change, first, "overwritten"));
      flight.expect(1, "recording");
    });
    if (next === undefined) return account.applied(change);
    if (!isConflict(next)) throw explainMishap(pipeline, next);
    await runs.undo();
    mishap = next;
  }
  if (policy === "overwrite" && change.kind !== "delete") throw stop(batch, change, mishap);
  if (first.error === undefined && first.foundRows > 1) throw stop(batch, change, first);
  const failed = await runs.run((flight) => {
    account.record(describe(batch, change, first, "skipped"));
    flight.expect(1, "recording");
  });
  if (failed !== undefined) throw explainMishap(pipeline, failed);
  account.skipped(change);
}

/** Runs of changes under savepoints. */
class Runs {
  readonly pipeline: Pipeline;
  readonly batch: Batch;
  #hasSavepoint = false;

  constructor(pipeline: Pipeline, batch: Batch) {
    this.pipeline = pipeline;
    this.batch = batch;
  }

  /** How far a run that begins at `from` goes. */
  end(from: number, limit: number): number {
    let bytes = 0;
    let to = from;
    while (to < limit && to - from < RUN_CHANGES && bytes < RUN_BYTES) {
      const change = this.batch.change(to++);
      bytes += change.newEnd - change.new + change.oldEnd - change.old;
    }
    return to;
  }

  async run(write: (flight: Flight) => void): Promise<Mishap | undefined> {
    const flight = new Flight(this.pipeline);
    if (this.#hasSavepoint) flight.run(RELEASE, "applying in order");
    flight.run(SAVEPOINT, "applying in order");
    write(flight);
    this.#hasSavepoint = true;
    return await flight.land();
  }

  async undo(): Promise<void> {
    const flight = new Flight(this.pipeline);
    flight.run(ROLLBACK_TO, "applying in order");
    const mishap = await flight.land();
    if (mishap !== undefined) throw explainMishap(this.pipeline, mishap);
  }

  async close(): Promise<void> {
    if (!this.#hasSavepoint) return;
    const flight = new Flight(this.pipeline);
    flight.run(RELEASE, "applying in order");
    const mishap = await flight.land();
    if (mishap !== undefined) throw explainMishap(this.pipeline, mishap);
  }
}

const SAVEPOINT: Statement = { sql: "savepoint run", parameterTypes: [] };
const RELEASE: Statement = { sql: "release savepoint run", parameterTypes: [] };
const ROLLBACK_TO: Statement = { sql: "rollback to savepoint run", parameterTypes: [] };

function foundOf(mishap: Mishap): "row-missing" | "row-exists" {
  return mishap.error === undefined && mishap.foundRows === 0 ? "row-missing" : "row-exists";
}

function stop(batch: Batch, change: LoggedChange, mishap: Mishap): StoppedByConflict {
  const conflict = describe(batch, change, mishap, "stopped");
  return new StoppedByConflict(conflict, conflictError(change.table!, change.kind, mishap));
}

/**
 * Rows were found at the end of a transaction that collide by a deferrable constraint: the task stops, whatever the policy. Which change is to be left out, or which row to go, cannot be told from
 * there: before the end, changes that are right collide as well. The record has no key where the rows were found by looking at all of the table.
 */
export function stopAtConstraint(batch: Batch, mishap: Mishap): StoppedByConflict {
  if (mishap.change >= 0) return stop(batch, batch.change(mishap.change), mishap);
  const { relation, display } = mishap.table!;
  const conflict: Conflict = { schema: relation.schema, name: relation.name, kind: "update", found: "row-exists", action: "stopped", key: {} };
  const message = `target table ${display}: rows collide at the end of a transaction (constraint ${mishap.constraint})`;
  return new StoppedByConflict(conflict, new GodwitError("row-exists", message, { object: display }));
}

function conflictError(table: StreamTable, kind: string, mishap: Mishap): GodwitError {
  const columns = (table.key ?? []).map((column) => table.relation.columns[column]!.name).join(", ");
  const key = columns === "" ? "these values" : `this key (${columns})`;
  const object = table.display;
  if (foundOf(mishap) === "row-missing") return new GodwitError("row-missing", `target table ${object}: no row with ${key} is there for ${kind}`, { object });
  const constraint = mishap.constraint ?? mishap.error?.constraint;
  if (mishap.error === undefined && constraint === undefined)
    return new GodwitError("row-exists", `target table ${object}: ${mishap.foundRows} rows with ${key} are there for ${kind}`, { object });
  return new GodwitError("row-exists", `target table ${object}: another row is in the way of ${kind} (constraint ${constraint ?? ""})`, { object, cause: mishap.error });
}

/** A conflict for its record: with the values that the row is known by. */
function describe(batch: Batch, change: LoggedChange, mishap: Mishap, action: Conflict["action"]): Conflict {
  const table = change.table!;
  if (table.isBinary) throw new NeedsText(`a conflict of ${table.display} is to be described`);
  const { bytes } = batch.arena;
  const hasOldKey = change.old >= 0 && (change.isOldKeyOnly || table.key === undefined || change.new < 0);
  const [start, end] = hasOldKey ? [change.old, change.oldEnd] : [change.new, change.newEnd];
  const values = tupleValues({ bytes, start, end, columns: 0 });
  const columns = table.key ?? table.relation.columns.map((_, column) => column);
  const key = columns.map((column) => [table.relation.columns[column]!.name, values[column]?.slice(0, KEPT_CHARACTERS) ?? null] as const);
  return { schema: table.relation.schema, name: table.relation.name, kind: change.kind, found: foundOf(mishap), action, key: Object.fromEntries(key) };
}

/** A mishap as an error that names table and reason. */
export function explainMishap(pipeline: Pipeline, mishap: Mishap): Error {
  const { error, table, doing } = mishap;
  if (error === undefined) {
    const of = table === undefined ? "" : ` ${table.display}`;
    return new GodwitError("internal", `${doing}${of}: ${mishap.foundRows} rows were affected, not ${mishap.expectedRows}`, table === undefined ? {} : { object: table.display });
  }
  return pipeline.failure(error, table === undefined ? doing : `${doing} changes of ${table.display}`, COLLISIONS.has(error.code) ? "row-exists" : "query-failed", table?.display);
}
