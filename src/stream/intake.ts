import { GodwitError } from "../errors/godwit-error.ts";
import { mutation } from "../errors/mutation.ts";
import { type Lsn, ZERO_LSN, formatLsn } from "../wire/lsn.ts";
import type { PgoutputMessage, RelationMessage } from "../wire/pgoutput.ts";
import type { Applied, Applier } from "./applier.ts";
import { Batch } from "./batch.ts";
import { CopiedChanges, type CopiedTable } from "./copied-changes.ts";
import { expectWhole, keepMessage } from "./incoming.ts";
import { type MakeTable, type MeetTable, type Routes, StreamTables } from "./stream-tables.ts";

export interface IntakeOptions {
  /** Tuples that one batch holds, in bytes; three batches may be in memory at a time. */
  readonly batchBytes?: number;
  /** Partitions whose rows go through another table. */
  readonly routes?: Routes;
  /** Makes partitions that came since. */
  readonly makeTable?: MakeTable;
  readonly meetTable?: MeetTable;
  /** Tables that were copied at a later moment than that at which the stream begins. */
  readonly copied?: readonly CopiedTable[];
  /** Values come in their types' binary format. */
  readonly isBinary?: boolean;
  /** Called after each batch. */
  readonly onApplied?: (applied: Applied) => void;
  /** Called when the source should be read again after `isCongested`. */
  readonly onRelief?: () => void;
}

const BATCH_BYTES = 16 * 1024 * 1024;

/**
 * Takes the decoded messages of the stream, synchronously as they come, and sees to it that the applier always has something to do: while one batch is applied,
 * the next is filled. A lone transaction is applied at once; the more are waiting, the larger the batches become.
 *
 * A batch ends with a transaction, but for a transaction that is larger than a batch: it is applied in parts, in one transaction of the target. Transactions that
 * the target has already are passed over.
 */
export class Intake {
  /** Rejects with what ended it; resolves when it is closed. Nothing is applied any more then. */
  readonly ended: Promise<void>;
  readonly #applier: Applier;
  readonly #tables: StreamTables;
  readonly #options: IntakeOptions;
  readonly #batchBytes: number;
  readonly #end: PromiseWithResolvers<void>;
  /** The end of the newest commit that was taken, or what the target had at the beginning. */
  #received: Lsn;
  /** Batches that wait for the applier, and those that are free. */
  readonly #waiting: Batch[] = [];
  readonly #free: Batch[] = [];
  #current: Batch;
  #isApplying = false;
  /** The target has a part of a transaction whose end is still to come, be it without further changes. */
  #isPartOpen = false;
  #isSkipping = false;
  /** Tells which changes are in the copy; undefined once the stream is behind all of it. */
  #copied: CopiedChanges | undefined;
  #isInTransaction = false;
  /** Where the transaction that is being received was committed; test_decoding does not tell. */
  #committedAt: Lsn = ZERO_LSN;
  /** More is to come at once: a batch waits until it is full, or due. */
  #isGathering = false;
  #isDue = false;
  /** Messages that wait for the facts of a table; undefined while none is asked for. */
  #held: PgoutputMessage[] | undefined;
  /** No message is taken any more; what is complete is still applied. */
  #failure: { readonly error: unknown } | undefined;
  #isEnded = false;
  #idle: (() => void)[] = [];
  /** Called when all that was taken is on the target, while messages are held. */
  #drained: (() => void) | undefined;

