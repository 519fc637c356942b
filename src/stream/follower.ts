import { setTimeout as sleep } from "node:timers/promises";
import { GodwitError } from "../errors/godwit-error.ts";
import type { Endpoint } from "../wire/endpoint.ts";
import type { Lsn } from "../wire/lsn.ts";
import type { PgoutputMessage } from "../wire/pgoutput.ts";
import { type Replication, openReplication } from "../wire/replication.ts";
import type { ChangeStream } from "../wire/replication-stream.ts";
import { type Session, openSession } from "../wire/session.ts";
import { type Applier, openApplier } from "./applier.ts";
import { Batch } from "./batch.ts";
import { type ChangeDecoder, openDecoder } from "./change-decoder.ts";
import type { ConflictPolicy } from "./conflict-policy.ts";
import { type Lag, LagMeter } from "./lag.ts";
import { readSlotHealth } from "./slot-health.ts";
import type { SourceSetup } from "./source-setup.ts";
import { currentLsn } from "./source-position.ts";
import { StreamTables } from "./stream-tables.ts";

export interface FollowerOptions {
  readonly source: Endpoint;
  readonly target: Endpoint;
  readonly setup: SourceSetup;
  /** Where the slot began. */
  readonly from: Lsn;
  /** The task that the target's ledger belongs to, and the epoch of this run. */
  readonly task: string;
  readonly epoch: number;
  readonly policy: ConflictPolicy;
  /** Tables whose changes are followed, as `schema\0name`: a source before 10 sends those of all. */
  readonly followed: ReadonlySet<string>;
  /** Each transaction that was received with changes of ours, as it comes; and each position that holds none. */
  readonly onReceived?: (position: Lsn, changes: number) => void;
}

/** What a follower has done since it was opened; counts up. */
export interface FollowerFigures {
  transactions: number;
  changes: number;
  bytes: number;
  skipped: number;
  /** What is wrong with the slot, as sentences. */
  alarms: readonly string[];
}

/** Tuples of a batch: what is received beyond that waits at the source. */
const BATCH_BYTES = 16 * 1024 * 1024;
const MEASURE_EVERY_MS = 250;
const GUARD_EVERY_MS = 5000;

/**
 * Follows the changes of one database: receive → batch → apply. One batch is on its way to the target, one is being filled, so that the source's sending, our decoding and
 * the target's work overlap; an idle target gets a lone transaction at once. A batch that is full holds up the source. See docs/decisions/following-changes.md.
 */
export class Follower implements AsyncDisposable {
  readonly figures: FollowerFigures = { transactions: 0, changes: 0, bytes: 0, skipped: 0, alarms: [] };
  readonly #options: FollowerOptions;
  readonly #source: Session;
  readonly #replication: Replication;
  readonly #applier: Applier;
  readonly #decoder: ChangeDecoder;
  readonly #tables: StreamTables;
  readonly #lag: LagMeter;
  readonly #ended = new AbortController();
  readonly #broken = Promise.withResolvers<never>();
  #stream: ChangeStream | undefined;
  #batch = new Batch(BATCH_BYTES);
  #spare = new Batch(BATCH_BYTES);
  #applying: Promise<void> | undefined;
  #isPaused = false;
  /** A transaction's begin has come, and not its commit; its changes of ours so far. */
  #isInside = false;
  #inside = 0;
  /** What has come while a table was looked up. */
  #held: { readonly body: Buffer; readonly walEnd: Lsn }[] | undefined;
  #watching: Promise<void> | undefined;

  private constructor(options: FollowerOptions, source: Session, replication: Replication, applier: Applier, decoder: ChangeDecoder) {
    this.#options = options;
    this.#source = source;
    this.#replication = replication;
    this.#applier = applier;
    this.#decoder = decoder;
    this.#tables = new StreamTables(applier);
    this.#lag = new LagMeter(applier.applied);
    this.#broken.promise.catch(() => undefined); // whoever runs it hears of it
  }

