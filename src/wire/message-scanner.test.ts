import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MessageScanner } from "./message-scanner.ts";

function message(tag: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(tag, 0, "latin1");
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

interface Seen {
  data: Buffer;
  dataMessages: number;
  others: string[];
}

/** What a scanner sees of a stream that comes in these pieces; the order of data and other messages is kept in `others`. */
function scan(pieces: readonly Buffer[]): Seen {
  const data: Buffer[] = [];
  const others: string[] = [];
  let forwarded = 0;
  const scanner = new MessageScanner((tag, body) => others.push(`${String.fromCharCode(tag)}:${body.toString("latin1")}@${Buffer.concat(data).length}`));
  for (const piece of pieces) forwarded += scanner.scan(piece, (part) => void data.push(Buffer.from(part)));
  expect(forwarded).toBe(Buffer.concat(data).length);
  return { data: Buffer.concat(data), dataMessages: scanner.copyDataMessages, others };
}

const STREAM = [
  message("H", Buffer.from([0, 0, 0])),
  message("d", Buffer.from("1\tone\n")),
  message("d", Buffer.alloc(0)),
  message("d", Buffer.from("d\0\0\0\x05fake")),
  message("c", Buffer.alloc(0)),
  message("C", Buffer.from("COPY 3\0")),
  message("d", Buffer.from("Z".repeat(300))),
  message("Z", Buffer.from("I")),
];

describe("MessageScanner", () => {
  it("sees the same in a stream cut at any byte", () => {
    const whole = Buffer.concat(STREAM);
    const expected = scan([whole]);
    expect(expected.dataMessages).toBe(4);
    expect(expected.data).toEqual(Buffer.concat(STREAM.filter((part) => part[0] === 0x64)));
    for (let at = 0; at <= whole.length; at++) expect(scan([whole.subarray(0, at), whole.subarray(at)])).toEqual(expected);
    expect(scan([...whole].map((byte) => Buffer.from([byte])))).toEqual(expected);
  });

  it("sees the same in any stream cut anywhere", () => {
    const stream = fc.array(fc.tuple(fc.constantFrom("d", "C", "N", "Z", "H"), fc.uint8Array({ maxLength: 40 })), { maxLength: 20 });
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
        expect(scan(pieces)).toEqual(scan([whole]));
      }),
    );
  });

  it("refuses a length that cannot be", () => {
    expect(() => scan([Buffer.from([0x64, 0, 0, 0, 3])])).toThrow(expect.objectContaining({ code: "protocol" }));
    expect(() => scan([Buffer.from([0x5a, 0xff, 0xff, 0xff, 0xff])])).toThrow(expect.objectContaining({ code: "protocol" }));
  });
});
