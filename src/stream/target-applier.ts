import { failpoint } from "../errors/failpoint.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import { mutation } from "../errors/mutation.ts";
import type { Lsn } from "../wire/lsn.ts";
import { Pipeline } from "../wire/pipeline.ts";
import type { Session } from "../wire/session.ts";
import type { Applied, Applier, ApplierOptions } from "./applier.ts";
import type { Batch, BatchEnd } from "./batch.ts";
import { checkDeferrable, checkEachDeferrable } from "./check-deferrable.ts";
import { NeedsText } from "./binary-types.ts";
import { Flight, type Mishap } from "./flight.ts";
import type { ConflictPolicy } from "./conflict-policy.ts";
import { StoppedByConflict, applyInOrder, explainMishap, isConflict, stopAtConstraint } from "./in-order.ts";
import { PositionStatements, fenced } from "./position.ts";
import { Tally } from "./tally.ts";
import { type TargetTable, readTargetTables } from "./target-table.ts";
import { BEGIN, BEGINNING, COMMITTING, DEFERRED, POSITION, ROLLBACK, ROLLBACK_TO, WAIT_FOR_DISK, begin, commit, finish, recordStop } from "./target-transaction.ts";
import { writeNet } from "./write-net.ts";
import { writeChange } from "./write-row.ts";

/** A commit is waited for until it is on disk, at least so often: the source keeps its WAL until we say so. */
const DURABLE_MS = 1000;
/** How long a noted position may wait to be stored. */
const NOTED_MS = 5000;
/** A batch whose tuples take more is not written ahead. */
const MOST_AHEAD_BYTES = 4 * 1024 * 1024;

/** A batch's statements, written and on their way, or held back. */
interface Written {
  readonly flight: Flight;
  /** The end of its batch; undefined of one that ends within a transaction. */
  readonly ends: BatchEnd | undefined;
  /** It is not a whole transaction of the target. */
  readonly isPart: boolean;
  /** What comes in the transaction, before this batch and with it. */
  readonly before: Tally;
  readonly tally: Tally;
  readonly waitsForDisk: boolean;
  /** Its first statement is the COMMIT of the batch before. */
  readonly isBehindCommit: boolean;
}

/** Went well, all counts are as they must be; its COMMIT is yet to be sent. */
interface Uncommitted {
  readonly position: Lsn;
  /** Undefined where there was nothing but a position. */
  readonly applied: Applied | undefined;
  readonly waitsForDisk: boolean;
}

/**
 * Applies batches on one session of the target. The way of a batch: its statements are written (`#write`) and sent as one flight; when every count has come back as it must be, its COMMIT
 * is sent: together with the next batch, where that is there already, or at once.
 */
