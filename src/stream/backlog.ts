import { failpoint } from "../errors/failpoint.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import { sqlStateOf } from "../errors/sql-state.ts";
import { type Endpoint, describeEndpoint } from "../wire/endpoint.ts";
import { type Lsn, formatLsn } from "../wire/lsn.ts";
import { type Session, openSession } from "../wire/session.ts";
import { type ValueReceiver, type ValueStream, streamValues } from "../wire/stream-values.ts";
import { advancesSafely } from "../source/advances-safely.ts";
import { readSlot } from "../source/slot-health.ts";
import { flushedLsn } from "../source/source-position.ts";
import type { SourceSetup } from "../source/source-setup.ts";

/** pg_copy_logical_replication_slot came with it: https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-REPLICATION */
export const BACKLOG_SINCE = 120000;
const MB = 1024 * 1024;
/** Closer to the source's end than this, a walsender does it sooner. */
export const NEAR_BYTES = MB;
/**
 * WAL that is read in one round. Decoding begins each at the slot's restart_lsn, so the longer they are the less is passed over again; the first ones are short, so that the target soon has
 * something to do. They double up to a length, and beyond it only where the source has decoded the next one before the target is through with this one: then nobody waits for it.
 */
const FIRST_ROUND_BYTES = 16 * MB;
const LONG_ROUND_BYTES = 128 * MB;
const LONGEST_ROUND_BYTES = 512 * MB;
/** More than this is not passed over again and again: a long transaction holds restart_lsn back. So this also bounds the transactions of one round. */
const MOST_AGAIN_BYTES = 1024 * MB;
/** Behind rounds that brought nothing: a large transaction is being read, which each round would begin anew. */
const MOST_AGAIN_FOR_NOTHING_BYTES = 32 * MB;
/** Rounds under way behind the one whose rows are handed on: each holds a slot and a connection, and has a temporary file. */
const MOST_BEHIND = 2;
/** The server keeps so much of a round in memory, the rest in a temporary file. It begins to answer with the first row: without notices (a role may have asked for those of the decoding). */
const ROUND_SETTINGS = { work_mem: "64MB", client_min_messages: "error" };
/** How often the slot itself is told what the target has. */
const ADVANCE_EVERY_MS = 10_000;
/** After so long without a row it is looked whether the server is still there; it gets as long for its answer. */
const SILENCE_MS = 30_000;

export interface BacklogOptions {
  readonly source: Endpoint;
  readonly setup: SourceSetup;
  /** The output plugin's. */
  readonly pluginOptions: Readonly<Record<string, string>>;
  /** Of the sessions that decode. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** One message of the output plugin. What it throws ends the reading with that error. */
  readonly onMessage: ValueReceiver;
  /** Everything that was committed before this position has come. */
  readonly onRound: (reached: Lsn) => void;
  /** What the target has on its disk. */
  readonly durable: () => Lsn;
  /** WAL of the first round, at most; the next ones are longer. */
  readonly firstRoundBytes?: number;
}

/** What the next round is to be: the WAL between two positions. */
interface Plan {
  readonly from: Lsn;
  readonly upTo: Lsn;
  /** The slot that it is read from is not there yet. */
  readonly isBehind: boolean;
}

/** A round under way: its session, and the temporary copy of the slot that it reads from, which is behind it when it is decoded. */
interface Round {
  readonly session: Session;
  readonly copy: string;
  readonly upTo: Lsn;
  readonly values: ValueStream;
  messages: number;
  isDecoded: boolean;
}

/**
 * Reads what has gathered for a slot in rounds, by SQL (https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-REPLICATION): a walsender sends every change by a
 * system call of its own, which costs it several times what decoding does; the rows of a function come packed. The messages are the same, in the same order.
 *
 * The slot itself stays where the target is. Each round has a session of its own, and reads from a copy of the slot, from where the round before has moved its one: while that still
 * sends, this already decodes; and where the target waits for the source nevertheless, so does the one behind it, from a copy that is moved there first. The copies are temporary: they are
 * gone with their sessions, however those end. See docs/decisions/following-changes.md.
 */
