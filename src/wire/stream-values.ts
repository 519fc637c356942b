import { fromServer, type ServerError } from "../errors/from-server.ts";
import { borrowSocket } from "./borrow-socket.ts";
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

/** Where a value lies: until it returns. */
export type ValueReceiver = (bytes: Buffer, start: number, end: number) => void;

/** One column on its way. The promises reject with a coded error: `query-failed`, `connection-lost`, or what the SQLSTATE says; or with what the consumer threw. */
export interface ValueStream {
  /** Resolves when the server begins to answer: the statement has done then what it does before its first row. */
  readonly begun: Promise<void>;
  /** Resolves behind the last row; the session is idle again. */
  readonly done: Promise<void>;
  /** Until this is called nothing is handed on, and little is read: the rows wait at the server. */
  release(): void;
  pause(): void;
  resume(): void;
}

/**
 * Runs a statement of one column, with text parameters, and hands on where the bytes of each value (binary format) lie as they come: millions of them, without an object for each row. `onValue`
 * is called synchronously, with a buffer that is filled again. The session must be idle, and is nobody else's until `done`.
 */
export function streamValues(session: Session, sql: string, parameters: readonly string[], onValue: ValueReceiver): ValueStream {
  return new OpenValues(session, sql, parameters, onValue);
}

class OpenValues implements ValueStream {
  readonly begun: Promise<void>;
  readonly done: Promise<void>;
  readonly #session: Session;
  readonly #onValue: ValueReceiver;
  readonly #frames = new FrameReader((tag, bytes, start, end) => this.#onFrame(tag, bytes, start, end));
  readonly #begun = Promise.withResolvers<void>();
  readonly #done = Promise.withResolvers<void>();
  readonly #borrowed: ReturnType<typeof borrowSocket>;
  readonly #reading: Disposable;
  /** What came before it was asked for; undefined once it was. */
  #held: Buffer[] | undefined = [];
  #isPaused = false;
  #isOver = false;
  #error: ServerError | undefined;

  constructor(session: Session, sql: string, parameters: readonly string[], onValue: ValueReceiver) {
    this.#session = session;
    this.#onValue = onValue;
    this.begun = this.#begun.promise;
    this.done = this.#done.promise;
    for (const promise of [this.begun, this.done]) promise.catch(() => undefined); // whoever waits for them hears of it
    this.#borrowed = borrowSocket(session);
    const { socket } = this.#borrowed;
    this.#reading = readChunks(socket, (chunk, release) => {
      this.#onChunk(chunk);
      release();
    });
    socket.on("close", this.#onClose);
    socket.resume();
    send(new Outgoing(socket), sql, parameters);
    if (socket.destroyed) this.#onClose();
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const chunk of held) if (!this.#isOver) this.#read(chunk); // nothing behind what the consumer did not take
    if (!this.#isPaused && !this.#isOver) this.#session.socket.resume();
  }

  pause(): void {
    if (this.#isOver) return;
    this.#isPaused = true;
    this.#session.socket.pause();
  }

  resume(): void {
    if (this.#isOver) return;
    this.#isPaused = false;
    if (this.#held === undefined || this.#held.length === 0) this.#session.socket.resume();
  }

  #onChunk(chunk: Buffer): void {
    if (this.#isOver) return;
    this.#begun.resolve();
    if (this.#held === undefined) return this.#read(chunk);
    this.#held.push(Buffer.from(chunk));
    this.#session.socket.pause();
  }

  #read(chunk: Buffer): void {
    try {
      this.#frames.read(chunk);
    } catch (error) {
      this.#end(error);
      this.#session.socket.destroy();
    }
  }

  #onFrame(tag: number, bytes: Buffer, start: number, end: number): void {
    if (tag === DATA_ROW) this.#onValue(bytes, start + VALUE_AT, end);
    else if (tag === ERROR_RESPONSE) this.#error ??= parseErrorResponse(bytes.subarray(start, end));
    else if (tag === READY_FOR_QUERY) this.#end(this.#error === undefined ? undefined : this.#coded(this.#error));
  }

  /** The last error that no ReadyForQuery followed is why the server ended the connection. */
  readonly #onClose = (): void => this.#end(this.#coded(this.#error ?? this.#session.loss ?? new Error("the server closed the connection")));

  #end(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#reading[Symbol.dispose]();
    this.#session.socket.off("close", this.#onClose);
    this.#borrowed[Symbol.dispose]();
    if (error === undefined) {
      this.#begun.resolve();
      this.#done.resolve();
    } else {
      this.#begun.reject(error);
      this.#done.reject(error);
    }
  }

  #coded(error: unknown): Error {
    const otherwise = this.#session.socket.destroyed ? "connection-lost" : "query-failed";
    return fromServer(error, { server: describeEndpoint(this.#session.endpoint), doing: "reading", otherwise });
  }
}

function send(out: Outgoing, sql: string, parameters: readonly string[]): void {
  out.begin(PARSE);
  out.cstring("");
  out.cstring(sql);
  out.int16(0); // the server finds the types
  out.end();
  out.begin(BIND);
  out.cstring("");
  out.cstring("");
  out.int16(0); // all parameters as text
  out.int16(parameters.length);
  for (const parameter of parameters) {
    const length = out.beginLength();
    out.text(parameter);
    out.endLength(length);
  }
  out.int16(1);
  out.int16(1); // the result in binary
  out.end();
  out.begin(EXECUTE);
  out.cstring("");
  out.int32(0);
  out.end();
  out.begin(SYNC);
  out.end();
  out.flush();
}
