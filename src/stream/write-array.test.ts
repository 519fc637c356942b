import * as fc from "fast-check";
import { expect, it } from "vitest";
import type { Socket } from "node:net";
import { Outgoing } from "../wire/outgoing.ts";
import { writeArray, writeBinaryArray } from "./write-array.ts";
import { beginBinaryCopy, endBinaryCopy, writeBinaryCopyRow, writeCopyRow } from "./copy-rows.ts";

/** What an Outgoing writes, as the bytes that reach the socket. */
function written(write: (out: Outgoing) => void): Buffer {
  const parts: Buffer[] = [];
  const out = new Outgoing({ write: (part: Buffer) => parts.push(Buffer.from(part)) } as unknown as Socket);
  write(out);
  out.flush();
  return Buffer.concat(parts);
}

function tuples(rows: readonly (readonly (string | null)[])[], kind: "t" | "b" = "t"): { bytes: Buffer; offsets: Int32Array } {
  const parts: Buffer[] = [];
  const offsets: number[] = [];
  let at = 0;
  for (const value of rows.flat()) {
    const text = Buffer.from(value ?? "");
    const head = Buffer.alloc(value === null ? 1 : 5);
    head[0] = value === null ? 0x6e : kind.charCodeAt(0);
    if (value !== null) head.writeInt32BE(text.length, 1);
    offsets.push(at);
    parts.push(head, text);
    at += head.length + text.length;
  }
  return { bytes: Buffer.concat(parts), offsets: Int32Array.from(offsets) };
}

const VALUE = fc.option(
  fc.oneof(fc.string({ unit: "binary", maxLength: 200 }), fc.constantFrom("", "NULL", `"\\`, "{}", "\\N", "a\tb\nc\rd\\e", "x".repeat(3000), `${"y".repeat(3000)}"`)),
);
/** Row by row, at least one. */
const ROWS = fc.array(fc.tuple(VALUE, VALUE), { minLength: 1, maxLength: 40 });

/** Elements of an array's text, all of them quoted or NULL. */
function parseArray(text: string): (string | null)[] {
  const elements = text.slice(1, -1).matchAll(/(NULL)|"((?:[^"\\]|\\[^])*)"/g);
  return [...elements].map(([, isNull, quoted]) => (isNull === undefined ? quoted!.replaceAll(/\\([^])/g, "$1") : null));
}

it("writes a column of rows as an array", () => {
  fc.assert(
    fc.property(ROWS, (rows) => {
      const { bytes, offsets } = tuples(rows);
      for (const column of [0, 1]) {
        const text = written((out) => {
          out.begin(0x42);
          writeArray(out, bytes, offsets, column, 2, rows.length, 0x2c);
          out.end();
        }).toString("utf8", 5);
        expect(text.startsWith("{") && text.endsWith("}")).toBe(true);
        expect(parseArray(text)).toEqual(rows.map((row) => row[column]));
      }
    }),
  );
});

it("writes rows in COPY's text format", () => {
  const unescape: Record<string, string> = { t: "\t", n: "\n", r: "\r", "\\": "\\" };
  fc.assert(
    fc.property(ROWS, (rows) => {
      const { bytes, offsets } = tuples(rows);
      const text = written((out) => {
        out.begin(0x64);
        for (let row = 0; row < rows.length; row++) writeCopyRow(out, bytes, offsets, 2 * row, [0, 1]);
        out.end();
      }).toString("utf8", 5);
      const lines = text.split("\n").slice(0, -1);
      expect(
        lines.map((line) => line.split("\t").map((value) => (value === String.raw`\N` ? null : value.replaceAll(/\\([^])/g, (_, letter: string) => unescape[letter]!)))),
      ).toEqual(rows);
    }),
  );
});

/** Values with their lengths, as both binary formats hold them. */
function readValues(bytes: Buffer, from: number, count: number): { values: (string | null)[]; end: number } {
  const values: (string | null)[] = [];
  let at = from;
  for (let left = count; left > 0; left--) {
    const length = bytes.readInt32BE(at);
    values.push(length < 0 ? null : bytes.toString("utf8", at + 4, at + 4 + length));
    at += 4 + Math.max(0, length);
  }
  return { values, end: at };
}

it("writes a column of rows as an array in binary format", () => {
  fc.assert(
    fc.property(ROWS, (rows) => {
      const { bytes, offsets } = tuples(rows, "b");
      for (const column of [0, 1]) {
        const array = written((out) => {
          out.begin(0x42);
          writeBinaryArray(out, bytes, offsets, column, 2, rows.length, 25);
          out.end();
        }).subarray(5);
        expect([0, 4, 8, 12, 16].map((at) => array.readInt32BE(at))).toEqual([1, 1, 25, rows.length, 1]);
        expect(readValues(array, 20, rows.length)).toEqual({ values: rows.map((row) => row[column]), end: array.length });
      }
    }),
  );
});

it("writes rows in COPY's binary format, of the columns that are wanted", () => {
  fc.assert(
    fc.property(ROWS, fc.constantFrom([0, 1], [0], [1]), (rows, columns) => {
      const { bytes, offsets } = tuples(rows, "b");
      const copy = written((out) => {
        out.begin(0x64);
        beginBinaryCopy(out);
        for (let row = 0; row < rows.length; row++) writeBinaryCopyRow(out, bytes, offsets[2 * row]!, offsets[2 * row + 2] ?? bytes.length, columns);
        endBinaryCopy(out);
        out.end();
      }).subarray(5);
      expect(copy.toString("latin1", 0, 11)).toBe("PGCOPY\n\u00ff\r\n\0");
      let at = 19;
      for (const row of rows) {
        expect(copy.readInt16BE(at)).toBe(columns.length);
        const { values, end } = readValues(copy, at + 2, columns.length);
        expect(values).toEqual(columns.map((column) => row[column]));
        at = end;
      }
      expect([copy.readInt16BE(at), copy.length]).toEqual([-1, at + 2]);
    }),
  );
});