export class Backlog implements AsyncDisposable {
  readonly #options: BacklogOptions;
  /** For questions meanwhile. */
  readonly #control: Session;
  /** The sessions of rounds. */
  readonly #sessions = new Set<Session>();
  readonly #closing = new AbortController();
  #reading: Promise<"near" | "far"> | undefined;
  readonly #watch: NodeJS.Timeout;
  /** Where the next round begins, and how long it is at most. */
  #next: Lsn;
  #roundBytes: number;
  /** A round was decoded before the one in front of it was taken. */
  #isAhead = false;
  /** Rounds that are decoded at a time where the source is what takes longest: two, unless it has no slot or no connection for that, or may not move one slot ahead of another. */
  #mostAtOnce: number;
  /** The round whose rows are handed on. */
  #sending: ValueStream | undefined;
  #isPaused = false;
  #isHeard = true;
  /** The last round brought nothing. */
  #isForNothing = false;
  #advancedAt = performance.now();
  #told: Lsn;

  private constructor(options: BacklogOptions, control: Session, begin: Lsn) {
    this.#options = options;
    this.#control = control;
    this.#next = begin;
    this.#mostAtOnce = advancesSafely(control.versionNum) ? 2 : 1;
    this.#roundBytes = options.firstRoundBytes ?? FIRST_ROUND_BYTES;
    this.#told = begin;
    this.#watch = setInterval(() => void this.#look(), SILENCE_MS);
  }

  /** Connects. Errors: those of connecting, and `slot-missing`. */
  static async open(options: BacklogOptions): Promise<Backlog> {
    const { source, setup, signal } = options;
    await using stack = new AsyncDisposableStack();
    const control = stack.use(await openSession(source, { signal, applicationName: setup.receiver }));
    const begin = (await readSlot(control, setup.slot))?.confirmedFlushLsn;
    if (begin === undefined) throw new GodwitError("slot-missing", `${describeEndpoint(source)}: the replication slot ${setup.slot} is gone`, { object: setup.slot });
    stack.move();
    return new Backlog(options, control, begin);
  }

  /**
   * Reads until the source's end is near, or until each round would pass over too much again ("far"). Rejects with a coded error: `query-failed` or what the server's SQLSTATE says, as
   * where no slot is free for a copy; `connection-lost`.
   */
  async read(): Promise<"near" | "far"> {
    this.#reading = this.#read();
    try {
      return await this.#reading;
    } catch (error) {
      this.#options.signal.throwIfAborted();
      throw error;
    }
  }

