import type { Socket } from "node:net";
import { fromServer } from "../errors/from-server.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import { STOP_WITHIN_MS, requestCancel } from "./cancel.ts";
import { describeEndpoint } from "./endpoint.ts";
import { borrowSocket } from "./borrow-socket.ts";
import { parseErrorResponse } from "./error-response.ts";
import { MessageScanner } from "./message-scanner.ts";
import { type ChunkConsumer, readChunks } from "./pooled-reads.ts";
import type { Session } from "./session.ts";

/** Message tags (https://www.postgresql.org/docs/current/protocol-message-formats.html). */
const COPY_DONE = 0x63; // 'c'
const ERROR_RESPONSE = 0x45; // 'E'
const READY_FOR_QUERY = 0x5a; // 'Z'
const COMMAND_COMPLETE = 0x43; // 'C'

const LEAST_REST_MS = 20;

/** The work of one relay: as many COPY pairs as the two texts hold, in the same order on both sides. */
export interface RelayJob {
  /** Statements for the source; each `copy … to stdout` feeds the next `copy … from stdin` of the target. */
  readonly sourceSql: string;
  /** Statements for the target, sent at once: begin, copy from stdin, ledger, commit … in one message. */
  readonly targetSql: string;
  /** For messages: what each COPY copies, in order. */
  readonly objects: readonly string[];
}

/** Counters that grow while a relay runs; a reporter reads them when it likes. */
export interface RelayCounters {
  bytes: number;
  rows: number;
  /** Told how many bytes came, says for how many milliseconds the source is not read then. */
  readonly pace?: (bytes: number) => number;
}

/** Rows of each COPY, in order, as each server counted them in its CommandComplete. */
export interface RelayResult {
  readonly readRows: readonly number[];
  readonly copiedRows: readonly number[];
}

/**
 * Moves COPY data from one server to the other: CopyData messages are passed on as the bytes they are, whole socket
 * buffers at a time; only the five bytes of each message header are looked at. Neither side's answers are waited for
 * in between, so a hundred small tables cost one round trip.
 *
 * That data may be sent before CopyInResponse is what makes this work: a backend reads its socket strictly in order,
 * and after a failed COPY it drops CopyData and CopyDone messages until the next query
 * (https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY).
 *
 * Both sessions must be idle. After success both are idle again and the target's transaction is committed (its text
 * said so). After an error both are still usable where the connections live (one that does not answer within a second is destroyed); the target may
 * be in a failed transaction: send ROLLBACK. Errors: `connection-lost`, and whatever the first failing side's SQLSTATE says, else `copy-failed`.
 */
export async function relayCopy(source: Session, target: Session, job: RelayJob, counters: RelayCounters, signal: AbortSignal): Promise<RelayResult> {
  signal.throwIfAborted();
  for (const session of [source, target]) if (session.loss !== undefined) throw session.loss;
  using from = borrowSocket(source);
  using into = borrowSocket(target);
  return await new Promise<RelayResult>((resolve, reject) => {
    const relay = new Relay(from.socket, into.socket, source, target, job, counters);
    const onAbort = (): void => relay.fail(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    void relay
      .run()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener("abort", onAbort));
  });
}

class Relay {
  readonly #from: Socket;
  readonly #into: Socket;
  readonly #source: Session;
  readonly #target: Session;
  readonly #job: RelayJob;
  readonly #counters: RelayCounters;
  readonly #sourceMessages = new MessageScanner((tag, body) => this.#onSourceMessage(tag, body));
  readonly #readRows: number[] = [];
  readonly #copiedRows: number[] = [];
  /** Cancel requests under way: a late one would hit the session's next query, so they are waited for. */
  readonly #cancels: Promise<void>[] = [];
  #failure: unknown;
  #sourceReady = false;
  #targetReady = false;
  #finish: (() => void) | undefined;
  #impatience: NodeJS.Timeout | undefined;
  /** While the source is not read, to keep a rate. */
  #resting: NodeJS.Timeout | undefined;
  /** Milliseconds of rest that are owed: timers are too coarse for one buffer's worth. */
  #owed = 0;

