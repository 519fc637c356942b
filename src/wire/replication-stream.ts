import type { Socket } from "node:net";
import { GodwitError } from "../errors/godwit-error.ts";
import { parseErrorResponse } from "./error-response.ts";
import { FrameReader } from "./frame-reader.ts";
import { type Lsn, ZERO_LSN, lsnAt } from "./lsn.ts";
import { readChunks } from "./pooled-reads.ts";

/** Takes what a walsender sends, synchronously: it lies in a read buffer that is filled again. What it throws ends the stream with that error. */
export interface StreamHandler {
  /**
   * One message of the output plugin, which lies from `start` to `end`. `walEnd`: the position it belongs to; of a commit, where its record ends; zero for one that others of the same
   * change follow, as a relation's.
   */
  onMessage(bytes: Buffer, start: number, end: number, walEnd: Lsn): void;
  /** The server has sent everything before this position. */
  onKeepalive(walEnd: Lsn): void;
}

/** Changes on their way. */
export interface ChangeStream {
  /** Resolves when the server has agreed to stream. */
  readonly started: Promise<void>;
  /** Resolves behind `stop` or the connection's `close`; rejects when the stream broke, with a coded error, the signal's reason or what the handler threw. */
  readonly ended: Promise<void>;
  /** Stops reading; what was read already (256 kB at most) still comes. The server is told of us as before, and waits. */
  pause(): void;
  resume(): void;
  /** Sets up to where the slot is told that changes are safe with us; the server forgets what lies before. Never goes back. Sent within 100 ms. */
  report(flushed: Lsn): void;
  /** Tells the server the last position and ends the stream in good order; nothing is handed on any more. Never throws. */
  stop(): Promise<void>;
  /** Ends the stream at once; the server notices. */
  destroy(): void;
}

export interface StreamSetup {
  /** Of an idle connection; nobody else reads it. */
  readonly socket: Socket;
  readonly command: string;
  readonly handler: StreamHandler;
  readonly signal: AbortSignal | undefined;
  readonly statusEveryMs: number;
  readonly silenceMs: number;
  /** An error of the server or the socket with a code; before or after the server agreed to stream. */
  readonly coded: (error: unknown, isStarted: boolean) => GodwitError;
}

/** Message tags (https://www.postgresql.org/docs/current/protocol-message-formats.html). */
const COPY_DATA = 0x64; // 'd'
const COPY_BOTH_RESPONSE = 0x57; // 'W'
const COPY_DONE = 0x63; // 'c'
const COMMAND_COMPLETE = 0x43; // 'C'
const ERROR_RESPONSE = 0x45; // 'E'
const READY_FOR_QUERY = 0x5a; // 'Z'
/** Within CopyData (https://www.postgresql.org/docs/current/protocol-replication.html). */
const XLOG_DATA = 0x77; // 'w'
const XLOG_HEADER_BYTES = 25;
const KEEPALIVE = 0x6b; // 'k'
const KEEPALIVE_BYTES = 18;

/** How soon a position that was reported is sent: a server is told ten times a second at most. */
const REPORT_WITHIN_MS = 100;
/**
 * How long nothing is read after a read. A walsender sends every change by itself, and wakes whoever waits for it each time; who leaves it alone for a moment finds
 * hundreds of changes in one read, and spares both sides most of their work; see docs/decisions/following-changes.md.
 */
const REST_MS = 2;
/** How long `stop` waits: a server in the middle of a long transaction sends all of it first. */
const STOP_WITHIN_MS = 2000;

/** Sends the command and reads the stream; see ChangeStream. */
export function openChangeStream(setup: StreamSetup): ChangeStream {
  return new OpenStream(setup);
}

class OpenStream implements ChangeStream {
  readonly started: Promise<void>;
  readonly ended: Promise<void>;
  readonly #setup: StreamSetup;
  readonly #socket: Socket;
  readonly #handler: StreamHandler;
  readonly #frames = new FrameReader((tag, bytes, start, end) => this.#onFrame(tag, bytes, start, end));
  readonly #reading: Disposable;
  readonly #watch: NodeJS.Timeout;
  readonly #watchEveryMs: number;
  #sayStarted: () => void = () => undefined;
  #settle: (error?: unknown) => void = () => undefined;
  #report: NodeJS.Timeout | undefined;
  #isStarted = false;
  /** What came with the server's consent, as long as it waits; see #begin. */
  #early: [tag: number, body: Buffer][] | undefined;
  #isStopping = false;
  #isOver = false;
  #isPaused = false;
  #isResting = false;
  #received = ZERO_LSN;
  #flushed = ZERO_LSN;
  /** Since when: milliseconds that this process was awake. */
  #silentMs = 0;
  #untoldMs = 0;
  #watchedAt = performance.now();

