import { expect, it } from "vitest";
import { countOf, formatBytes, formatCount, formatEta, formatSeconds } from "./figures.ts";
import { cutTo, displayWidth, fitTo, wrap } from "./output.ts";

it("figures read as people write them", () => {
  expect([0, 999, 1000, 62_345_678, 999_600, 1e12, 123_456_789_012].map(formatBytes)).toEqual(["0 bytes", "999 bytes", "1.00 kB", "62.3 MB", "1.00 MB", "1.00 TB", "123 GB"]);
  expect([0, 0.04, 59.94, 59.96, 75, 3599.6, 7500].map(formatSeconds)).toEqual(["0.0 s", "0.0 s", "59.9 s", "1 min 00 s", "1 min 15 s", "1 h 00 min", "2 h 05 min"]);
  expect([0.2, 12.4, 90].map(formatEta)).toEqual(["1 s", "12 s", "1 min 30 s"]);
  expect(formatCount(1234567)).toBe("1,234,567");
  expect([countOf(1, "index"), countOf(2, "index"), countOf(0, "table")]).toEqual(["1 index", "2 indexes", "0 tables"]);
});

it("texts are cut and wrapped by the columns they take", () => {
  expect(displayWidth("訂單ab\u001b[32mc\u001b[0m")).toBe(7);
  expect(cutTo("訂單資料表", 6)).toBe("訂單…");
  expect(fitTo("abc", 5)).toBe("abc  ");
  expect(wrap("one two three\nfour", 8)).toEqual(["one two", "three", "four"]);
});