  constructor(applier: Applier, options: IntakeOptions = {}) {
    this.#applier = applier;
    this.#options = options;
    this.#batchBytes = options.batchBytes ?? BATCH_BYTES;
    this.#tables = new StreamTables(applier, options.routes, options.isBinary, options.meetTable);
    this.#received = applier.applied;
    this.#copied = options.copied === undefined || options.copied.length === 0 ? undefined : new CopiedChanges(options.copied);
    this.#current = new Batch(this.#batchBytes);
    this.#end = Promise.withResolvers<void>();
    this.ended = this.#end.promise;
    this.ended.catch(() => undefined); // whoever cares awaits it
    applier.failed.catch((error: unknown) => this.#stop(error));
  }

  /** The end of the newest commit that came. */
  get received(): Lsn {
    return this.#received;
  }

  /** A full batch waits for the one that is applied: the source should not be read until `onRelief`. What comes nevertheless is taken. */
  get isCongested(): boolean {
    return this.#waiting.length > 0 || this.#held !== undefined;
  }

  /** Columns of target tables that the source does not have: "schema.table: columns". They get their defaults. */
  get drift(): readonly string[] {
    return this.#tables.drift;
  }

  /** Reads what the target has for these tables in one go, before the first message: else each is asked for when its first change comes. */
  async prepare(names: readonly { readonly schema: string; readonly name: string }[]): Promise<void> {
    await this.#tables.prepare(names);
  }

  /** Takes one message; its tuples are copied before it returns. */
  take(message: PgoutputMessage): void {
    if (this.#failure !== undefined) return;
    if (this.#held !== undefined) {
      this.#held.push(keepMessage(message));
      return;
    }
    try {
      this.#take(message);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** A keepalive said that all WAL up to here was looked at. Moves the position where nothing of ours is pending. */
  keepalive(walEnd: Lsn): void {
    if (this.#failure !== undefined) return; // what is missing lies before it
    if ((KEEPALIVE_APPLIES || (this.#isIdle && !this.#isInTransaction)) && walEnd > this.#received) {
      this.#received = walEnd;
      this.#applier.note(walEnd);
    }
  }

  /** While a backlog comes, batches are filled: a large one nets out more, and costs the target less, than many small ones. `flush` says that it is time. */
  gather(isGathering: boolean): void {
    this.#isGathering = isGathering;
    this.flush();
  }

  /** What was taken is applied, be it little. */
  flush(): void {
    this.#isDue = true;
    this.#pump();
  }

  /** Resolves when everything that was taken is applied; rejects as `ended` does. */
  async idle(): Promise<void> {
    if (this.#isEnded) return await this.ended;
    if (this.#isIdle) return;
    await Promise.race([this.ended, new Promise<void>((resolve) => this.#idle.push(resolve))]);
  }

  /** Takes nothing more, and waits for what is being applied. An unfinished transaction is given up. */
  async close(): Promise<void> {
    this.#failure ??= { error: undefined };
    this.#waiting.length = 0;
    this.#stop(undefined);
    await this.#applier.abandon();
  }

  get #isIdle(): boolean {
    return this.#held === undefined && this.#isDrained;
  }

  get #isDrained(): boolean {
    return !this.#isApplying && this.#waiting.length === 0 && this.#current.transactions === 0 && this.#current.changes === 0;
  }

  #take(message: PgoutputMessage): void {
    switch (message.kind) {
      case "begin":
        this.#isInTransaction = true;
        this.#committedAt = message.finalLsn;
        // test_decoding does not tell it; there the server leaves out what the position covers.
        this.#isSkipping = (message.finalLsn !== ZERO_LSN && message.finalLsn < this.#received) || (IS_BEGIN_ORDER && message.xid < (newestXid = Math.max(newestXid, message.xid)));
        if (this.#copied?.begin(message.finalLsn) === false) this.#copied = undefined;
        return;
      case "commit":
        this.#isInTransaction = false;
        if (this.#isSkipping) return;
        if (message.endLsn <= this.#received) throw new GodwitError("protocol", `the source sent a transaction again that ended at ${formatLsn(message.endLsn)}`);
        this.#received = message.endLsn;
        this.#current.endTransaction(message.endLsn, message.commitTime);
        // Nearly full will do: most of the transactions behind then end within this batch's room.
        if (this.#current.isNearlyFull) this.#close(this.#current);
        this.#pump();
        return;
      case "relation":
        this.#tables.describe(message.relation);
        return;
      case "insert":
      case "update":
      case "delete": {
        if (this.#isSkipping) return;
        const table = this.#tables.find(message.relation);
        if (table === undefined) return this.#ask(message, [message.relation]);
        expectWhole(message, table);
        const change = this.#copied === undefined ? message : this.#copied.missing(message, table.relation);
        if (change !== undefined && this.#current.add(change, table) === "full") this.#cut();
        return;
      }
      case "truncate": {
        if (this.#isSkipping) return;
        const tables = message.relations.map((id) => this.#tables.find(id));
        if (tables.some((table) => table === undefined)) return this.#ask(message, message.relations);
        this.#tables.checkTruncate(message.relations);
        const missing = tables.flatMap((table) => (this.#copied?.hasTruncated(table!.relation) === true ? [] : [table!]));
        if (missing.length > 0) this.#current.truncate({ tables: missing, restartIdentity: message.restartIdentity });
        return;
      }
      case "type":
      case "origin":
      case "message":
        return;
      default:
        throw new GodwitError("protocol", `a message ${message.kind} came, which protocol 1 does not have`);
    }
  }

  /** Holds this message and all behind it until the tables' facts are there. */
  #ask(message: PgoutputMessage, relations: readonly number[]): void {
    this.#held = [keepMessage(message)];
    void this.#load(relations);
  }

  async #load(relations: readonly number[]): Promise<void> {
    try {
      const missing = await this.#tables.load(relations, this.#committedAt);
      if (missing.length > 0 && (await this.#make(missing))) await this.#tables.load(relations, this.#committedAt);
    } catch (error) {
      this.#held = undefined;
      return this.#fail(error);
    }
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const next of held) this.take(next);
    this.#pump();
    this.#relieve();
  }

  /**
   * Makes tables that came since, in their place among the changes: behind all that came before, also what came in the same transaction, and in that transaction on the target. (A partition can
   * only be made when its rows have left the default partition, and where they did so in a transaction that is open, only there: to others its tables are locked.)
   */
  async #make(missing: readonly RelationMessage[]): Promise<boolean> {
    const { makeTable } = this.#options;
    if (makeTable === undefined) return false;
    await this.#drain();
    let isMade = false;
    for (const relation of missing) isMade = (!this.#isEnded && (await this.#applier.between(async (target) => await makeTable(relation, target)))) || isMade;
    return isMade;
  }

  /** Has all applied that was taken, the beginning of a transaction too. Resolves when it is, or when nothing is applied any more; while messages are held. */
  async #drain(): Promise<void> {
    const current = this.#current;
    if (!current.isWhole) {
      if (current.transactions > 0) this.#splitOff(current);
      this.#close(this.#current);
    }
    const drained = new Promise<void>((resolve) => (this.#drained = resolve));
    this.flush();
    await Promise.race([drained, this.ended]);
  }

  /** The current batch is full. */
  #cut(): void {
    const full = this.#current;
    if (full.transactions > 0) {
      this.#splitOff(full);
      this.#free.push(full);
    } else this.#close(full);
    this.#pump();
  }

  /** Whole transactions go by themselves: if the one behind them fails, they are there. The current batch goes on with what is left. */
  #splitOff(full: Batch): void {
    const whole = this.#new();
    whole.addFrom(full, 0, full.completeChanges);
    whole.endTransactions(full.transactions, full.last!);
    this.#wait(whole);
    this.#current = this.#new();
    this.#current.addFrom(full, full.completeChanges, full.changes);
    full.clear();
  }

  #close(batch: Batch): void {
    this.#wait(batch);
    this.#current = this.#new();
  }

  #wait(batch: Batch): void {
    this.#waiting.push(batch);
    this.#prepareNext();
  }

  #prepareNext(): void {
    const [next] = this.#waiting;
    if (next !== undefined) this.#applier.prepare(next);
  }

  #new(): Batch {
    return this.#free.pop() ?? new Batch(this.#batchBytes);
  }

  /** Gives the applier what there is, behind what comes with the same read of the network. */
  #pump(): void {
    if (this.#isApplying) return;
    this.#isApplying = true;
    queueMicrotask(() => void this.#applyAll());
  }

  async #applyAll(): Promise<void> {
    try {
      for (let batch = this.#next(); batch !== undefined; batch = this.#next()) {
        this.#relieve(); // the next is filled meanwhile
        const applying = this.#applier.apply(batch);
        this.#prepareNext();
        // Where a batch fails, the one before it may have been committed with it.
        await applying.finally(() => this.#tell());
        this.#isPartOpen = !batch.isWhole;
        batch.clear();
        if (this.#free.length < KEPT_BATCHES) this.#free.push(batch);
      }
      this.#isApplying = false;
    } catch (error) {
      this.#isApplying = false;
      return this.#stop(error);
    }
    if (this.#failure !== undefined) return this.#stop(this.#failure.error);
    if (this.#isDrained) this.#drained?.();
    if (this.#isIdle) for (const resolve of this.#idle.splice(0)) resolve();
  }

  #tell(): void {
    for (const applied of this.#applier.takeApplied()) this.#options.onApplied?.(applied);
  }

  #next(): Batch | undefined {
    if (this.#isEnded) return undefined;
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) return waiting;
    const current = this.#current;
    if (current.transactions === 0 || !current.isWhole || (this.#isGathering && !this.#isDue)) return undefined;
    this.#isDue = false;
    if (current.changes === 0 && !this.#isPartOpen) {
      // Transactions without a change of ours: their end is noted, and stored when there is something to apply, or soon.
      this.#applier.note(current.last!.endLsn);
      current.clear();
      return undefined;
    }
    this.#current = this.#new();
    return current;
  }

  #relieve(): void {
    if (!this.isCongested) this.#options.onRelief?.();
  }

  /** Takes nothing more. The whole transactions in front are still applied: what is mended then goes on from there. */
  #fail(error: unknown): void {
    this.#failure ??= { error };
    const current = this.#current;
    if (!current.isWhole) {
      if (current.transactions > 0) this.#splitOff(current);
      this.#current = this.#new();
    }
    this.#pump();
  }

  #stop(error: unknown): void {
    this.#isEnded = true;
    this.#failure ??= { error };
    if (error === undefined) this.#end.resolve();
    else this.#end.reject(error);
  }
}

const KEPT_BATCHES = 3;

const KEEPALIVE_APPLIES = mutation("keepalive applies");
const IS_BEGIN_ORDER = mutation("begin order");
let newestXid = 0;