  constructor(from: Socket, into: Socket, source: Session, target: Session, job: RelayJob, counters: RelayCounters) {
    this.#from = from;
    this.#into = into;
    this.#source = source;
    this.#target = target;
    this.#job = job;
    this.#counters = counters;
  }

  async run(): Promise<RelayResult> {
    const sourceMessages = this.#sourceMessages;
    const targetMessages = new MessageScanner((tag, body) => this.#onTargetMessage(tag, body));
    const onSourceData: ChunkConsumer = (chunk, release) => {
      // The buffer is free again when the last part of it is written; the scan itself counts as one part.
      let parts = 1;
      const done = (): void => {
        if (--parts === 0) release();
      };
      try {
        const before = sourceMessages.copyDataMessages;
        const data = sourceMessages.scan(chunk, (part) => {
          parts++;
          this.#forward(part, done);
        });
        this.#counters.bytes += data;
        this.#counters.rows += sourceMessages.copyDataMessages - before;
        this.#slowDown(this.#counters.pace?.(data) ?? 0);
      } catch (error) {
        this.#lose(this.#source, error);
      }
      done();
    };
    const onTargetData = (chunk: Buffer): void => {
      try {
        targetMessages.scan(chunk, () => undefined);
      } catch (error) {
        this.#lose(this.#target, error);
      }
    };
    const onDrain = (): void => {
      if (this.#resting === undefined) this.#from.resume();
    };
    const lostSource = (error?: Error): void => this.#lose(this.#source, error);
    const lostTarget = (error?: Error): void => this.#lose(this.#target, error);
    const finished = new Promise<void>((resolve) => (this.#finish = resolve));
    const reading = readChunks(this.#from, onSourceData);
    this.#from.on("error", lostSource).on("close", lostSource);
    this.#into.on("data", onTargetData).on("error", lostTarget).on("close", lostTarget).on("drain", onDrain);
    this.#into.write(queryMessage(this.#job.targetSql));
    this.#from.write(queryMessage(this.#job.sourceSql));
    await finished;
    clearTimeout(this.#impatience);
    clearTimeout(this.#resting);
    reading[Symbol.dispose]();
    this.#from.off("error", lostSource).off("close", lostSource);
    this.#into.off("data", onTargetData).off("error", lostTarget).off("close", lostTarget).off("drain", onDrain);
    await Promise.all(this.#cancels);
    if (this.#failure !== undefined) throw this.#failure;
    return { readRows: this.#readRows, copiedRows: this.#copiedRows };
  }

  #slowDown(ms: number): void {
    this.#owed += ms;
    if (this.#owed < LEAST_REST_MS || this.#resting !== undefined || this.#failure !== undefined) return;
    this.#from.pause();
    this.#resting = setTimeout(() => {
      this.#resting = undefined;
      if (!this.#into.writableNeedDrain) this.#from.resume();
    }, this.#owed);
    this.#owed = 0;
  }

  /** The first failure wins; both sides are then brought back to idle (or are gone). */
  fail(reason: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = reason ?? new GodwitError("internal", "a relay failed without a reason");
    this.#from.resume();
    // A network that died without a word carries neither the request nor the answer.
    this.#impatience = setTimeout(() => this.#giveUp(), STOP_WITHIN_MS);
    if (!this.#sourceReady && !this.#from.destroyed) this.#cancels.push(requestCancel(this.#source));
    if (!this.#targetReady && !this.#into.destroyed) {
      this.#completeMessage();
      if (this.#into.destroyed) return this.#settle();
      // CopyFail ends the COPY in progress, or the next one to begin; the cancel request ends a wait for a lock before it.
      this.#into.write(copyFailMessage());
      this.#cancels.push(requestCancel(this.#target));
    }
    this.#settle();
  }

  #giveUp(): void {
    if (!this.#sourceReady) this.#from.destroy();
    if (!this.#targetReady) this.#into.destroy();
    this.#settle();
  }

  /** The last bytes passed on may end inside a row's message; the server reads nothing else before it is whole. Its content no longer matters. */
  #completeMessage(): void {
    const missing = this.#sourceMessages.missingDataBytes;
    if (missing > MAX_PADDING_BYTES) this.#into.destroy();
    else if (missing > 0) this.#into.write(Buffer.alloc(missing));
  }

  #forward(part: Buffer, written?: () => void): void {
    if (this.#failure !== undefined) return;
    if (!this.#into.write(part, written)) this.#from.pause();
  }

  #onSourceMessage(tag: number, body: Buffer): void {
    if (tag === COPY_DONE) this.#forward(COPY_DONE_MESSAGE);
    else if (tag === COMMAND_COMPLETE) pushCopyCount(this.#readRows, body);
    else if (tag === ERROR_RESPONSE) this.fail(this.#coded(this.#source, "reading", body));
    else if (tag === READY_FOR_QUERY) {
      this.#sourceReady = true;
      this.#settle();
    }
  }

  #onTargetMessage(tag: number, body: Buffer): void {
    if (tag === COMMAND_COMPLETE) pushCopyCount(this.#copiedRows, body);
    else if (tag === ERROR_RESPONSE) this.fail(this.#coded(this.#target, "writing", body));
    else if (tag === READY_FOR_QUERY) {
      this.#targetReady = true;
      this.#settle();
    }
  }

  /** The table that a side works on: COPY commands are answered one by one, in order. */
  #object(session: Session): string {
    const answered = session === this.#source ? this.#readRows : this.#copiedRows;
    return this.#job.objects[answered.length] ?? this.#job.objects.at(-1) ?? "";
  }

  #coded(session: Session, doing: string, body: Buffer): GodwitError {
    return fromServer(parseErrorResponse(body), {
      server: describeEndpoint(session.endpoint),
      doing: `${doing} ${this.#object(session)}`,
      object: this.#object(session),
      otherwise: "copy-failed",
    });
  }

  #lose(session: Session, cause: unknown): void {
    const socket = session === this.#source ? this.#from : this.#into;
    socket.destroy();
    if (cause instanceof GodwitError) this.fail(cause);
    else
      this.fail(
        new GodwitError("connection-lost", `${describeEndpoint(session.endpoint)}: the connection broke while copying ${this.#object(session)}`, {
          object: this.#object(session),
          cause,
        }),
      );
    this.#settle();
  }

  #settle(): void {
    if ((this.#sourceReady || this.#from.destroyed) && (this.#targetReady || this.#into.destroyed)) this.#finish?.();
  }
}

/** To end a COPY inside a larger row than this, the connection is given up instead. */
const MAX_PADDING_BYTES = 16 * 1024 * 1024;

const COPY_DONE_MESSAGE = Buffer.from([COPY_DONE, 0, 0, 0, 4]);

function pushCopyCount(counts: number[], body: Buffer): void {
  const copied = /^COPY (\d+)/.exec(body.toString("latin1"));
  if (copied !== null) counts.push(Number(copied[1]));
}

function queryMessage(sql: string): Buffer {
  const length = Buffer.byteLength(sql) + 1;
  const message = Buffer.alloc(5 + length);
  message.write("Q", 0, "latin1");
  message.writeInt32BE(4 + length, 1);
  message.write(sql, 5, "utf8");
  return message;
}

function copyFailMessage(): Buffer {
  const why = "godwit: the source failed or the work was cancelled\0";
  const message = Buffer.alloc(5 + why.length);
  message.write("f", 0, "latin1");
  message.writeInt32BE(4 + why.length, 1);
  message.write(why, 5, "latin1");
  return message;
}
