import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameReader } from "./frame-reader.ts";

function message(tag: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(tag, 0, "latin1");
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

function read(pieces: readonly Buffer[]): string[] {
  const seen: string[] = [];
  const frames = new FrameReader((tag, bytes, start, end) => seen.push(`${String.fromCharCode(tag)}:${bytes.toString("latin1", start, end)}`));
  for (const piece of pieces) frames.read(piece);
  return seen;
}

const STREAM = [
  message("W", Buffer.alloc(3)),
  message("d", Buffer.from("one")),
  message("d", Buffer.alloc(0)),
  message("c", Buffer.alloc(0)),
  message("d", Buffer.from("Z".repeat(40))),
];

describe("FrameReader", () => {
  it("sees the same in a stream cut at any byte", () => {
    const whole = Buffer.concat(STREAM);
    const expected = ["W:\0\0\0", "d:one", "d:", "c:", `d:${"Z".repeat(40)}`];
    expect(read([whole])).toEqual(expected);
    for (let at = 0; at <= whole.length; at++) expect(read([whole.subarray(0, at), whole.subarray(at)])).toEqual(expected);
    for (let from = 0; from < whole.length; from++) {
      for (let to = from; to < whole.length; to += 3) expect(read([whole.subarray(0, from), whole.subarray(from, to), whole.subarray(to)])).toEqual(expected);
    }
    expect(read([...whole].map((byte) => Buffer.from([byte])))).toEqual(expected);
  });

  it("sees the same in any stream cut anywhere", () => {
    const stream = fc.array(fc.tuple(fc.constantFrom("d", "C", "N"), fc.uint8Array({ maxLength: 40 })), { maxLength: 20 });
    fc.assert(
      fc.property(stream, fc.array(fc.nat(60), { maxLength: 30 }), (messages, cuts) => {
        const whole = Buffer.concat(messages.map(([tag, body]) => message(tag, Buffer.from(body))));
        const pieces: Buffer[] = [];
        let from = 0;
        for (const length of cuts) {
          pieces.push(whole.subarray(from, from + length));
          from += length;
        }
        pieces.push(whole.subarray(from));
        expect(read(pieces)).toEqual(read([whole]));
        expect(read([whole])).toHaveLength(messages.length);
      }),
    );
  });

  it("hands a message on where it lies, without a copy", () => {
    const whole = Buffer.concat(STREAM);
    const buffers: Buffer[] = [];
    const frames = new FrameReader((_tag, bytes) => buffers.push(bytes));
    frames.read(whole);
    expect(buffers.every((bytes) => bytes === whole)).toBe(true);
  });

  it("refuses a length that cannot be", () => {
    expect(() => read([Buffer.from([0x64, 0, 0, 0, 3])])).toThrow(expect.objectContaining({ code: "protocol" }));
    expect(() => read([Buffer.from([0x5a, 0xff, 0xff]), Buffer.from([0xff, 0xff])])).toThrow(expect.objectContaining({ code: "protocol" }));
  });
});
