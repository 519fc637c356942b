import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GodwitError } from "../errors/godwit-error.ts";
import { type PgoutputMessage, decodePgoutput, pgoutputOptions } from "./pgoutput.ts";
import { type Tuple, columnOffset, copyTuple, hasUnchanged, tupleValues } from "./tuple.ts";

type Values = readonly (string | null | undefined)[];

const int16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255]);
const int32 = (value: number): Buffer => Buffer.from([value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]);
const text = (value: string): Buffer => Buffer.from(`${value}\0`);
function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
}
const message = (tag: string, ...parts: readonly (Buffer | string)[]): Buffer =>
  Buffer.concat([tag, ...parts].map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : part)));

function row(values: Values): Buffer {
  const columns = values.map((value) => {
    if (typeof value !== "string") return Buffer.from(value === null ? "n" : "u");
    return Buffer.concat([Buffer.from("t"), int32(Buffer.byteLength(value)), Buffer.from(value)]);
  });
  return Buffer.concat([int16(values.length), ...columns]);
}

/** A message with its tuples as values. */
function plain(decoded: PgoutputMessage): Record<string, unknown> {
  return Object.fromEntries(Object.entries(decoded).map(([name, value]: [string, unknown]) => [name, isTuple(value) ? tupleValues(value) : value]));
}

const RELATION = [int32(16385), text("a b"), text('t"x'), "f", int16(2), Buffer.from([1]), text("id"), int32(20), int32(-1), Buffer.from([0]), text("ü"), int32(1043), int32(14)];
const DESCRIBED = {
  id: 16385,
  schema: "a b",
  name: 't"x',
  replicaIdentity: "full",
  columns: [
    { name: "id", typeOid: 20, typeModifier: -1, isKey: true },
    { name: "ü", typeOid: 1043, typeModifier: 14, isKey: false },
  ],
};
const OLD: Values = ["1", null];
const NEW: Values = ["2", "Grüße\n'\\", undefined, "", null];

/** Every kind of message, as it is outside of a streamed transaction. */
const MESSAGES: readonly (readonly [Buffer, Record<string, unknown>])[] = [
  [message("B", int64(0x16b374d848n), int64(-5n), int32(0xfffffff0)), { kind: "begin", finalLsn: 0x16b374d848n, xid: 0xfffffff0 }],
  [message("C", "\0", int64(10n), int64(20n), int64(-7n)), { kind: "commit", endLsn: 20n, commitTime: -7n }],
  [message("R", ...RELATION), { kind: "relation", relation: DESCRIBED }],
  [message("R", int32(1), text(""), text("t"), "d", int16(0)), { kind: "relation", relation: { id: 1, schema: "pg_catalog", name: "t", replicaIdentity: "default", columns: [] } }],
  [message("I", int32(4294967295), "N", row(NEW)), { kind: "insert", relation: 4294967295, newTuple: NEW }],
  [message("I", int32(1), "N", row([])), { kind: "insert", relation: 1, newTuple: [] }],
  [message("U", int32(1), "N", row(NEW)), { kind: "update", relation: 1, oldKind: undefined, oldTuple: undefined, newTuple: NEW }],
  [message("U", int32(1), "K", row(OLD), "N", row(NEW)), { kind: "update", relation: 1, oldKind: "key", oldTuple: OLD, newTuple: NEW }],
  [message("U", int32(1), "O", row(OLD), "N", row(NEW)), { kind: "update", relation: 1, oldKind: "full", oldTuple: OLD, newTuple: NEW }],
  [message("D", int32(1), "K", row(OLD)), { kind: "delete", relation: 1, oldKind: "key", oldTuple: OLD }],
  [message("D", int32(1), "O", row(NEW)), { kind: "delete", relation: 1, oldKind: "full", oldTuple: NEW }],
  [message("T", int32(2), Buffer.from([3]), int32(5), int32(6)), { kind: "truncate", relations: [5, 6], cascade: true, restartIdentity: true }],
  [message("T", int32(1), Buffer.from([0]), int32(5)), { kind: "truncate", relations: [5], cascade: false, restartIdentity: false }],
  [message("Y", int32(1), text("s"), text("mood")), { kind: "type" }],
  [message("M", Buffer.from([1]), int64(1n), text("prefix"), int32(3), "abc"), { kind: "message" }],
  [message("O", int64(1n), text("origin")), { kind: "origin" }],
  [message("S", int32(9), Buffer.from([1])), { kind: "streamStart", xid: 9, isFirst: true }],
  [message("S", int32(9), Buffer.from([0])), { kind: "streamStart", xid: 9, isFirst: false }],
  [message("E"), { kind: "streamStop" }],
  [message("c", int32(9), "\0", int64(10n), int64(20n), int64(7n)), { kind: "streamCommit", xid: 9, endLsn: 20n, commitTime: 7n }],
  [message("A", int32(9), int32(8)), { kind: "streamAbort", xid: 9, subxid: 8 }],
];

const STREAMED = new Set(["R", "I", "U", "D", "T", "Y", "M"]);

/** The same message within a streamed transaction. */
function streamed(bytes: Buffer): Buffer {
  return STREAMED.has(String.fromCharCode(bytes[0]!)) ? Buffer.concat([bytes.subarray(0, 1), int32(77), bytes.subarray(1)]) : bytes;
}

/** Within a buffer that goes on as if the message did, and has begun before. */
function decode(bytes: Buffer, isStreamed: boolean): PgoutputMessage {
  return decodePgoutput(Buffer.concat([AROUND, bytes, AROUND]), AROUND.length, AROUND.length + bytes.length, isStreamed);
}
const AROUND = Buffer.from("NntuNt\0\0\0\0\0\0\0\0\0\0");

