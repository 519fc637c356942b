import { GodwitError } from "../errors/godwit-error.ts";
import { type Lsn, int64At, lsnAt } from "./lsn.ts";
import { quoteIdentifier } from "./quote.ts";
import { BINARY_COLUMN, NULL_COLUMN, TEXT_COLUMN, type Tuple, UNCHANGED_COLUMN } from "./tuple.ts";

/** One change of a transaction. `relation` is the id of a relation message before it; `xid` is there within a streamed transaction (protocol 2). */
export type Change =
  | { readonly kind: "insert"; readonly relation: number; readonly newTuple: Tuple; readonly xid?: number | undefined }
  | {
      readonly kind: "update";
      readonly relation: number;
      /** "key": the identity's columns, only when one of them changed; "full": the whole row before, always; undefined: the new row's key is the old one's. */
      readonly oldKind: "key" | "full" | undefined;
      readonly oldTuple: Tuple | undefined;
      readonly newTuple: Tuple;
      readonly xid?: number | undefined;
    }
  | { readonly kind: "delete"; readonly relation: number; readonly oldKind: "key" | "full"; readonly oldTuple: Tuple; readonly xid?: number | undefined }
  | { readonly kind: "truncate"; readonly relations: readonly number[]; readonly cascade: boolean; readonly restartIdentity: boolean; readonly xid?: number | undefined };

/** What the server says of a table before its first change, and again after the table was altered. */
export interface RelationMessage {
  readonly id: number;
  readonly schema: string;
  readonly name: string;
  readonly replicaIdentity: "default" | "nothing" | "full" | "index";
  readonly columns: readonly RelationColumn[];
}

export interface RelationColumn {
  readonly name: string;
  readonly typeOid: number;
  readonly typeModifier: number;
  /** Part of the replica identity; with "full" every column is. */
  readonly isKey: boolean;
}

/** A message of the output plugin. Times are µs since 2000-01-01 UTC. */
export type PgoutputMessage =
  | { readonly kind: "begin"; /** Where the commit record will be. */ readonly finalLsn: Lsn; readonly xid: number }
  | { readonly kind: "commit"; /** The first byte behind the commit record. */ readonly endLsn: Lsn; readonly commitTime: bigint }
  | { readonly kind: "relation"; readonly relation: RelationMessage; readonly xid?: number | undefined }
  | Change
  | { readonly kind: "type" }
  | { readonly kind: "origin" }
  | { readonly kind: "message" }
  | { readonly kind: "streamStart"; readonly xid: number; readonly isFirst: boolean }
  | { readonly kind: "streamStop" }
  | { readonly kind: "streamCommit"; readonly xid: number; readonly endLsn: Lsn; readonly commitTime: bigint }
  | { readonly kind: "streamAbort"; readonly xid: number; readonly subxid: number };

/** A change of rows, and not what is said around them. */
export function isChange(message: PgoutputMessage): message is Change {
  const { kind } = message;
  return kind === "insert" || kind === "update" || kind === "delete" || kind === "truncate";
}

/** The plugin's options for protocol 1, as START_REPLICATION takes them. `isBinary` (since 14): values in their types' binary format. Publications need not be there before their first change is decoded. */
export function pgoutputOptions(publications: readonly string[], isBinary = false): Record<string, string> {
  return { proto_version: "1", publication_names: publications.map(quoteIdentifier).join(","), ...(isBinary ? { binary: "true" } : {}) };
}

const BEGIN = 0x42; // 'B'
const BEGIN_BYTES = 21;
const COMMIT = 0x43; // 'C'
const COMMIT_BYTES = 26;
const INSERT = 0x49; // 'I'
const UPDATE = 0x55; // 'U'
const DELETE = 0x44; // 'D'
const NEW_TUPLE = 0x4e; // 'N'
const OLD_TUPLE = 0x4f; // 'O'
const KEY_TUPLE = 0x4b; // 'K'

const REPLICA_IDENTITY: Readonly<Record<string, RelationMessage["replicaIdentity"]>> = { d: "default", n: "nothing", f: "full", i: "index" };

/**
 * Decodes one message of pgoutput, protocol 1 or 2, with values as text, or `isBinary`
 * (https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html). `isStreamed`: it came between a stream start and its stop,
 * where messages carry the id of their transaction.
 *
 * The message is what lies from `start` to `end`; `bytes` may be a read buffer that is filled again, and no part of it is made a buffer of its own: messages come by the million. Tuples are parts
 * of `bytes`: they are valid until the caller returns, and whoever keeps one copies it (`copyTuple`). Throws `protocol`, with the offset in the message, for whatever is not such a message.
 */
