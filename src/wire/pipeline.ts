import { type ServerError, fromServer } from "../errors/from-server.ts";
import type { ErrorCode } from "../errors/registry.ts";
import { borrowSocket } from "./borrow-socket.ts";
import { describeEndpoint } from "./endpoint.ts";
import { parseErrorResponse } from "./error-response.ts";
import { MessageScanner } from "./message-scanner.ts";
import { Outgoing } from "./outgoing.ts";
import type { Session } from "./session.ts";

/** Message tags (https://www.postgresql.org/docs/current/protocol-message-formats.html). */
const PARSE = 0x50; // 'P'
const BIND = 0x42; // 'B'
const EXECUTE = 0x45; // 'E'
const CLOSE = 0x43; // 'C'
const SYNC = 0x53; // 'S'
const COPY_DATA = 0x64; // 'd'
const COPY_DONE = 0x63; // 'c'
const PARSE_COMPLETE = 0x31; // '1'
const COMMAND_COMPLETE = 0x43; // 'C'
const EMPTY_QUERY = 0x49; // 'I'
const ERROR_RESPONSE = 0x45; // 'E'
const READY_FOR_QUERY = 0x5a; // 'Z'

/** A CopyData message is ended at this size; rows may be cut between messages. */
const COPY_DATA_BYTES = 64 * 1024;
/** Statements that one keeps prepared; the one that was used longest ago makes room. */
const MOST_PREPARED = 500;

/** A statement with numbered parameters. It is prepared once per connection, and known by its object: keep it. */
export interface Statement {
  readonly sql: string;
  /** The type's oid of each parameter. */
  readonly parameterTypes: readonly number[];
}

/** A statement without parameters. */
export function plain(sql: string): Statement {
  return { sql, parameterTypes: [] };
}

/** What a flight came to. */
export interface FlightResult {
  /** For each statement that ended well, in order: the rows it says it affected; 0 for statements that count none, -1 for one that rolled back. */
  readonly counts: readonly number[];
  /** The error of statement number `counts.length`; the server has skipped all behind it. */
  readonly error: ServerError | undefined;
}

/**
 * Sends many statements in one flight, by the extended protocol: Parse (once) Bind Execute for each, COPY FROM STDIN with its data among them, one Sync at
 * the end, so that there is one ReadyForQuery, and one round trip
 * (https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING). The server begins with the first statements while the last are
 * still being written. It belongs to a session that is idle between flights: `session.query` works then. A flight is written without waiting for anything
 * between its first statement and `land`, but for one that is held back.
 *
 * Data of a COPY is sent without waiting for CopyInResponse: a backend reads its socket in order, and after an error drops what belongs to the COPY, and
 * everything else, up to Sync (https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY).
 */
export class Pipeline {
  readonly session: Session;
  /** Where parameters and rows are written, between `bind` and `execute`, `beginCopy` and `endCopy`. */
  readonly out: Outgoing;
  readonly #names = new Map<Statement, string>();
  /** Parsed in this flight, in order: only those that the server confirmed are there for the next one. */
  #parsed: Statement[] = [];
  #named = 0;
  readonly #prefix: string;

  /** `prefix`: of the names of its prepared statements, where a session has several. */
  constructor(session: Session, prefix = "g") {
    this.session = session;
    this.out = new Outgoing(session.socket);
    this.#prefix = prefix;
  }

  /** Begins a flight that is held back until `land`: another one of the session may be under way meanwhile. */
  hold(): void {
    this.out.hold();
  }

