import { failpoint } from "../errors/failpoint.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import { sqlStateOf } from "../structure/attempt.ts";
import { type Endpoint, describeEndpoint } from "../wire/endpoint.ts";
import { type Lsn, formatLsn } from "../wire/lsn.ts";
import { type Session, openSession } from "../wire/session.ts";
import { type Execution, ValueStream } from "../wire/value-stream.ts";
import { readSlot } from "./slot-health.ts";
import { flushedLsn } from "./source-position.ts";
import type { SourceSetup } from "./source-setup.ts";

/** pg_copy_logical_replication_slot came with it: https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-REPLICATION */
export const BACKLOG_SINCE = 120000;
const MB = 1024 * 1024;
/** Closer to the source's end than this, a walsender does it sooner. */
export const NEAR_BYTES = MB;
/**
 * WAL that is read in one round: the first is short, so that the target soon has something to do, the others longer and longer, and at least a quarter of what has to be passed over
 * again. Decoding begins each round at the slot's restart_lsn.
 */
const FIRST_ROUND_BYTES = 8 * MB;
const LONG_ROUND_BYTES = 32 * MB;
const MOST_ROUND_BYTES = 64 * MB;
/** More than this is not passed over again and again: a long transaction holds restart_lsn back. So this also bounds the transactions of one round. */
const MOST_AGAIN_BYTES = 256 * MB;
/** The server keeps so much of a round in memory, the rest in a temporary file. */
const ROUND_MEMORY = "64MB";
/** How often the slot itself is told what the target has. */
const ADVANCE_EVERY_MS = 10_000;
/** After so long without a row it is looked whether the server is still there; it gets as long for its answer. */
const SILENCE_MS = 30_000;

export interface BacklogOptions {
  readonly source: Endpoint;
  readonly setup: SourceSetup;
  /** The output plugin's. */
  readonly pluginOptions: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** One message of the output plugin, in a buffer that is filled again. What it throws ends the reading with that error. */
  readonly onMessage: (body: Buffer) => void;
  /** Everything that was committed before this position has come. */
  readonly onRound: (reached: Lsn) => void;
  /** What the target has on its disk. */
  readonly durable: () => Lsn;
}

/**
 * Reads what has gathered for a slot in rounds, by SQL (https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-REPLICATION): a walsender sends every change by a
 * system call of its own, which costs it several times what decoding does; the rows of a function come packed. The messages are the same, in the same order.
 *
 * The slot itself stays where the target is. What is read from is a temporary copy of it, which moves with what was sent, and is gone with its session, however that ends.
 * See docs/decisions/following-changes.md.
 */
export class Backlog implements AsyncDisposable {
  readonly #options: BacklogOptions;
  /** For questions while the other one reads. */
  readonly #control: Session;
  readonly #reading: Session;
  readonly #values: ValueStream;
  readonly #copy: string;
  readonly #watch: NodeJS.Timeout;
  /** Where the next round begins. */
  #next: Lsn;
  #roundBytes = FIRST_ROUND_BYTES;
  #isPaused = false;
  #isHeard = true;
  #advancedAt = performance.now();
  #told: Lsn;

