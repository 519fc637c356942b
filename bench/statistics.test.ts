import { expect, test } from "vitest";
import { median, pairedRatio, percentile } from "./statistics.ts";

test("the median of an even number of values is between the two in the middle", () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([9, 1, 5, 2])).toBe(3.5);
  expect(median([])).toBeNaN();
});

test("ratios are taken round by round, and a round in which one side failed does not count", () => {
  expect(pairedRatio([8, 20, undefined, 4], [10, 20, 1, 8])).toEqual({ median: 0.8, min: 0.5, max: 1 });
  expect(pairedRatio([undefined], [1])).toBeUndefined();
});

test("a percentile is one of the values: the smallest that so many do not exceed", () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect([0, 0.5, 0.99, 1].map((fraction) => percentile(values, fraction))).toEqual([1, 50, 99, 100]);
  expect(percentile([7], 0.99)).toBe(7);
  expect(percentile([1, Number.POSITIVE_INFINITY], 1)).toBe(Number.POSITIVE_INFINITY);
  expect(percentile([], 0.5)).toBeNaN();
});