  /** Forgets a flight that was held back. */
  discard(): void {
    for (const statement of this.#parsed) this.#names.delete(statement);
    this.#parsed = [];
    this.out.reuse();
  }

  /** Runs a statement without parameters. */
  run(statement: Statement): void {
    this.bind(statement);
    this.execute();
  }

  /** Begins one execution: then each parameter is written, by `parameter` or as a length and bytes to `out`; `execute` ends it. All of them are text, or `isBinary`. */
  bind(statement: Statement, isBinary = false): void {
    const name = this.#prepare(statement);
    const { out } = this;
    out.begin(BIND);
    out.byte(0); // the unnamed portal
    out.cstring(name);
    out.int16(1); // one format, for all parameters
    out.int16(isBinary ? 1 : 0);
    out.int16(statement.parameterTypes.length);
  }

  /** A parameter's value from bytes; of -1 the end makes NULL. */
  parameter(from: Buffer, start: number, end: number): void {
    const { out } = this;
    if (end < 0) return out.int32(-1);
    out.int32(end - start);
    out.copy(from, start, end);
  }

  textParameter(value: string | null): void {
    const { out } = this;
    if (value === null) return out.int32(-1);
    const length = out.beginLength();
    out.text(value);
    out.endLength(length);
  }

  execute(): void {
    const { out } = this;
    out.int16(0); // results as text
    out.end();
    out.begin(EXECUTE);
    out.byte(0);
    out.int32(0);
    out.end();
  }

  /** Begins `copy … from stdin`; rows are then written to `out`, each followed by `endCopyRow`. */
  beginCopy(statement: Statement): void {
    this.run(statement);
    this.out.begin(COPY_DATA);
  }

  endCopyRow(): void {
    if (this.out.messageBytes < COPY_DATA_BYTES) return;
    this.out.end();
    this.out.begin(COPY_DATA);
  }

  endCopy(): void {
    const { out } = this;
    out.end();
    out.begin(COPY_DONE);
    out.end();
  }

  /**
   * Ends the flight, and waits for its answers. A statement that failed is no throw: `error` says so. Throws `connection-lost` (or what the server gave as
   * the reason) when the connection broke; what was done is then unknown.
   */
  async land(): Promise<FlightResult> {
    const { out, session } = this;
    out.begin(SYNC);
    out.end();
    if (session.loss !== undefined) throw session.loss;
    using borrowed = borrowSocket(session);
    const { socket } = borrowed;
    const counts: number[] = [];
    let error: ServerError | undefined;
    let parsed = 0;
    const landed = Promise.withResolvers<void>();
    const scanner = new MessageScanner((tag, body) => {
      if (tag === COMMAND_COMPLETE) counts.push(affectedRows(body));
      else if (tag === EMPTY_QUERY) counts.push(0);
      else if (tag === PARSE_COMPLETE) parsed++;
      else if (tag === ERROR_RESPONSE) error ??= parseErrorResponse(body);
      else if (tag === READY_FOR_QUERY) landed.resolve();
    });
    const onData = (chunk: Buffer): void => {
      try {
        scanner.scan(chunk, () => undefined);
      } catch (problem) {
        socket.destroy();
        landed.reject(problem);
      }
    };
    const lost = (problem?: unknown): void => {
      // The last error that no ReadyForQuery followed is why the server ended the connection.
      landed.reject(this.failure(error ?? (problem instanceof Error ? problem : new Error("it ended without a word")), "the connection was lost", "connection-lost"));
    };
    socket.on("data", onData).on("error", lost).on("close", lost);
    try {
      socket.resume();
      out.flush();
      if (socket.destroyed) lost();
      await landed.promise;
    } finally {
      socket.off("data", onData).off("error", lost).off("close", lost);
      for (const statement of this.#parsed.slice(parsed)) this.#names.delete(statement);
      this.#parsed = [];
      out.reuse();
    }
    return { counts, error };
  }

  /** What a server reported, as a coded error that names the object. */
  failure(error: unknown, doing: string, otherwise: ErrorCode, object?: string): Error {
    return fromServer(error, { server: describeEndpoint(this.session.endpoint), doing, otherwise, ...(object === undefined ? {} : { object }) });
  }

  #prepare(statement: Statement): string {
    const known = this.#names.get(statement);
    if (known !== undefined) {
      // The map keeps the order of use.
      this.#names.delete(statement);
      this.#names.set(statement, known);
      return known;
    }
    if (this.#names.size >= MOST_PREPARED) this.#forgetOne();
    const name = `${this.#prefix}${++this.#named}`;
    const { out } = this;
    out.begin(PARSE);
    out.cstring(name);
    out.cstring(statement.sql);
    out.int16(statement.parameterTypes.length);
    for (const oid of statement.parameterTypes) out.int32(oid);
    out.end();
    this.#names.set(statement, name);
    this.#parsed.push(statement);
    return name;
  }

  #forgetOne(): void {
    const [oldest] = this.#names;
    if (oldest === undefined) return;
    const [statement, name] = oldest;
    this.#names.delete(statement);
    const { out } = this;
    out.begin(CLOSE);
    out.byte(PARSE_KIND);
    out.cstring(name);
    out.end();
  }
}

const PARSE_KIND = 0x53; // 'S': Close of a prepared statement

/** "UPDATE 12", "INSERT 0 12", "COPY 12", "SELECT 12" → 12; the number of others is 0; -1 of "ROLLBACK", which a COMMIT answers in a failed transaction. */
function affectedRows(body: Buffer): number {
  if (body.length === 9 && body.toString("latin1", 0, 8) === "ROLLBACK") return -1;
  // The last word, without the NUL.
  let count = 0;
  for (let at = body.length - 2, factor = 1; at >= 0; at--, factor *= 10) {
    const digit = body[at]! - 0x30;
    if (digit < 0 || digit > 9) break;
    count += digit * factor;
  }
  return count;
}
