import type { GodwitError } from "../errors/godwit-error.ts";
import { sqlStateOf } from "../errors/sql-state.ts";
import { type Lsn, ZERO_LSN } from "../wire/lsn.ts";
import { type Replication, openReplication } from "../wire/replication.ts";
import type { ChangeStream, StreamHandler } from "../wire/replication-stream.ts";
import type { Session } from "../wire/session.ts";
import { BACKLOG_SINCE, Backlog, NEAR_BYTES } from "./backlog.ts";
import { ConvertedText } from "./converted-text.ts";
import { passingValues, readEncoding } from "../source/source-encoding.ts";
import { flushedLsn } from "../source/source-position.ts";
import type { SourceSetup } from "../source/source-setup.ts";

export interface ChangeReaderOptions {
  readonly setup: SourceSetup;
  /** The output plugin's. */
  readonly pluginOptions: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Looks at the server, before anything is read from it; what it throws ends the reading. */
  readonly onConnected: (replication: Replication) => Promise<void>;
  /** Takes what comes; `onKeepalive`: everything before the position has come. */
  readonly handler: StreamHandler;
  /** The end of the newest commit that the handler has: reading goes on behind it. */
  readonly received: () => Lsn;
  /** What the target has on its disk: the source may forget it. */
  readonly durable: () => Lsn;
  /** A backlog is being read, or no longer: what comes may be gathered, as more is to come at once. */
  readonly onBacklog: (isReading: boolean) => void;
  /** What has gathered may be applied. */
  readonly onRound: () => void;
}

/** So far behind in a stream, the backlog is read in rounds again. */
const FAR_BYTES = 32 * 1024 * 1024;
/** For so long rounds are not tried again, where they did not pay (at first: it doubles each time), and where the server refused something of them. */
const NOT_PAYING_MS = 10_000;
const REFUSED_MS = 60_000;
/** Of pgoutput (https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html). */
const BEGIN = 0x42; // 'B'
const COMMIT = 0x43; // 'C'

/**
 * Brings the messages of a slot's output plugin, each transaction once, in the order of the commits: what has gathered in rounds (backlog.ts), then, and mostly, as it comes
 * from a walsender. It changes over between two transactions, and back when the stream falls far behind.
 */
export class ChangeReader implements AsyncDisposable {
  /** Rejects with what broke it, with a coded error; does not resolve. */
  readonly failed: Promise<never>;
  readonly #source: Session;
  readonly #options: ChangeReaderOptions;
  readonly #encoding: string;
  readonly #handler: StreamHandler;
  readonly #converted: ConvertedText | undefined;
  readonly #fail: (error: unknown) => void;
  readonly #closed = Promise.withResolvers<void>();
  #current: Pick<ChangeStream, "pause" | "resume"> | undefined;
  #stream: ChangeStream | undefined;
  #running: Promise<void> | undefined;
  #isClosed = false;
  #isPaused = false;
  #isInTransaction = false;
  /** The stream has fallen behind: it is left behind the transaction that is coming. */
  #leave: (() => void) | undefined;
  #wantsLeave = false;
  #notBefore = 0;
  #notPayingMs = NOT_PAYING_MS;