export function decodePgoutput(bytes: Buffer, start: number, end: number, isStreamed: boolean, isBinary = false): PgoutputMessage {
  // Those that come by the million are decoded without a cursor.
  const size = end - start;
  const tag = size > 0 ? bytes[start] : undefined;
  if (tag === BEGIN && size === BEGIN_BYTES) return { kind: "begin", finalLsn: lsnAt(bytes, start + 1), xid: uint32At(bytes, start + 17) };
  if (tag === COMMIT && size === COMMIT_BYTES) return { kind: "commit", endLsn: lsnAt(bytes, start + 10), commitTime: int64At(bytes, start + 18) };
  if (tag !== INSERT && tag !== UPDATE && tag !== DELETE) return decodeOther(bytes.subarray(start, end), isStreamed);
  const at = start + (isStreamed ? 5 : 1);
  if (end < at + 5) throw invalid(bytes, start, end, end, "it is cut off");
  const xid = isStreamed ? uint32At(bytes, start + 1) : undefined;
  const relation = uint32At(bytes, at);
  const part = bytes[at + 4];
  const valueKind = isBinary ? BINARY_COLUMN : TEXT_COLUMN;
  const first = tupleAt(bytes, start, end, at + 5, valueKind);
  if (tag === INSERT) {
    if (part !== NEW_TUPLE) throw invalid(bytes, start, end, at + 4, "a new row was expected");
    expectEnd(bytes, start, end, first.end);
    return { kind: "insert", relation, newTuple: first, xid };
  }
  if (tag === UPDATE && part === NEW_TUPLE) {
    expectEnd(bytes, start, end, first.end);
    return { kind: "update", relation, oldKind: undefined, oldTuple: undefined, newTuple: first, xid };
  }
  if (part !== OLD_TUPLE && part !== KEY_TUPLE) throw invalid(bytes, start, end, at + 4, "an old row or key was expected");
  const oldKind = part === OLD_TUPLE ? "full" : "key";
  if (tag === DELETE) {
    expectEnd(bytes, start, end, first.end);
    return { kind: "delete", relation, oldKind, oldTuple: first, xid };
  }
  if (first.end === end || bytes[first.end] !== NEW_TUPLE) throw invalid(bytes, start, end, first.end, "a new row was expected");
  const newTuple = tupleAt(bytes, start, end, first.end + 1, valueKind);
  expectEnd(bytes, start, end, newTuple.end);
  return { kind: "update", relation, oldKind, oldTuple: first, newTuple, xid };
}

/** A row whose column count is at `at`, every column within the message, every value of one kind. */
function tupleAt(bytes: Buffer, start: number, end: number, at: number, valueKind: number): Tuple {
  const first = at + 2;
  if (first > end) throw invalid(bytes, start, end, end, "it is cut off");
  const columns = (bytes[at]! << 8) | bytes[at + 1]!;
  let next = first;
  for (let column = 0; column < columns; column++) {
    if (next >= end) throw invalid(bytes, start, end, end, "it is cut off");
    const kind = bytes[next];
    if (kind === valueKind) {
      if (next + 5 > end) throw invalid(bytes, start, end, end, "it is cut off");
      const length = (bytes[next + 1]! << 24) | (bytes[next + 2]! << 16) | (bytes[next + 3]! << 8) | bytes[next + 4]!;
      if (length < 0 || length > end - next - 5) throw invalid(bytes, start, end, next + 1, `a value of ${length} bytes does not fit in it`);
      next += 5 + length;
    } else if (kind === NULL_COLUMN || kind === UNCHANGED_COLUMN) next++;
    else throw invalid(bytes, start, end, next, `a column is of the unknown kind ${kind}`);
  }
  return { bytes, start: first, end: next, columns };
}

