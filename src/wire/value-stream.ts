import { fromServer, type ServerError } from "../errors/from-server.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import { borrowSocket } from "./borrow-socket.ts";
import { stopSession } from "./cancel.ts";
import { describeEndpoint } from "./endpoint.ts";
import { parseErrorResponse } from "./error-response.ts";
import { FrameReader } from "./frame-reader.ts";
import { Outgoing } from "./outgoing.ts";
import { readChunks } from "./pooled-reads.ts";
import type { Session } from "./session.ts";

/** Message tags (https://www.postgresql.org/docs/current/protocol-message-formats.html). */
const PARSE = 0x50; // 'P'
const BIND = 0x42; // 'B'
const EXECUTE = 0x45; // 'E'
const SYNC = 0x53; // 'S'
const DATA_ROW = 0x44; // 'D'
const ERROR_RESPONSE = 0x45; // 'E'
const READY_FOR_QUERY = 0x5a; // 'Z'
/** A DataRow of one column: the number of columns, and the length of the value. */
const VALUE_AT = 6;

/** One execution that was asked for; both promises reject with a coded error (`query-failed`, `connection-lost`, or what the SQLSTATE says). */
export interface Execution {
  /** Resolves with its first row, or with its end: the server is done with what comes before its rows. */
  readonly begun: Promise<void>;
  /** Resolves behind its last row. */
  readonly done: Promise<void>;
}

interface Running {
  readonly begun: PromiseWithResolvers<void>;
  readonly done: PromiseWithResolvers<void>;
  hasBegun: boolean;
  error: ServerError | undefined;
}

/**
 * Runs one statement of one column again and again, and hands on the bytes of every value as they come (binary format): millions of them, without an object for
 * each row. Several executions may be asked for at a time; the server does them one after the other. The session belongs to it for good, and is closed with it.
 */
export class ValueStream implements AsyncDisposable {
  readonly #session: Session;
  readonly #out: Outgoing;
  readonly #onValue: (value: Buffer) => void;
  readonly #parameters: number;
  readonly #frames = new FrameReader((tag, bytes, start, end) => this.#onFrame(tag, bytes, start, end));
  /** Oldest first. */
  readonly #running: Running[] = [];
  readonly #reading: Disposable;
  #isOver = false;

  /** `onValue` gets each value synchronously, in a buffer that is filled again; what it throws ends the stream with that error. */
  constructor(session: Session, sql: string, parameterTypes: readonly number[], onValue: (value: Buffer) => void) {
    this.#session = session;
    this.#onValue = onValue;
    this.#parameters = parameterTypes.length;
    const { socket } = borrowSocket(session); // never given back
    this.#reading = readChunks(socket, (chunk, release) => {
      this.#onChunk(chunk);
      release();
    });
    socket.on("close", this.#onClose);
    const out = new Outgoing(socket);
    this.#out = out;
    out.begin(PARSE);
    out.cstring(NAME);
    out.cstring(sql);
    out.int16(parameterTypes.length);
    for (const oid of parameterTypes) out.int32(oid);
    out.end();
    socket.resume();
  }

  /** Executes it with these values, as text. */
  run(values: readonly string[]): Execution {
    const out = this.#out;
    out.begin(BIND);
    out.byte(0);
    out.cstring(NAME);
    out.int16(0); // all parameters as text
    out.int16(this.#parameters);
    for (const value of values) {
      const length = out.beginLength();
      out.text(value);
      out.endLength(length);
    }
    out.int16(1);
    out.int16(1); // the result in binary
    out.end();
    out.begin(EXECUTE);
    out.byte(0);
    out.int32(0);
    out.end();
    out.begin(SYNC);
    out.end();
    const running: Running = { begun: Promise.withResolvers<void>(), done: Promise.withResolvers<void>(), hasBegun: false, error: undefined };
    for (const { promise } of [running.begun, running.done]) promise.catch(() => undefined); // whoever waits for them hears of it
    if (this.#isOver) reject(running, this.#lost());
    else this.#running.push(running);
    out.flush();
    return { begun: running.begun.promise, done: running.done.promise };
  }

  /** Stops reading; what was read already still comes. */
  pause(): void {
    if (!this.#isOver) this.#session.socket.pause();
  }

  resume(): void {
    if (!this.#isOver) this.#session.socket.resume();
  }

  /** Ends what the server is doing, and the connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    const isBusy = this.#running.length > 0;
    this.#end(new GodwitError("interrupted", "the reading was ended"));
    if (isBusy) stopSession(this.#session);
    this.#session.socket.resume();
    await this.#session.close();
  }

  #onChunk(chunk: Buffer): void {
    if (this.#isOver) return;
    try {
      this.#frames.read(chunk);
    } catch (error) {
      this.#end(error);
      this.#session.socket.destroy();
    }
  }

  #onFrame(tag: number, bytes: Buffer, start: number, end: number): void {
    if (this.#isOver) return;
    const running = this.#running[0];
    if (running === undefined) return;
    if (tag === DATA_ROW) {
      if (!running.hasBegun) begin(running);
      this.#onValue(bytes.subarray(start + VALUE_AT, end));
    } else if (tag === ERROR_RESPONSE) running.error ??= parseErrorResponse(bytes.subarray(start, end));
    else if (tag === READY_FOR_QUERY) {
      this.#running.shift();
      if (this.#running.length === 0) this.#out.reuse(); // everything was answered
      if (running.error !== undefined) return reject(running, this.#coded(running.error));
      begin(running);
      running.done.resolve();
    }
  }

  readonly #onClose = (): void => this.#end(this.#lost());

  #end(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#reading[Symbol.dispose]();
    this.#session.socket.off("close", this.#onClose);
    for (const running of this.#running.splice(0)) reject(running, error);
  }

  /** The last error that no ReadyForQuery followed is why the server ended the connection. */
  #lost(): Error {
    return this.#coded(this.#running[0]?.error ?? this.#session.loss ?? new Error("the server closed the connection"));
  }

  #coded(error: unknown): GodwitError {
    const otherwise = this.#session.socket.destroyed ? "connection-lost" : "query-failed";
    return fromServer(error, { server: describeEndpoint(this.#session.endpoint), doing: "reading", otherwise });
  }
}

const NAME = "values";

function begin(running: Running): void {
  running.hasBegun = true;
  running.begun.resolve();
}

function reject(running: Running, error: unknown): void {
  running.begun.reject(error);
  running.done.reject(error);
}