  private constructor(source: Session, encoding: string, options: ChangeReaderOptions) {
    this.#source = source;
    this.#encoding = encoding;
    this.#options = options;
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => undefined); // whoever reads hears of it
    this.failed = promise;
    this.#fail = reject;
    const { setup, handler } = options;
    const isForeign = setup.plugin === "test_decoding" && !["UTF8", "SQL_ASCII"].includes(encoding);
    this.#converted = isForeign ? new ConvertedText(source, handler, { pause: () => this.#current?.pause(), resume: () => this.#resume() }) : undefined;
    this.#converted?.failed.catch(reject);
    this.#handler = this.#converted ?? handler;
  }

  /** Resolves when the source has begun to send. `source` is asked where the source is, and to convert text. Errors: those of connecting, `slot-missing`, `slot-in-use`, `slot-lost`. */
  static async open(source: Session, options: ChangeReaderOptions): Promise<ChangeReader> {
    const reader = new ChangeReader(source, await readEncoding(source), options);
    const begun = Promise.withResolvers<void>();
    reader.#running = reader.#run(begun.resolve).catch((error: unknown) => reader.#fail(error));
    await Promise.race([begun.promise, reader.failed]);
    return reader;
  }

  /** Stops reading for a while; some of what was read already still comes. */
  pause(): void {
    this.#isPaused = true;
    this.#current?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#resume();
  }

  #resume(): void {
    if (!this.#isPaused) this.#current?.resume();
  }

  /** The target has more on its disk: the source is told soon. */
  report(): void {
    this.#stream?.report(this.#options.durable());
  }

  /**
   * Where the source is, to be told from time to time. A stream is only left behind a transaction that has come: one that is silent may be decoding a large transaction for minutes,
   * which would begin anew, again and again.
   */
  sourceAt(position: Lsn): void {
    if (this.#leave === undefined || this.#wantsLeave || !this.#mayReadBacklog() || position - this.#options.received() < BigInt(FAR_BYTES)) return;
    this.#wantsLeave = true;
  }

  /** Ends the reading. What was not applied comes again, to whoever reads next. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#closed.resolve();
    this.#converted?.end();
    this.#stream?.destroy();
    await this.#running;
  }

  async #run(begun: () => void): Promise<void> {
    while (!this.#isClosed) {
      if (this.#mayReadBacklog() && (await this.#behind()) >= NEAR_BYTES) {
        await (await this.#connect()).close();
        await this.#readBacklog(begun);
      }
      if (!this.#isClosed) await this.#readStream(begun);
    }
  }

  #mayReadBacklog(): boolean {
    return this.#source.versionNum >= BACKLOG_SINCE && performance.now() >= this.#notBefore;
  }

  async #behind(): Promise<number> {
    return Number((await flushedLsn(this.#source)) - this.#options.received());
  }

  async #connect(): Promise<Replication> {
    const { setup, signal, onConnected } = this.#options;
    await using stack = new AsyncDisposableStack();
    const replication = stack.use(await openReplication(this.#source.endpoint, { applicationName: setup.receiver, signal, settings: passingValues(this.#encoding) }));
    await onConnected(replication);
    stack.move();
    return replication;
  }

  async #readBacklog(begun: () => void): Promise<void> {
    const { setup, pluginOptions, signal, durable, onBacklog, onRound } = this.#options;
    const handler = this.#handler;
    const onMessage = (bytes: Buffer, start: number, end: number): void => {
      handler.onMessage(bytes, start, end, ZERO_LSN); // pgoutput's messages tell their positions themselves
      this.#note(bytes[start]);
    };
    const onReached = (reached: Lsn): void => {
      onRound();
      handler.onKeepalive(reached);
    };
    try {
      await using backlog = await Backlog.open({
        source: this.#source.endpoint,
        setup,
        pluginOptions,
        settings: passingValues(this.#encoding),
        signal,
        durable,
        onMessage,
        onRound: onReached,
      });
      begun();
      this.#take(backlog);
      onBacklog(true);
      const reading = backlog.read();
      reading.catch(() => undefined); // of no interest once this is closed
      const end = await Promise.race([reading, this.#closed.promise]);
      if (end === "far") {
        this.#notBefore = performance.now() + this.#notPayingMs;
        this.#notPayingMs *= 2; // what a walsender decodes anew each time must not be most of what it does
      } else this.#notPayingMs = NOT_PAYING_MS;
    } catch (error) {
      // What the server refuses here, a walsender may be able to do, or says better; between two transactions, that is.
      if (this.#isInTransaction || sqlStateOf(error) === "" || (error as GodwitError).code === "connection-lost") throw error;
      this.#notBefore = performance.now() + REFUSED_MS;
    } finally {
      this.#current = undefined;
      onBacklog(false);
    }
  }

  /** Returns when the stream has fallen far behind, or was ended. */
  async #readStream(begun: () => void): Promise<void> {
    const { setup, pluginOptions, received } = this.#options;
    const handler = this.#handler;
    await using replication = await this.#connect();
    const left = Promise.withResolvers<void>();
    let hasLeft = false;
    const stream = await replication.startReplication(
      { slot: setup.slot, from: received(), options: pluginOptions },
      {
        onMessage: (bytes, start, end, walEnd) => {
          if (hasLeft) return; // it comes again
          handler.onMessage(bytes, start, end, walEnd);
          this.#note(bytes[start]);
          if (this.#wantsLeave && bytes[start] === COMMIT) this.#leave?.();
        },
        onKeepalive: (walEnd) => {
          if (!hasLeft) handler.onKeepalive(walEnd);
        },
      },
    );
    this.#leave = () => {
      hasLeft = true;
      left.resolve();
    };
    this.#stream = stream;
    this.#take(stream);
    this.report();
    begun();
    try {
      if (this.#isClosed) return;
      await Promise.race([stream.ended, left.promise]);
      if (hasLeft) await stream.stop();
    } finally {
      this.#leave = undefined;
      this.#wantsLeave = false;
      this.#stream = undefined;
      this.#current = undefined;
    }
  }

  #take(current: Pick<ChangeStream, "pause" | "resume">): void {
    this.#current = current;
    if (this.#isPaused) current.pause();
  }

  /** Where a transaction begins and ends; of no other plugin but pgoutput, which is all that is read in rounds. */
  #note(tag: number | undefined): void {
    if (tag === BEGIN) this.#isInTransaction = true;
    else if (tag === COMMIT) this.#isInTransaction = false;
  }
}