  /**
   * Takes the position on the target over, and begins to receive behind it. Errors: `slot-lost` when the slot is gone, invalidated, or begins behind the position; `fenced`; those
   * of connecting.
   */
  static async open(options: FollowerOptions, signal: AbortSignal): Promise<Follower> {
    await using stack = new AsyncDisposableStack();
    const { source: from, target, setup, task, epoch, policy } = options;
    const source = stack.use(await openSession(from, { signal, applicationName: `godwit ${task}` }));
    const applier = stack.use(await openApplier(target, { task, slot: setup.slot, epoch, start: options.from, policy }, signal));
    await refuseLostSlot(source, setup.slot, applier.applied);
    const replication = stack.use(await openReplication(from, { applicationName: setup.receiver, signal }));
    const decoder = await openDecoder(source, setup, options.followed);
    const follower = new Follower(options, source, replication, applier, decoder);
    follower.#stream = await replication.startReplication(
      { slot: setup.slot, from: applier.applied, options: decoder.options },
      { onMessage: (body, walEnd) => follower.#onMessage(body, walEnd), onKeepalive: (walEnd) => follower.#onKeepalive(walEnd) },
    );
    follower.#watch();
    stack.move();
    return follower;
  }

  /** Rejects with what broke it; does not resolve. */
  get failed(): Promise<never> {
    return Promise.race([this.#broken.promise, this.#applier.failed]);
  }

  /** Everything up to here is on the target. */
  get applied(): Lsn {
    return this.#applier.applied;
  }

  /** Undefined until it was measured. */
  get lag(): Lag | undefined {
    return this.#lag.now(performance.now());
  }

  /** Resolves when everything before the position is on the target and on its disk, as the target's own record says; returns that. Rejects with what breaks it. */
  async reaches(position: Lsn, signal: AbortSignal): Promise<Lsn> {
    while (this.#applier.applied < position) await Promise.race([sleep(5, undefined, { signal }), this.failed]);
    return await Promise.race([this.#applier.settle(), this.failed]);
  }

  /** Ends the receiving in good order; what was not applied comes again. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await this.#watching;
    this.#stream?.destroy();
    await this.#replication.close();
    await this.#applying?.catch(() => undefined);
    await this.#applier[Symbol.asyncDispose]();
    await this.#source.close();
  }

  #fail(error: unknown): void {
    this.#broken.reject(error);
    this.#stream?.destroy();
  }

  #onMessage(body: Buffer, walEnd: Lsn): void {
    this.figures.bytes += body.length;
    if (this.#held !== undefined) this.#held.push({ body: Buffer.from(body), walEnd });
    else this.#take(body, walEnd);
  }

  /** One message of the plugin. A relation is looked up on the target first: until then what follows is held. */
  #take(body: Buffer, walEnd: Lsn): void {
    for (const message of this.#decoder.decode(body, walEnd)) {
      if (this.#held !== undefined) return void this.#held.push({ body: Buffer.from(body), walEnd }); // a table's first change came together with what the table is
      if (message.kind === "relation") this.#lookUp(message);
      else this.#takeMessage(message);
    }
  }

  #takeMessage(message: PgoutputMessage): void {
    switch (message.kind) {
      case "insert":
      case "update":
      case "delete": {
        const table = this.#tables.get(message.relation);
        if (table === undefined) return; // not followed
        this.#inside++;
        if (this.#batch.add(message, table) === "full") this.#onFull();
        return;
      }
      case "truncate": {
        const tables = this.#tables.all(message.relations);
        if (tables.length === 0) return;
        this.#inside += tables.length;
        this.#batch.truncate({ tables, restartIdentity: message.restartIdentity });
        return;
      }
      case "begin":
        this.#isInside = true;
        this.#inside = 0;
        return;
      case "commit":
        this.#isInside = false;
        this.#options.onReceived?.(message.endLsn, this.#inside);
        // A transaction without changes of ours only moves the position.
        if (this.#inside === 0 && this.#isIdle) return this.#note(message.endLsn);
        this.#batch.endTransaction(message.endLsn, message.commitTime);
        return this.#send();
      default:
    }
  }

  /** Nothing was received that is not applied. */
  get #isIdle(): boolean {
    return !this.#isInside && this.#held === undefined && this.#applying === undefined && this.#batch.changes === 0 && this.#batch.transactions === 0;
  }

  #onKeepalive(walEnd: Lsn): void {
    if (!this.#isIdle) return;
    this.#options.onReceived?.(walEnd, 0);
    this.#note(walEnd);
  }

  #note(position: Lsn): void {
    this.#applier.note(position);
    this.#lag.applied(this.#applier.applied);
  }

  #lookUp({ relation }: Extract<PgoutputMessage, { kind: "relation" }>): void {
    if (this.#tables.isKnown(relation) || !this.#decoder.follows(relation)) return;
    this.#held = [];
    this.#pause();
    this.#tables.lookUp(relation).then(
      () => this.#release(),
      (error: unknown) => this.#fail(error),
    );
  }

  /** What was held is taken, up to the next table that has to be looked up. */
  #release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    try {
      while (held.length > 0 && this.#held === undefined) {
        const { body, walEnd } = held.shift()!;
        this.#take(body, walEnd);
      }
    } catch (error) {
      return this.#fail(error);
    }
    if (this.#held !== undefined) (this.#held as typeof held).push(...held);
    else this.#resume();
  }

  #onFull(): void {
    this.#pause();
    this.#send();
  }

  #pause(): void {
    this.#isPaused = true;
    this.#stream?.pause();
  }