  private constructor(options: BacklogOptions, control: Session, reading: Session, copy: string, from: Lsn) {
    this.#options = options;
    this.#control = control;
    this.#reading = reading;
    this.#copy = copy;
    this.#next = from;
    this.#told = from;
    const given = Object.entries(options.pluginOptions).flat();
    const sql = `select data from pg_catalog.pg_logical_slot_get_binary_changes($1, $2, null, ${given.map((_, at) => `$${at + 3}`).join(", ")})`;
    this.#values = new ValueStream(reading, sql, [NAME_OID, LSN_OID, ...given.map(() => TEXT_OID)], (value) => {
      this.#isHeard = true;
      options.onMessage(value);
    });
    this.#watch = setInterval(() => void this.#look(), SILENCE_MS);
  }

  /** Makes the copy. Errors: those of connecting, and `query-failed` or what else the server's SQLSTATE says, as where no slot is free. */
  static async open(options: BacklogOptions): Promise<Backlog> {
    const { source, setup, signal } = options;
    await using stack = new AsyncDisposableStack();
    const control = stack.use(await openSession(source, { signal, applicationName: setup.receiver }));
    const reading = stack.use(await openSession(source, { signal, applicationName: setup.receiver, settings: { work_mem: ROUND_MEMORY } }));
    // One that a killed process left may live on for a moment: the name tells the session.
    const suffix = `_${reading.backendPid}`;
    const copy = `${setup.slot.slice(0, MOST_NAME_BYTES - suffix.length)}${suffix}`;
    await reading.query("select from pg_catalog.pg_copy_logical_replication_slot($1, $2, true)", [setup.slot, copy]);
    const begin = (await readSlot(control, copy))?.confirmedFlushLsn;
    if (begin === undefined) throw new GodwitError("slot-missing", `${describeEndpoint(source)}: the copy ${copy} of the replication slot ${setup.slot} is gone`, { object: setup.slot });
    stack.move();
    return new Backlog(options, control, reading, copy, begin);
  }

  /** Reads until the source's end is near, or until each round would pass over too much again ("far"). Rejects with a coded error. */
  async read(): Promise<"near" | "far"> {
    const pluginOptions = Object.entries(this.#options.pluginOptions).flat();
    let before: (Execution & { readonly upTo: Lsn }) | undefined;
    for (;;) {
      const { upTo, end } = await this.#plan();

      // The server decodes it while the last rows of the one before are on their way.
      const round = upTo === undefined ? undefined : { upTo, ...this.#values.run([this.#copy, formatLsn(upTo), ...pluginOptions]) };
      if (before !== undefined) {
        await before.done;
        failpoint("round received");
        this.#options.onRound(before.upTo);
      }
      if (round === undefined) return end;
      await round.begun;
      before = round;
    }
  }

  /** The end of the next round, or none. */
  async #plan(): Promise<{ readonly upTo: Lsn | undefined; readonly end: "near" | "far" }> {
    await this.#advance();
    const [end, slot] = [await flushedLsn(this.#control), await readSlot(this.#control, this.#copy)];
    if (end - this.#next < BigInt(NEAR_BYTES)) return { upTo: undefined, end: "near" };
    const again = slot?.restartLsn === undefined ? MOST_AGAIN_BYTES + 1 : Number(this.#next - slot.restartLsn);
    if (again > MOST_AGAIN_BYTES) return { upTo: undefined, end: "far" };
    const most = this.#next + BigInt(Math.min(Math.max(this.#roundBytes, Math.floor(again / 4)), MOST_ROUND_BYTES));
    this.#roundBytes = Math.min(2 * this.#roundBytes, LONG_ROUND_BYTES);
    this.#next = most < end ? (most as Lsn) : end;
    return { upTo: this.#next, end: "far" };
  }

  /** The source forgets what the target has. */
  async #advance(): Promise<void> {
    const durable = this.#options.durable();
    if (performance.now() - this.#advancedAt < ADVANCE_EVERY_MS || durable <= this.#told) return;
    this.#advancedAt = performance.now();
    try {
      await this.#control.query("select from pg_catalog.pg_replication_slot_advance($1, $2)", [this.#options.setup.slot, formatLsn(durable)]);
      this.#told = durable;
    } catch (error) {
      if (sqlStateOf(error) !== IN_USE) throw error; // our walsender of a moment ago
    }
  }

  pause(): void {
    this.#isPaused = true;
    this.#values.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#values.resume();
  }

  /** A network that is dead says nothing. */
  async #look(): Promise<void> {
    if (this.#isHeard || this.#isPaused) {
      this.#isHeard = this.#isPaused;
      return;
    }
    const giveUp = setTimeout(() => {
      for (const session of [this.#control, this.#reading]) session.socket.destroy();
    }, SILENCE_MS);
    await this.#control.query("select 1").catch(() => undefined); // who reads hears of it
    clearTimeout(giveUp);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#watch);
    await this.#values[Symbol.asyncDispose]();
    await this.#control.close();
  }
}

const MOST_NAME_BYTES = 63;
const IN_USE = "55006";
/** pg_type.oid of name, pg_lsn, text. */
const NAME_OID = 19;
const LSN_OID = 3220;
const TEXT_OID = 25;