/** Decodes; a coded error that tells the offset is "refused", anything else is thrown on. */
function attempt(bytes: Buffer, isStreamed: boolean): PgoutputMessage | "refused" {
  try {
    return decode(bytes, isStreamed);
  } catch (error) {
    if (error instanceof GodwitError && error.code === "protocol" && /at offset \d+/.test(error.message)) return "refused";
    throw error;
  }
}

/** Whether a message's tuples have as many columns as they say, and end where they say. */
function isSound(decoded: PgoutputMessage): boolean {
  return Object.values(decoded).every((value: unknown) => !isTuple(value) || tupleValues(value).length === value.columns);
}

function isTuple(value: unknown): value is Tuple {
  return typeof value === "object" && value !== null && "bytes" in value;
}

describe("decodePgoutput", () => {
  it.each(MESSAGES)("reads a message: %#", (bytes, expected) => {
    expect(plain(decode(bytes, false))).toEqual(expected);
    const xid = ["insert", "update", "delete", "truncate", "relation"].includes(expected["kind"] as string) ? { xid: 77 } : {};
    expect(plain(decode(streamed(bytes), true))).toEqual({ ...expected, ...xid });
  });

  it("reads a message that lies in the middle of a buffer", () => {
    for (const [bytes, expected] of MESSAGES) {
      const buffer = Buffer.concat([Buffer.from("tttt"), bytes, Buffer.from("ntu")]);
      expect(plain(decodePgoutput(buffer, 4, 4 + bytes.length, false))).toEqual(expected);
    }
  });

  it.each(MESSAGES)("refuses a message that is cut off at any byte, or longer: %#", (bytes) => {
    for (const isStreamed of [false, true]) {
      const whole = isStreamed ? streamed(bytes) : bytes;
      for (let end = 0; end < whole.length; end++) expect(attempt(whole.subarray(0, end), isStreamed)).toBe("refused");
      expect(attempt(Buffer.concat([whole, Buffer.from([0])]), isStreamed)).toBe("refused");
    }
  });

  it("refuses what it does not know", () => {
    expect(() => decode(Buffer.from("b"), false)).toThrow('pgoutput: a message of kind "b" and 1 bytes cannot be read: at offset 0: its kind is not known');
    const binary = message("I", int32(1), "N", int16(1), "b", int32(1), "x");
    expect(() => decode(binary, false)).toThrow("at offset 8: a column is of the unknown kind 98");
    const negative = message("I", int32(1), "N", int16(1), "t", int32(-2), "x");
    expect(() => decode(negative, false)).toThrow("at offset 9: a value of -2 bytes does not fit in it");
    const many = message("T", int32(-1), Buffer.from([0]), int32(1));
    expect(() => decode(many, false)).toThrow(/cut off/);
    expect(attempt(message("R", int32(1), text("s"), text("t"), "x", int16(0)), false)).toBe("refused");
    for (const part of ["X", "O"]) expect(attempt(message("I", int32(1), part, row([])), false)).toBe("refused");
    expect(attempt(message("U", int32(1), "K", row([]), "K", row([])), false)).toBe("refused");
    expect(attempt(message("D", int32(1), "N", row([])), false)).toBe("refused");
  });

  it("throws nothing else, whatever the bytes are", () => {
    const anything = fc.uint8Array({ maxLength: 60 });
    const likely = fc.tuple(fc.constantFrom(..."BCRIUDTYMOSEcA".split("")), anything).map(([tag, rest]) => message(tag, Buffer.from(rest)));
    const spoilt = fc.tuple(fc.constantFrom(...MESSAGES.map(([bytes]) => bytes)), fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 4 })).map(([bytes, changes]) => {
      const copy = Buffer.from(bytes);
      for (const [at, byte] of changes) copy[at % copy.length] = byte;
      return copy;
    });
    fc.assert(
      fc.property(
        fc.oneof(
          anything.map((bytes) => Buffer.from(bytes)),
          likely,
          spoilt,
        ),
        fc.boolean(),
        (bytes, isStreamed) => {
          const decoded = attempt(bytes, isStreamed);
          expect(decoded === "refused" || isSound(decoded)).toBe(true);
        },
      ),
      { numRuns: 3000 },
    );
  });
});

describe("a tuple", () => {
  it("is walked column by column, and copied", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string({ unit: fc.constantFrom("a", "t", "n", "ü", "🦜", "\0", "\n") }), fc.constant(null), fc.constant(undefined)), { maxLength: 8 }),
        (values) => {
          const decoded = decode(message("I", int32(1), "N", row(values)), false);
          if (decoded.kind !== "insert") throw new Error("no insert");
          expect(tupleValues(decoded.newTuple)).toEqual(values);
          expect(hasUnchanged(decoded.newTuple)).toBe(values.includes(undefined));
          const copy = copyTuple(decoded.newTuple);
          decoded.newTuple.bytes.fill(0);
          expect(tupleValues(copy)).toEqual(values);
          expect(columnOffset(copy, values.length)).toBe(copy.end);
          expect(values.map((_, column) => String.fromCharCode(copy.bytes[columnOffset(copy, column)]!))).toEqual(
            values.map((value) => (typeof value === "string" ? "t" : value === null ? "n" : "u")),
          );
        },
      ),
    );
  });
});

describe("pgoutputOptions", () => {
  it("names publications as identifiers", () => {
    expect(pgoutputOptions(["a", 'B "c"'])).toEqual({ proto_version: "1", publication_names: '"a","B ""c"""' });
  });
});