  async #read(): Promise<"near" | "far"> {
    const rounds: Round[] = [];
    let end = await this.#beginNext(rounds, this.#options.setup.slot, 1);
    for (let round = rounds.shift(); round !== undefined; round = rounds.shift()) {
      await round.values.begun;
      // Before its rows come: while they do, there is no time for anything else.
      end = await this.#beginNext(rounds, round.copy, this.#isAhead ? 1 : this.#mostAtOnce);
      this.#handOn(round.values);
      await round.values.done;
      this.#isAhead = rounds[0]?.isDecoded === true;
      failpoint("round received");
      this.#isForNothing = round.messages === 0;
      this.#options.onRound(round.upTo);
      this.#sessions.delete(round.session);
      void round.session.close();
    }
    return end;
  }

  /** Sees to it that so many rounds are being decoded. `slot`: the one that the last decoded round has moved. Returns why no further one was begun; of interest where none is under way. */
  async #beginNext(rounds: Round[], slot: string, atOnce: number): Promise<"near" | "far"> {
    while (rounds.length < MOST_BEHIND && rounds.filter(({ isDecoded }) => !isDecoded).length < atOnce) {
      const plan = await this.#plan(slot);
      if (typeof plan === "string") return plan;
      try {
        rounds.push(await this.#begin(slot, plan));
      } catch (error) {
        if (rounds.length === 0 || !sqlStateOf(error).startsWith(INSUFFICIENT_RESOURCES)) throw error;
        this.#mostAtOnce = 1;
        break;
      }
      this.#next = plan.upTo;
      this.#roundBytes = Math.max(this.#roundBytes, Math.min(2 * this.#roundBytes, this.#isAhead ? LONGEST_ROUND_BYTES : LONG_ROUND_BYTES));
    }
    return "far";
  }

  /** The next round; or why there is none. */
  async #plan(slot: string): Promise<Plan | "near" | "far"> {
    await this.#advance();
    const end = await flushedLsn(this.#control);
    const facts = await readSlot(this.#control, slot);
    const from = this.#next;
    if (end - from < BigInt(NEAR_BYTES)) return "near";
    const again = facts?.restartLsn === undefined ? MOST_AGAIN_BYTES + 1 : Number(from - facts.restartLsn);
    if (again > (this.#isForNothing ? MOST_AGAIN_FOR_NOTHING_BYTES : MOST_AGAIN_BYTES)) return "far";
    const most = from + BigInt(this.#roundBytes);
    return { from, upTo: most < end ? (most as Lsn) : end, isBehind: (facts?.confirmedFlushLsn ?? from) < from };
  }

  /**
   * Has the server decode a round. Each in a session of its own: of some minor releases pgoutput takes places in a session at each use, and the server ends it when there
   * are no more ("out of relcache_callback_list slots").
   */
  async #begin(slot: string, { from, upTo, isBehind }: Plan): Promise<Round> {
    const { source, setup, settings } = this.#options;
    const signal = AbortSignal.any([this.#options.signal, this.#closing.signal]);
    await using opened = new AsyncDisposableStack();
    const session = opened.use(await openSession(source, { signal, applicationName: setup.receiver, settings: { ...settings, ...ROUND_SETTINGS } }));
    // From now on, as its server may fall silent at any moment.
    this.#sessions.add(session);
    opened.defer(() => void this.#sessions.delete(session));
    // One that a killed process left may live on for a moment: the name tells the session.
    const suffix = `_${session.backendPid}`;
    const copy = `${setup.slot.slice(0, MOST_NAME_BYTES - suffix.length)}${suffix}`;
    await session.query("select pg_catalog.pg_copy_logical_replication_slot($1, $2, true)", [slot, copy]);
    opened.move();
    const pluginOptions = Object.entries(this.#options.pluginOptions).flat();
    const parameters = [copy, formatLsn(upTo), ...pluginOptions];
    const changesOf = (name: string): string => `pg_catalog.pg_logical_slot_get_binary_changes(${name}, $2, null, ${pluginOptions.map((_, at) => `$${at + 3}`).join(", ")}) as c`;
    let sql = `select c.data from ${changesOf("$1")}`;
    if (isBehind) {
      // By the same statement, as it takes its time.
      parameters.push(formatLsn(from));
      sql = `select c.data from pg_catalog.pg_replication_slot_advance($1, $${parameters.length}) as moved, ${changesOf("moved.slot_name")}`;
    }
    const round = { session, copy, upTo, messages: 0, isDecoded: false };
    const values = streamValues(session, sql, parameters, (bytes, start, end) => {
      this.#isHeard = true;
      round.messages++;
      this.#options.onMessage(bytes, start, end);
    });
    values.begun.then(
      () => (round.isDecoded = true),
      () => undefined, // whoever waits for it hears of it
    );
    return Object.assign(round, { values });
  }

  #handOn(values: ValueStream): void {
    this.#sending = values;
    if (this.#isPaused) values.pause();
    values.release();
  }

  /** The source forgets what the target has. Where that is not safe this way, it does so behind the backlog: a walsender tells it. */
  async #advance(): Promise<void> {
    const durable = this.#options.durable();
    if (performance.now() - this.#advancedAt < ADVANCE_EVERY_MS || durable <= this.#told || !advancesSafely(this.#control.versionNum)) return;
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
    this.#sending?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#sending?.resume();
  }

  /** A network that is dead says nothing: then both connections are given up, which whoever reads hears of. */
  async #look(): Promise<void> {
    if (this.#isHeard || this.#isPaused) {
      this.#isHeard = this.#isPaused;
      return;
    }
    const giveUp = setTimeout(() => {
      for (const session of [this.#control, ...this.#sessions]) session.socket.destroy();
    }, SILENCE_MS);
    await this.#control.query("select 1").catch(() => undefined);
    clearTimeout(giveUp);
  }

  /** Ends what the server is doing, and the connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#watch);
    this.#closing.abort(new GodwitError("interrupted", "the reading was ended"));
    await this.#reading?.catch(() => undefined);
    await Promise.all([this.#control, ...this.#sessions].map(async (session) => await session.close()));
  }
}

const MOST_NAME_BYTES = 63;
/** A class of SQLSTATEs: too_many_connections, configuration_limit_exceeded. */
const INSUFFICIENT_RESOURCES = "53";
/** object_in_use: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const IN_USE = "55006";
