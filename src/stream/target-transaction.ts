import type { Lsn } from "../wire/lsn.ts";
import { plain } from "../wire/pipeline.ts";
import type { BatchEnd } from "./batch.ts";
import { checkSuspects } from "./check-deferrable.ts";
import type { Flight } from "./flight.ts";
import type { Conflict, PositionStatements } from "./position.ts";
import type { Tally } from "./tally.ts";

/** What a statement is for, where that is asked. */
export const POSITION = "moving the position";
export const BEGINNING = "beginning a transaction";
export const COMMITTING = "committing";
export const BEGIN = plain("begin isolation level read committed, read write");
const COMMIT = plain("commit");
export const ROLLBACK = plain("rollback");
const SAVEPOINT = plain("savepoint part");
const RELEASE = plain("release savepoint part");
export const ROLLBACK_TO = plain("rollback to savepoint part");
export const DEFERRED = plain("set constraints all deferred");
const IMMEDIATE = plain("set constraints all immediate");
/** For this transaction; all that were committed before it are then on disk, too. https://www.postgresql.org/docs/current/wal-async-commit.html */
export const WAIT_FOR_DISK = plain("set local synchronous_commit = local");

/** What stands before a batch's changes. `isOpen`: in a transaction that holds the parts before it; `isPart`: it is repeated by itself where it collides. */
export function begin(flight: Flight, position: PositionStatements, isOpen: boolean, isPart: boolean): void {
  if (isOpen) flight.run(RELEASE, "applying");
  else {
    flight.run(BEGIN, BEGINNING);
    if (isPart) {
      position.hold(flight.pipeline);
      flight.expect(1, POSITION);
    }
  }
  if (isPart) flight.run(SAVEPOINT, "applying");
}

/** The end of a transaction, all but the commit: checks that were late, counters, position. */
export function finish(flight: Flight, position: PositionStatements, tally: Tally, ends: BatchEnd, waitsForDisk: boolean, isDeferred: boolean): void {
  checkSuspects(flight, tally.suspects);
  if (isDeferred) flight.run(IMMEDIATE, "checking constraints");
  const counters = tally.counters();
  if (counters.length > 0) {
    position.count(flight.pipeline, counters);
    flight.expect(counters.length, "counting");
  }
  if (waitsForDisk) flight.run(WAIT_FOR_DISK, "applying");
  position.move(flight.pipeline, ends.endLsn, ends.commitTime, tally.transactions);
  flight.expect(1, POSITION);
}

/** A COMMIT that rolled back says so by its tag. */
export function commit(flight: Flight): void {
  flight.pipeline.run(COMMIT);
  flight.expect(0, COMMITTING);
}

/** A transaction of its own: what stopped the stream stays to be read; one stop only, however often it is tried. */
export function recordStop(flight: Flight, position: PositionStatements, conflict: Conflict, after: Lsn): void {
  flight.run(BEGIN, BEGINNING);
  position.forgetStops(flight.pipeline);
  flight.expectAny("recording");
  position.record(flight.pipeline, conflict, after);
  flight.expect(1, "recording");
  flight.run(COMMIT, "recording");
}