  #resume(): void {
    if (!this.#isPaused || this.#held !== undefined || this.#batch.isFull) return;
    this.#isPaused = false;
    this.#stream?.resume();
  }

  /** Sends what has gathered, unless a batch is on its way: as whole transactions; in the middle of one only when no more fits. */
  #send(): void {
    const batch = this.#batch;
    if (this.#applying !== undefined || this.#ended.signal.aborted || !((batch.isWhole && batch.transactions > 0) || batch.isFull)) return;
    this.#batch = this.#spare;
    this.#applying = this.#apply(batch).then(
      () => {
        this.#spare = batch;
        batch.clear();
        this.#applying = undefined;
        this.#send();
        this.#resume();
      },
      (error: unknown) => this.#fail(error),
    );
    this.#resume();
  }

  async #apply(batch: Batch): Promise<void> {
    const { changes } = batch;
    const { transactions, skipped } = await this.#applier.apply(batch);
    const { figures } = this;
    figures.changes += changes;
    figures.transactions += transactions;
    figures.skipped += skipped;
    this.#lag.applied(this.#applier.applied);
    this.#stream?.report(this.#applier.durable);
  }

  /** Measures where the source is, tells the slot what is safe, and looks after it. */
  #watch(): void {
    const { signal } = this.#ended;
    this.#stream?.ended.catch((error: unknown) => this.#fail(error));
    this.#watching = (async () => {
      let guardedAt = performance.now();
      while (!signal.aborted) {
        this.#lag.measured(await currentLsn(this.#source), performance.now());
        this.#stream?.report(this.#applier.durable);
        if (performance.now() - guardedAt >= GUARD_EVERY_MS) {
          guardedAt = performance.now();
          const { state, problems } = await readSlotHealth(this.#source, this.#options.setup.slot, undefined);
          if (state === "lost") throw new GodwitError("slot-lost", problems.join("; "), { object: this.#options.setup.slot });
          this.figures.alarms = problems;
        }
        await sleep(MEASURE_EVERY_MS, undefined, { signal }).catch(() => undefined);
      }
    })().catch((error: unknown) => {
      if (!signal.aborted) this.#fail(error);
    });
  }
}

/** A slot that begins behind what the target has was made anew, or moved on: what lies between would be missing in silence. */
async function refuseLostSlot(source: Session, slot: string, applied: Lsn): Promise<void> {
  const { state, problems } = await readSlotHealth(source, slot, applied);
  if (state === "lost") throw new GodwitError("slot-lost", problems.join("; "), { object: slot });
}
