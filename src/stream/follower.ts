import { setTimeout as sleep } from "node:timers/promises";
import type { Settings } from "../copy/computing-settings.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import { mutation } from "../errors/mutation.ts";
import { failpoint } from "../errors/failpoint.ts";
import type { Endpoint } from "../wire/endpoint.ts";
import { type Lsn, ZERO_LSN } from "../wire/lsn.ts";
import type { Replication } from "../wire/replication.ts";
import { isChange } from "../wire/pgoutput.ts";
import { type Session, openSession } from "../wire/session.ts";
import { type Applied, type Applier, openApplier } from "./applier.ts";
import { NeedsText } from "./binary-types.ts";
import { type ChangeDecoder, openDecoder } from "./change-decoder.ts";
import { ChangeReader } from "./change-reader.ts";
import type { ConflictPolicy } from "./conflict-policy.ts";
import { type CopiedTable, newestCopy } from "./copied-changes.ts";
import { Intake } from "./intake.ts";
import { type Lag, LagMeter } from "./lag.ts";
import { readSlotHealth, refuseLostSlot } from "../source/slot-health.ts";
import { passingValues, readEncoding } from "../source/source-encoding.ts";
import { currentLsn } from "../source/source-position.ts";
import { type SeenChanges, type SourceServer, expectSameSource, refuseEarlier } from "../source/source-server.ts";
import type { SourceSetup } from "../source/source-setup.ts";
import type { MakeTable, MeetTable, Routes } from "./stream-tables.ts";

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
  /** Of the source, under which the target computes what it computes itself. */
  readonly computing: Settings;
  /** Tables whose changes are followed, as `schema\0name`: a source before 10 sends those of all. */
  readonly followed: ReadonlySet<string>;
  readonly routes: Routes;
  readonly makeTable?: MakeTable;
  readonly meetTable?: MeetTable;
  /** Tables that were copied behind `from`, and up to where their changes are in the copy. */
  readonly copied?: readonly CopiedTable[];
  /** Each transaction as it was received, with how many changes; and each position behind which the server has sent everything. */
  readonly onReceived?: (position: Lsn, changes: number) => void;
  /** The server that the changes so far came from; undefined: not known. */
  readonly server?: SourceServer;
  /** They come from this one from now on: to be kept before the first of them is applied. */
  readonly onServer?: (server: SourceServer) => Promise<void>;
  /** Called every few seconds with a session of the source, and what is on the target: what has to be looked after there. Resolves with whether the source is to be read anew (`beginAnew`). */
  readonly onGuard?: (source: Session, applied: Lsn) => Promise<boolean>;
}

/** What a follower has done since it was opened; counts up. */
export interface FollowerFigures {
  transactions: number;
  changes: number;
  bytes: number;
  skipped: number;
  /** What is wrong with the slot, as sentences. */
  alarms: readonly string[];
  /** WAL that the source keeps for the slot; undefined until measured. */
  retainedBytes: number | undefined;
}

const MEASURE_EVERY_MS = 250;
const GUARD_EVERY_MS = 5000;

/**
 * Follows the changes of one database: receive → decode → batch (intake.ts) → apply (applier.ts). While the target is at work, the next batch is filled, so the source's sending, our
 * decoding and the target's work overlap; what is too much waits at the source. See docs/decisions/following-changes.md.
 */
export class Follower implements AsyncDisposable {
  readonly figures: FollowerFigures = { transactions: 0, changes: 0, bytes: 0, skipped: 0, alarms: [], retainedBytes: undefined };
  readonly #options: FollowerOptions;
  readonly #source: Session;
  /** The source, too, for what may wait there. */
  readonly #guarded: Session;
  readonly #applier: Applier;
  readonly #lag: LagMeter;
  readonly #ended = new AbortController();
  readonly #broken = Promise.withResolvers<never>();
  readonly #signal: AbortSignal;
  readonly #copiedUpTo: Lsn;
  #server: SourceServer | undefined;
  #mayBeBinary: boolean;
  #reader: ChangeReader | undefined;
  #intake: Intake | undefined;
  /** What is under way with these two. */
  #beginning: Promise<void> = Promise.resolve();
  /** What the slot was told last. */
  #reported: Lsn | undefined;
  /** Changes of the transaction that is being received. */
  #inside = 0;
  #watching: Promise<unknown> | undefined;
  #guarding: Promise<void> = Promise.resolve();

  private constructor(options: FollowerOptions, source: Session, guarded: Session, applier: Applier, signal: AbortSignal) {
    this.#options = options;
    this.#source = source;
    this.#guarded = guarded;
    this.#applier = applier;
    this.#signal = signal;
    this.#copiedUpTo = newestCopy(options.copied ?? []);
    // What is known of rows that were copied later is compared as text.
    this.#mayBeBinary = (options.copied ?? []).length === 0 && !TEXT_ONLY;
    this.#server = options.server;
    this.#lag = new LagMeter(applier.applied);
    this.#broken.promise.catch(() => undefined); // whoever follows hears of it
  }