export class TargetApplier implements Applier {
  readonly isReplica: boolean;
  applied: Lsn;
  durable: Lsn;
  readonly failed: Promise<never>;
  readonly #fail: (error: unknown) => void;
  readonly #session: Session;
  /** The one that is used now, and the one that the next batch is written to meanwhile. */
  #pipeline: Pipeline;
  #otherPipeline: Pipeline;
  readonly #position: PositionStatements;
  readonly #policy: ConflictPolicy;
  readonly #signal: AbortSignal;
  /** The end of what was begun last: one thing at a time is done on the session. */
  #turn: Promise<unknown> = Promise.resolve();
  /** A transaction is open on the target, whose first part was applied. */
  #isOpen = false;
  /** What came in the open transaction. */
  #tally = new Tally();
  #uncommitted: Uncommitted | undefined;
  /** What was committed, and is to be told. */
  #done: Applied[] = [];
  /** The batch whose answers are awaited. */
  #underWay: Written | undefined;
  /** The next one, once it is known, and its statements, once they are written. */
  #next: Batch | undefined;
  #ahead: Written | undefined;
  /** Why the open transaction was rolled back: what comes behind it is not applied. */
  #givenUp: { readonly why: unknown } | undefined;
  /** When a commit was on disk last. */
  #durableAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(session: Session, isReplica: boolean, options: ApplierOptions, position: Lsn, signal: AbortSignal) {
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => undefined); // whoever cares awaits it
    this.failed = promise;
    this.#fail = reject;
    this.#session = session;
    this.isReplica = isReplica;
    this.#pipeline = new Pipeline(session, "a");
    this.#otherPipeline = new Pipeline(session, "b");
    this.#position = new PositionStatements(options);
    this.#policy = options.policy;
    this.applied = position;
    this.#signal = signal;
    // What was stored may still be on its way to the disk.
    this.durable = options.start < position ? options.start : position;
    if (this.durable < position) this.#settleWithin(DURABLE_MS);
  }

  async apply(batch: Batch): Promise<void> {
    if (this.#next === batch) this.#next = undefined;
    await this.#oneAfterAnother(async () => {
      if (this.#givenUp !== undefined) throw this.#givenUp.why;
      try {
        await this.#apply(batch);
      } catch (error) {
        this.#signal.throwIfAborted();
        // What broke off in the middle of a message leaves nothing behind that could be gone on with.
        if (!(error instanceof GodwitError || error instanceof StoppedByConflict || error instanceof NeedsText)) this.#session.socket.destroy();
        await this.#giveUp(error instanceof StoppedByConflict ? error.cause : error);
        if (!(error instanceof StoppedByConflict)) throw error;
        const unrecorded = await this.#land((flight) => recordStop(flight, this.#position, error.conflict, this.applied));
        if (unrecorded !== undefined) await this.#rollBack();
        throw error.cause;
      }
    });
  }

  takeApplied(): Applied[] {
    return this.#done.splice(0);
  }

  prepare(batch: Batch): void {
    this.#next ??= batch;
    this.#writeAhead();
  }

  async #apply(batch: Batch): Promise<void> {
    failpoint("batch received");
    let written = this.#takeAhead(batch);
    if (written === undefined) {
      await this.#commitLast();
      written = this.#write(batch, this.#pipeline, false);
    }
    const { flight, ends, isPart, before, waitsForDisk } = written;
    this.#underWay = written;
    const landed = flight.land();
    this.#writeAhead();
    let mishap = await landed.finally(() => (this.#underWay = undefined));
    if (written.isBehindCommit) {
      // Nothing of this batch was tried then, whatever the error says.
      if (mishap?.doing === COMMITTING) throw this.#explain(mishap);
      this.#committed(this.#takeUncommitted()!);
    }
    this.#tally = written.tally;
    const isInOrder = mishap !== undefined && isConflict(mishap);
    batch.mindOrder(isInOrder ? mishap?.table : undefined);
    if (mishap !== undefined && isInOrder) {
      this.#dropAhead();
      this.#tally = before.copy();
      this.#tally.receive(batch);
      await this.#repeatInOrder(batch, isPart);
      mishap = await this.#land((rest) => {
        checkEachDeferrable(rest, batch, ends === undefined ? this.#tally.suspects : undefined);
        if (ends !== undefined) finish(rest, this.#position, this.#tally, ends, waitsForDisk, true);
      });
      if (mishap?.constraint !== undefined && mishap.error === undefined) throw stopAtConstraint(batch, mishap);
    }
    if (mishap !== undefined) throw this.#explain(mishap);
    this.#isOpen = true;
    failpoint("batch applied");
    const skipped = this.#tally.skipped - before.skipped;
    const applied = { position: ends?.endLsn, transactions: batch.transactions, changes: batch.changes, isInOrder, skipped };
    if (ends === undefined) return void this.#done.push(applied);
    this.#uncommitted = { position: ends.endLsn, applied, waitsForDisk };
    if (this.#ahead === undefined) await this.#commitLast();
  }

  /** Writes the statements of a batch. Throws what `writeNet` throws. */
  #write(batch: Batch, pipeline: Pipeline, isBehindCommit: boolean): Written {
    const ends = batch.isWhole ? batch.last : undefined;
    const isOpen = this.#isOpen && !isBehindCommit;
    const isPart = isOpen || ends === undefined;
    const before = isBehindCommit ? new Tally() : this.#tally;
    const tally = before.copy();
    tally.receive(batch);
    const waitsForDisk = ends !== undefined && this.#underWay?.waitsForDisk !== true && performance.now() - this.#durableAt > DURABLE_MS;
    // Several statements may together do what one did at the source: late checks are then late for all of them.
    const isDeferred = batch.hasDeferrable;
    const flight = new Flight(pipeline);
    if (isBehindCommit) commit(flight);
    begin(flight, this.#position, isOpen, isPart);
    if (isDeferred) flight.run(DEFERRED, "deferring constraints");
    for (const step of batch.steps) {
      if (typeof step === "number") writeChange(flight, batch, step);
      else writeNet(flight, batch.arena.bytes, step);
    }
    tally.applySteps(batch);
    if (isDeferred) checkDeferrable(flight, batch, ends === undefined ? tally.suspects : undefined);
    if (ends !== undefined) finish(flight, this.#position, tally, ends, waitsForDisk, isDeferred);
    return { flight, ends, isPart, before, tally, waitsForDisk, isBehindCommit };
  }

  /** While the server is at work on a batch, the next one is written; not where it is large, as its memory is needed twice, nor where a transaction has parts. */
  #writeAhead(): void {
    const next = this.#next;
    if (next === undefined || this.#ahead !== undefined || this.#underWay === undefined) return;
    if (next.bytes > MOST_AHEAD_BYTES || !next.isWhole || this.#underWay.isPart) return;
    this.#otherPipeline.hold();
    try {
      this.#ahead = this.#write(next, this.#otherPipeline, true);
    } catch {
      this.#dropAhead(); // `apply` meets it again
    }
  }

  #takeAhead(batch: Batch): Written | undefined {
    const ahead = this.#ahead;
    if (ahead === undefined) return undefined;
    if (ahead.ends !== batch.last || this.#uncommitted === undefined) return this.#dropAhead();
    this.#ahead = undefined;
    [this.#pipeline, this.#otherPipeline] = [this.#otherPipeline, this.#pipeline];
    return ahead;
  }

  #dropAhead(): undefined {
    this.#ahead = undefined;
    this.#otherPipeline.discard();
  }

  async #repeatInOrder(batch: Batch, isPart: boolean): Promise<void> {
    await this.#fly((flight) => {
      flight.run(isPart ? ROLLBACK_TO : ROLLBACK, "rolling back");
      if (!isPart) flight.run(BEGIN, BEGINNING);
      flight.run(DEFERRED, "deferring constraints");
    });
    await applyInOrder(this.#pipeline, batch, this.#policy, {
      applied: (change) => this.#tally.apply(change),
      skipped: (change) => this.#tally.skip(change),
      record: (conflict) => this.#position.record(this.#pipeline, conflict, this.applied),
    });
  }

  /** Only now, when every count was looked at. Nothing where nothing waits for its COMMIT. */
  async #commitLast(): Promise<void> {
    // It is sent once: a second COMMIT would go well where there is no transaction any more.
    const last = this.#takeUncommitted();
    if (last === undefined) return;
    await this.#fly(commit);
    this.#committed(last);
  }

  #takeUncommitted(): Uncommitted | undefined {
    const last = this.#uncommitted;
    this.#uncommitted = undefined;
    return last;
  }

  #committed({ position, applied, waitsForDisk }: Uncommitted): void {
    this.#isOpen = false;
    this.#tally = new Tally();
    if (position > this.applied) this.applied = position; // one may have been noted meanwhile
    if (waitsForDisk) this.#isOnDisk(position);
    else this.#settleWithin(DURABLE_MS);
    if (applied !== undefined) this.#done.push(applied);
    failpoint("batch committed");
  }

  note(position: Lsn): void {
    if (position <= this.applied || this.#isOpen) return;
    this.applied = position;
    if (KEEPALIVE_APPLIES) this.durable = position;
    this.#settleWithin(NOTED_MS);
  }

  async settle(): Promise<Lsn> {
    return await this.#exclusively(async () => {
      if (this.durable === this.applied || this.#isOpen) return this.durable;
      const position = this.applied;
      await this.#fly((flight) => {
        flight.run(BEGIN, BEGINNING);
        flight.run(WAIT_FOR_DISK, POSITION);
        this.#position.move(this.#pipeline, position, undefined, 0);
        flight.expect(1, POSITION);
      });
      this.#uncommitted = { position, applied: undefined, waitsForDisk: true };
      await this.#commitLast();
      failpoint("position settled");
      return this.durable;
    });
  }

  async abandon(): Promise<void> {
    await this.#oneAfterAnother(async () => {
      await this.#rollBack();
      this.#givenUp = undefined;
    });
  }

  async readTables(names: readonly { readonly schema: string; readonly name: string }[]): Promise<(TargetTable | undefined)[]> {
    return await this.#exclusively(async () => await readTargetTables(this.#session, names));
  }

  async between<T>(work: (target: Session) => Promise<T>): Promise<T> {
    return await this.#exclusively(async () => {
      const isOwn = !this.#isOpen;
      try {
        if (isOwn) await this.#fly((flight) => begin(flight, this.#position, false, true));
        const result = await work(this.#session);
        if (isOwn) await this.#fly(commit);
        return result;
      } catch (error) {
        await this.#giveUp(error);
        throw error;
      }
    });
  }

  async #land(write: (flight: Flight) => void): Promise<Mishap | undefined> {
    const flight = new Flight(this.#pipeline);
    write(flight);
    return await flight.land();
  }

  async #fly(write: (flight: Flight) => void): Promise<void> {
    const mishap = await this.#land(write);
    if (mishap === undefined) return;
    const error = this.#explain(mishap);
    await this.#giveUp(error);
    throw error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#turn;
    await this.#session.close();
  }

  async #exclusively<T>(work: () => Promise<T>): Promise<T> {
    return await this.#oneAfterAnother(async () => {
      await this.#commitLast();
      return await work();
    });
  }

  async #oneAfterAnother<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#turn;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turn = promise;
    await before;
    try {
      return await work();
    } finally {
      resolve();
    }
  }

  #isOnDisk(position: Lsn): void {
    this.durable = position;
    this.#durableAt = performance.now();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.applied > position) this.#settleWithin(NOTED_MS);
  }

  /** Where no batch does it before. */
  #settleWithin(ms: number): void {
    if (this.#isClosed) return;
    if (ms === DURABLE_MS) clearTimeout(this.#timer);
    else if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.settle().catch((error: unknown) => this.#fail(error));
    }, ms);
  }

  /** What waited for its COMMIT, or for a further part, is gone: what comes behind it must not go well. Until whoever reads begins anew. */
  async #giveUp(why: unknown): Promise<void> {
    this.#givenUp ??= { why };
    await this.#rollBack();
  }

  async #rollBack(): Promise<void> {
    this.#isOpen = false;
    this.#uncommitted = undefined;
    this.#next = undefined;
    this.#dropAhead();
    this.#tally = new Tally();
    if (this.#session.socket.destroyed) return;
    await this.#land((flight) => flight.run(ROLLBACK, "rolling back")).catch(() => undefined); // a lost connection has rolled back by itself
  }

  #explain(mishap: Mishap): Error {
    if (mishap.doing === POSITION && mishap.error === undefined) return fenced(this.#session);
    return explainMishap(this.#pipeline, mishap);
  }
}

const KEEPALIVE_APPLIES = mutation("keepalive applies");