  constructor(setup: StreamSetup) {
    this.#setup = setup;
    this.#socket = setup.socket;
    this.#handler = setup.handler;
    this.ended = new Promise((resolve, reject) => (this.#settle = (error) => (error === undefined ? resolve() : reject(error))));
    this.started = Promise.race([new Promise<void>((resolve) => (this.#sayStarted = resolve)), this.ended]);
    for (const promise of [this.ended, this.started]) promise.catch(() => undefined); // whoever waits for them hears of it
    this.#reading = readChunks(this.#socket, (chunk, release) => {
      this.#onChunk(chunk);
      release();
      this.#rest();
    });
    this.#socket.on("error", this.#onError).on("close", this.#onClose);
    setup.signal?.addEventListener("abort", this.#onAbort, { once: true });
    this.#watchEveryMs = Math.min(setup.statusEveryMs, setup.silenceMs / 4) / 2;
    this.#watch = setInterval(() => this.#onWatch(), this.#watchEveryMs);
    const text = Buffer.from(`${setup.command}\0`);
    this.#socket.write(frame("Q", text));
  }

  pause(): void {
    if (this.#isOver || this.#isStopping) return;
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#silentMs = 0;
    if (!this.#isOver) this.#socket.resume();
  }

  report(flushed: Lsn): void {
    if (flushed <= this.#flushed || this.#isOver) return;
    this.#flushed = flushed;
    this.#report ??= setTimeout(() => this.#tell(false), REPORT_WITHIN_MS);
  }

  async stop(): Promise<void> {
    if (!this.#isOver && !this.#isStopping) {
      this.resume();
      this.#isStopping = true;
      this.#tell(false);
      this.#socket.write(frame("c", Buffer.alloc(0)));
      const impatience = setTimeout(() => this.destroy(), STOP_WITHIN_MS);
      await this.ended.catch(() => undefined);
      clearTimeout(impatience);
    }
    await this.ended.catch(() => undefined);
  }

  destroy(): void {
    this.#end();
  }

  /** Without an error it is the end that was asked for. */
  #end(error?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#watch);
    clearTimeout(this.#report);
    this.#reading[Symbol.dispose]();
    this.#socket.off("error", this.#onError).off("close", this.#onClose);
    this.#setup.signal?.removeEventListener("abort", this.#onAbort);
    this.#socket.destroy();
    this.#settle(error);
  }

  #fail(error: unknown): void {
    this.#end(this.#isStopping ? undefined : this.#setup.coded(error, this.#isStarted));
  }

  #lose(why: string): void {
    this.#socket.destroy(); // which tells a lost connection from a refusal of the server
    this.#fail({ code: "", message: why });
  }

  readonly #onError = (error: Error): void => this.#fail(error);
  readonly #onClose = (): void => this.#lose("the server closed the connection");
  readonly #onAbort = (): void => this.#end(this.#setup.signal?.reason ?? new GodwitError("interrupted", "the stream was ended"));

  #onChunk(chunk: Buffer): void {
    if (this.#isOver) return;
    this.#silentMs = 0;
    try {
      this.#frames.read(chunk);
    } catch (error) {
      this.#end(error);
    }
  }

  /** Behind all that this turn of the event loop reads: over TLS each change comes by itself here, too. */
  #rest(): void {
    if (this.#isResting) return;
    this.#isResting = true;
    setImmediate(() => {
      if (this.#isOver) return;
      this.#socket.pause();
      setTimeout(() => {
        this.#isResting = false;
        if (!this.#isPaused && !this.#isOver) this.#socket.resume();
      }, REST_MS);
    });
  }

  #onFrame(tag: number, bytes: Buffer, start: number, end: number): void {
    if (this.#isOver) return;
    if (this.#early !== undefined) this.#early.push([tag, Buffer.from(bytes.subarray(start, end))]);
    else if (tag === COPY_DATA) this.#onCopyData(bytes, start, end);
    else if (tag === ERROR_RESPONSE) this.#fail(parseErrorResponse(bytes.subarray(start, end)));
    else if (tag === COPY_BOTH_RESPONSE) this.#begin();
    else if (tag === READY_FOR_QUERY) {
      // Before the start it is that of a command which failed: node-postgres rejects it at the error.
      if (this.#isStarted) this.#lose("the server ended the stream");
    }
    // What a walsender says when its server shuts down: everything was sent, and the connection ends.
    else if ((tag === COMMAND_COMPLETE || tag === COPY_DONE) && !this.#isStopping) this.#lose("the server ended the stream: it shuts down");
  }

  /** The first changes mostly come in the same buffer as the server's consent: whoever takes them has this stream in hand first. */
  #begin(): void {
    this.#isStarted = true;
    this.#sayStarted();
    const early: [tag: number, body: Buffer][] = [];
    this.#early = early;
    this.#socket.pause();
    setImmediate(() => {
      this.#early = undefined;
      try {
        for (const [tag, body] of early) this.#onFrame(tag, body, 0, body.length);
      } catch (error) {
        this.#end(error);
      }
      if (!this.#isPaused && !this.#isOver) this.#socket.resume();
    });
  }

  #onCopyData(bytes: Buffer, start: number, end: number): void {
    const kind = bytes[start];
    if (kind === XLOG_DATA && end - start >= XLOG_HEADER_BYTES) {
      if (this.#isStopping) return;
      const walEnd = lsnAt(bytes, start + 1);
      if (walEnd > this.#received) this.#received = walEnd;
      this.#handler.onMessage(bytes, start + XLOG_HEADER_BYTES, end, walEnd);
    } else if (kind === KEEPALIVE && end - start >= KEEPALIVE_BYTES) {
      if (this.#isStopping) return;
      const walEnd = lsnAt(bytes, start + 1);
      if (walEnd > this.#received) this.#received = walEnd;
      this.#handler.onKeepalive(walEnd);
      if (bytes[start + 17] === 1) this.#tell(false);
    } else throw new GodwitError("protocol", `a walsender sent a message of the unknown kind ${kind} and ${end - start} bytes`);
  }

  #onWatch(): void {
    const now = performance.now();
    // A process that was stopped for a while, or busy, has missed nothing: what came meanwhile is read after this.
    const awakeMs = Math.min(now - this.#watchedAt, 2 * this.#watchEveryMs);
    this.#watchedAt = now;
    const { silenceMs, statusEveryMs } = this.#setup;
    const wasSilentMs = this.#silentMs;
    this.#silentMs = this.#isPaused ? 0 : this.#silentMs + awakeMs;
    this.#untoldMs += awakeMs;
    if (this.#silentMs >= silenceMs) return this.#lose(`nothing was heard of the server for ${Math.round(silenceMs / 1000)} s`);
    const asks = wasSilentMs < silenceMs / 2 && this.#silentMs >= silenceMs / 2;
    if (asks || this.#untoldMs + this.#watchEveryMs > statusEveryMs) this.#tell(asks);
  }

  /** Standby status update: written, flushed, applied, our clock, whether an answer is wanted. A flushed position of 0 tells nothing. */
  #tell(asks: boolean): void {
    clearTimeout(this.#report);
    this.#report = undefined;
    this.#untoldMs = 0;
    if (this.#isOver || !this.#isStarted) return;
    const update = Buffer.alloc(34);
    update.write("r", 0, "latin1");
    update.writeBigUInt64BE(this.#received > this.#flushed ? this.#received : this.#flushed, 1);
    update.writeBigUInt64BE(this.#flushed, 9);
    update.writeBigUInt64BE(this.#flushed, 17);
    update.writeBigInt64BE(BigInt(Date.now() - EPOCH_MS) * 1000n, 25);
    update[33] = asks ? 1 : 0;
    this.#socket.write(frame("d", update));
  }
}

const EPOCH_MS = Date.UTC(2000, 0, 1);

function frame(tag: string, body: Buffer): Buffer {
  const message = Buffer.alloc(5 + body.length);
  message.write(tag, 0, "latin1");
  message.writeInt32BE(4 + body.length, 1);
  body.copy(message, 5);
  return message;
}