  /**
   * Takes the position on the target over, and begins to receive behind it. Errors: `slot-lost` when the slot is gone, invalidated, or begins behind the position, or the source has lost
   * what the target has, or is another server; `fenced`; those of connecting.
   */
  static async open(options: FollowerOptions, signal: AbortSignal): Promise<Follower> {
    await using stack = new AsyncDisposableStack();
    const { source: from, target, setup, task, epoch, policy, computing } = options;
    const source = stack.use(await openSession(from, { signal, applicationName: `godwit ${task}` }));
    const guarded = stack.use(await openSession(from, { signal, applicationName: `godwit ${task}` }));
    const settings = { ...computing, ...passingValues(await readEncoding(source)) };
    const applier = stack.use(await openApplier(target, { task, slot: setup.slot, epoch, start: options.from, policy, computing: settings }, signal));
    if (REMAKES_SLOT) await remakeSlot(source, setup);
    const follower = new Follower(options, source, guarded, applier, signal);
    follower.#beginning = follower.#begin();
    await follower.#beginning;
    follower.#watch();
    stack.move();
    return follower;
  }

  /** Begins to receive, behind what the target has. */
  async #begin(): Promise<void> {
    const { setup, followed, routes, makeTable, meetTable, copied = [] } = this.#options;
    const decoder = await openDecoder(this.#source, setup, followed, this.#mayBeBinary);
    const intake = new Intake(this.#applier, {
      routes,
      ...(makeTable === undefined ? {} : { makeTable }),
      ...(meetTable === undefined ? {} : { meetTable }),
      copied,
      isBinary: decoder.isBinary,
      onApplied: (applied) => this.#onApplied(applied),
      onRelief: () => this.#reader?.resume(),
    });
    this.#intake = intake;
    this.#reader = undefined;
    intake.ended.catch((error: unknown) => this.#onIntakeEnded(error));
    const reader = await ChangeReader.open(this.#source, {
      setup,
      pluginOptions: decoder.options,
      signal: this.#signal,
      onConnected: async (replication) => await this.#onConnected(replication),
      handler: {
        onMessage: (bytes, start, end, walEnd) => this.#onMessage(decoder, intake, bytes, start, end, walEnd),
        onKeepalive: (walEnd) => this.#onKeepalive(intake, walEnd),
      },
      received: () => intake.received,
      durable: () => this.#applier.durable,
      onBacklog: (isReading) => intake.gather(isReading),
      onRound: () => intake.flush(),
    });
    this.#reader = reader;
    if (intake.isCongested) reader.pause();
    reader.failed.catch((error: unknown) => this.#fail(error));
  }

  /** Everything up to here is on the target, in the copy, or on its way: what was committed before is passed over. */
  get #seen(): SeenChanges {
    const moments = [this.#applier.applied, this.#intake?.received ?? ZERO_LSN, this.#copiedUpTo];
    return { slot: this.#options.setup.slot, upTo: moments.reduce((latest, lsn) => (lsn > latest ? lsn : latest)) };
  }

  async #onConnected(replication: Replication): Promise<void> {
    const before = this.#server;
    const server = await expectSameSource(replication, before, this.#seen);
    // Somebody may have made the slot anew while nobody read from it.
    if (!REMAKES_SLOT) await refuseLostSlot(this.#source, this.#options.setup.slot, this.#applier.applied);
    if (server.timeline !== before?.timeline) await this.#options.onServer?.(server);
    this.#server = server;
  }

  #onIntakeEnded(error: unknown): void {
    if (!(error instanceof NeedsText)) return this.#fail(error);
    this.#mayBeBinary = false;
    void this.beginAnew();
  }

  /** Begins to receive anew, by another walsender, from what is on the target. Resolves when that has begun, or failed (see `failed`). */
  async beginAnew(): Promise<void> {
    this.#beginning = this.#beginBehind(this.#beginning).catch((error: unknown) => this.#fail(error));
    await this.#beginning;
  }

  async #beginBehind(before: Promise<void>): Promise<void> {
    await before.catch(() => undefined);
    await this.#endReceiving();
    if (!this.#ended.signal.aborted) await this.#begin();
  }

  async #endReceiving(): Promise<void> {
    await this.#reader?.[Symbol.asyncDispose]();
    await this.#intake?.close().catch(() => undefined);
  }

  /** Rejects with what broke it; does not resolve. */
  get failed(): Promise<never> {
    return this.#broken.promise;
  }

