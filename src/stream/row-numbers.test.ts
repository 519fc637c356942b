import * as fc from "fast-check";
import { expect, it } from "vitest";
import type { RowKey } from "./row-key.ts";
import { RowNumbers } from "./row-numbers.ts";

const keys = fc.oneof(
  fc.integer({ min: -40, max: 40 }),
  fc.maxSafeInteger(),
  // Of these, the lower or the upper half is alike.
  fc.integer({ min: -1000, max: 1000 }).map((high) => high * 2 ** 32),
  fc.integer({ min: -1000, max: 1000 }).map((step) => step * 2 ** 16),
  fc.integer({ min: -3, max: 3 }).map(String),
);

it("tells rows by their keys as a map does, again and again", () => {
  const numbers = new RowNumbers();
  fc.assert(
    fc.property(fc.array(keys, { maxLength: 400 }), (used) => {
      numbers.clear();
      const expected = new Map<RowKey, number>();
      for (const key of used) {
        expect(numbers.get(key)).toBe(expected.get(key));
        if (expected.has(key)) continue;
        numbers.add(key, expected.size);
        expected.set(key, expected.size);
      }
      for (const [key, row] of expected) expect(numbers.get(key)).toBe(row);
      for (const key of ["", "4", 0.5, 41, 2 ** 52 + 1]) expect(numbers.get(key)).toBe(expected.get(key));
    }),
  );
});

it("holds a batch's worth of keys in a row, and of keys that are far apart", () => {
  for (const step of [1, 1024, 2 ** 33]) {
    const numbers = new RowNumbers();
    for (let row = 0; row < 200_000; row++) numbers.add(row * step, row);
    for (let row = 0; row < 200_000; row += 997) expect(numbers.get(row * step)).toBe(row);
    expect(numbers.get(-step)).toBeUndefined();
  }
});

it("knows whether keys are spread, as far as they are integers", () => {
  const areSpread = (keys: readonly RowKey[]): boolean => {
    const numbers = new RowNumbers();
    for (const [row, key] of keys.entries()) numbers.add(key, row);
    return numbers.areSpread();
  };
  const keys = (count: number, step: number): number[] => Array.from({ length: count }, (_, at) => (at - 500) * step);
  expect(areSpread(keys(1000, 1))).toBe(false);
  expect(areSpread(keys(1000, 8))).toBe(false);
  expect(areSpread(keys(1000, 32))).toBe(true);
  expect(areSpread(keys(1000, 2 ** 33))).toBe(true);
  expect(areSpread(keys(1000, 32).map(String))).toBe(false);
  expect(areSpread([...keys(1000, 32), ...keys(5000, 32).map(String)])).toBe(false);
});
