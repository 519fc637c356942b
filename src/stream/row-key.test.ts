import * as fc from "fast-check";
import { expect, it } from "vitest";
import { type RowKey, rowKey } from "./row-key.ts";

/** A row as pgoutput sends it: a kind, a length, the bytes. */
function row(kind: "t" | "b", ...values: readonly (Buffer | null)[]): Buffer {
  return Buffer.concat(
    values.map((value) => {
      if (value === null) return Buffer.from("n");
      const head = Buffer.alloc(5);
      head[0] = kind.charCodeAt(0);
      head.writeInt32BE(value.length, 1);
      return Buffer.concat([head, value]);
    }),
  );
}

function integer(value: bigint, bytes: 2 | 4 | 8): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigInt64BE(value);
  return buffer.subarray(8 - bytes);
}

it("gives integers in binary format keys that are equal exactly where the numbers are", () => {
  for (const bytes of [2, 4, 8] as const) {
    const half = 2n ** BigInt(8 * bytes - 1);
    const number = fc.bigInt({ min: -half, max: half - 1n });
    const key = (value: bigint): RowKey | undefined => rowKey(row("b", Buffer.from("before"), integer(value, bytes)), 0, [1], true);
    fc.assert(
      fc.property(number, number, (a, b) => {
        expect(key(a) === key(b)).toBe(a === b);
        expect(key(a)).toBe(key(a));
      }),
    );
  }
});

it("keeps them apart where numbers lose their exactness", () => {
  for (const edge of [2n ** 53n, -(2n ** 53n), 2n ** 62n, -(2n ** 62n)]) {
    const near = [-2n, -1n, 0n, 1n, 2n].map((step) => rowKey(row("b", integer(edge + step, 8)), 0, [0], true));
    expect(new Set(near).size).toBe(near.length);
  }
});

it("gives texts keys that are equal exactly where the bytes are, also of several columns", () => {
  const text = fc.oneof(fc.string({ unit: "binary", maxLength: 12 }), fc.integer().map(String), fc.constantFrom("7", "07", "-0", "0", "+7", "7 ", "", "999999999", "1000000000"));
  const key = (values: readonly string[], columns: readonly number[]): RowKey | undefined => rowKey(row("t", ...values.map((value) => Buffer.from(value))), 0, columns);
  fc.assert(
    fc.property(fc.tuple(text, text), fc.tuple(text, text), (a, b) => {
      expect(key(a, [0, 1]) === key(b, [0, 1])).toBe(a[0] === b[0] && a[1] === b[1]);
      expect(key(a, [1]) === key(b, [1])).toBe(a[1] === b[1]);
    }),
  );
});

it("has no key where a part of it is not there", () => {
  expect(rowKey(row("t", null, Buffer.from("x")), 0, [0])).toBeUndefined();
  expect(rowKey(row("t", Buffer.from("x"), null), 0, [0, 1])).toBeUndefined();
  expect(rowKey(row("b", null), 0, [0], true)).toBeUndefined();
});