  /** Everything up to here is on the target. */
  get applied(): Lsn {
    return this.#applier.applied;
  }

  /** Triggers, rules and foreign keys of the target do not act on what is applied, but for those that are enabled ALWAYS or REPLICA. */
  get bypassesTriggers(): boolean {
    return this.#applier.isReplica;
  }

  /** Undefined until it was measured. */
  get lag(): Lag | undefined {
    this.#lag.applied(this.#applier.applied);
    return this.#lag.now(performance.now());
  }

  /** Resolves when everything before the position is on the target and on its disk, as the target's own record says; returns that. Rejects with what breaks it. */
  async reaches(position: Lsn, signal: AbortSignal): Promise<Lsn> {
    while (this.#applier.applied < position) await Promise.race([sleep(REACH_MS, undefined, { signal }), this.failed]);
    return await Promise.race([this.#applier.settle(), this.failed]);
  }

  /** Ends the receiving; what was not applied comes again, to whoever follows next. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await this.#watching;
    await this.#beginning.catch(() => undefined);
    await this.#endReceiving();
    await this.#applier[Symbol.asyncDispose]();
    await this.#guarded.close();
    await this.#source.close();
  }

  #fail(error: unknown): void {
    this.#broken.reject(error);
    void this.#reader?.[Symbol.asyncDispose]();
  }

  #onMessage(decoder: ChangeDecoder, intake: Intake, bytes: Buffer, start: number, end: number, walEnd: Lsn): void {
    this.figures.bytes += end - start;
    for (const message of decoder.decode(bytes, start, end, walEnd)) {
      if (message.kind === "begin") this.#inside = 0;
      else if (message.kind === "commit") this.#options.onReceived?.(message.endLsn, this.#inside);
      else if (isChange(message)) this.#inside++;
      intake.take(message);
    }
    if (intake.isCongested) this.#reader?.pause();
  }

  #onKeepalive(intake: Intake, walEnd: Lsn): void {
    this.#options.onReceived?.(walEnd, 0);
    intake.keepalive(walEnd);
  }

  #onApplied({ transactions, changes, skipped }: Applied): void {
    const { figures } = this;
    figures.transactions += transactions;
    figures.changes += changes;
    figures.skipped += skipped;
    this.#lag.applied(this.#applier.applied);
    this.#report();
  }

  #report(): void {
    const { durable } = this.#applier;
    if (durable === this.#reported) return;
    this.#reported = durable;
    this.#reader?.report();
    failpoint("reported");
  }

  /** Measuring does not wait for what the guard waits for. */
  #watch(): void {
    const loops = [this.#every(MEASURE_EVERY_MS, async () => await this.#measure()), this.#every(GUARD_EVERY_MS, async () => await this.guard())];
    this.#watching = Promise.all(loops);
  }

  /** Does the work again and again until this is closed; never rejects: what the work throws breaks the following. */
  async #every(ms: number, work: () => Promise<void>): Promise<void> {
    const { signal } = this.#ended;
    try {
      while (!signal.aborted) {
        await work();
        await sleep(ms, undefined, { signal }).catch(() => undefined);
      }
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    }
  }

  /** Where the source is; and tells the slot what is safe. */
  async #measure(): Promise<void> {
    const seen = this.#seen;
    const position = await currentLsn(this.#source);
    refuseEarlier(this.#source, position, seen);
    this.#lag.measured(position, performance.now());
    this.#reader?.sourceAt(position);
    this.#report();
  }

  /** Looks after the slot and the source, behind what of that is under way. May wait for locks at the source. */
  async guard(): Promise<void> {
    this.#guarding = this.#guarding.then(async () => await this.#guard());
    await this.#guarding;
  }

  async #guard(): Promise<void> {
    const { setup, onGuard } = this.#options;
    const { state, problems, facts } = await readSlotHealth(this.#guarded, setup.slot, undefined);
    if (state === "lost") throw new GodwitError("slot-lost", problems.join("; "), { object: setup.slot });
    this.figures.alarms = problems;
    this.figures.retainedBytes = facts?.retainedBytes;
    if (await onGuard?.(this.#guarded, this.#applier.applied)) await this.beginAnew();
  }
}

const REACH_MS = 5;
/** Defects of a test that are put into text. */
const TEXT_ONLY = mutation("values cut") || mutation("minus one is a marker");

const REMAKES_SLOT = mutation("slot made anew");

/** What nobody may do: the defect of a test. */
async function remakeSlot(source: Session, { slot, plugin }: SourceSetup): Promise<void> {
  if ((await readSlotHealth(source, slot, undefined)).state === "lost") await source.query("select pg_catalog.pg_create_logical_replication_slot($1, $2)", [slot, plugin]);
}
