import { expect, test } from "vitest";
import { median, pairedRatio } from "./statistics.ts";

test("the median of an even number of values is between the two in the middle", () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([9, 1, 5, 2])).toBe(3.5);
  expect(median([])).toBeNaN();
});

test("ratios are taken round by round, and a round in which one side failed does not count", () => {
  expect(pairedRatio([8, 20, undefined, 4], [10, 20, 1, 8])).toEqual({ median: 0.8, min: 0.5, max: 1 });
  expect(pairedRatio([undefined], [1])).toBeUndefined();
});