function uint32At(bytes: Buffer, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

function expectEnd(bytes: Buffer, start: number, end: number, at: number): void {
  if (at !== end) throw invalid(bytes, start, end, at, "it is longer than what it says");
}

function decodeOther(message: Buffer, isStreamed: boolean): PgoutputMessage {
  const cursor = new Cursor(message);
  const decoded = decodeByTag(String.fromCharCode(cursor.byte()), cursor, isStreamed);
  expectEnd(message, 0, message.length, cursor.at);
  return decoded;
}

function decodeByTag(tag: string, cursor: Cursor, isStreamed: boolean): PgoutputMessage {
  const xidOfStream = (): number | undefined => (isStreamed ? cursor.uint32() : undefined);
  switch (tag) {
    case "B":
    case "C":
      throw invalid(cursor.bytes, 0, cursor.bytes.length, cursor.bytes.length, "it has another length than such a message");
    case "R": {
      const xid = xidOfStream();
      return { kind: "relation", relation: readRelation(cursor), xid };
    }
    case "T": {
      const xid = xidOfStream();
      const count = cursor.uint32();
      const flags = cursor.byte();
      const relations = cursor.uint32s(count);
      return { kind: "truncate", relations, cascade: (flags & 1) !== 0, restartIdentity: (flags & 2) !== 0, xid };
    }
    case "Y":
      xidOfStream();
      cursor.uint32();
      cursor.text();
      cursor.text();
      return { kind: "type" };
    case "O":
      cursor.lsn();
      cursor.text();
      return { kind: "origin" };
    case "M":
      xidOfStream();
      cursor.byte();
      cursor.lsn();
      cursor.text();
      cursor.skip(cursor.uint32());
      return { kind: "message" };
    case "S":
      return { kind: "streamStart", xid: cursor.uint32(), isFirst: cursor.byte() === 1 };
    case "E":
      return { kind: "streamStop" };
    case "c": {
      const xid = cursor.uint32();
      cursor.byte();
      cursor.skip(8); // where the commit record begins
      return { kind: "streamCommit", xid, endLsn: cursor.lsn(), commitTime: cursor.int64() };
    }
    case "A":
      return { kind: "streamAbort", xid: cursor.uint32(), subxid: cursor.uint32() };
    default:
      throw invalid(cursor.bytes, 0, cursor.bytes.length, 0, "its kind is not known");
  }
}

function readRelation(cursor: Cursor): RelationMessage {
  const id = cursor.uint32();
  const schema = cursor.text();
  const name = cursor.text();
  const identityAt = cursor.at;
  const replicaIdentity = REPLICA_IDENTITY[String.fromCharCode(cursor.byte())];
  if (replicaIdentity === undefined) throw invalid(cursor.bytes, 0, cursor.bytes.length, identityAt, "the replica identity is not known");
  const columns = Array.from({ length: cursor.uint16() }, () => {
    const flags = cursor.byte();
    return { name: cursor.text(), typeOid: cursor.uint32(), typeModifier: cursor.uint32() | 0, isKey: (flags & 1) !== 0 };
  });
  // The server saves the bytes of its most frequent name.
  return { id, schema: schema === "" ? "pg_catalog" : schema, name, replicaIdentity, columns };
}

/** Reads a message from front to back; throws `protocol` where it ends too early. */
class Cursor {
  readonly bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  byte(): number {
    return this.bytes[this.skip(1)]!;
  }

  uint16(): number {
    return this.bytes.readUInt16BE(this.skip(2));
  }

  uint32(): number {
    return this.bytes.readUInt32BE(this.skip(4));
  }

  /** As many as are announced; they are there before room is made for them. */
  uint32s(count: number): number[] {
    const start = this.skip(4 * count);
    return Array.from({ length: count }, (_, at) => this.bytes.readUInt32BE(start + 4 * at));
  }

  int64(): bigint {
    return int64At(this.bytes, this.skip(8));
  }

  lsn(): Lsn {
    return lsnAt(this.bytes, this.skip(8));
  }

  /** Text that ends with a NUL. */
  text(): string {
    const end = this.bytes.indexOf(0, this.at);
    if (end < 0) throw invalid(this.bytes, 0, this.bytes.length, this.bytes.length, "it is cut off");
    return this.bytes.toString("utf8", this.skip(end + 1 - this.at), end);
  }

  /** Passes over bytes, which must be there; returns where they begin. */
  skip(length: number): number {
    const start = this.at;
    if (length > this.bytes.length - start) throw invalid(this.bytes, 0, this.bytes.length, this.bytes.length, "it is cut off");
    this.at = start + length;
    return start;
  }
}

/** `at`: where it goes wrong, in `bytes`. */
function invalid(bytes: Buffer, start: number, end: number, at: number, why: string): GodwitError {
  const kind = start === end ? "an empty message" : `a message of kind ${JSON.stringify(String.fromCharCode(bytes[start]!))}`;
  return new GodwitError("protocol", `pgoutput: ${kind} and ${end - start} bytes cannot be read: at offset ${at - start}: ${why}`);
}
