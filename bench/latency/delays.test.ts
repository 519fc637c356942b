import { expect, test } from "vitest";
import { countDelays } from "./delays.ts";

const WRITTEN = { startedMs: 1000, endedMs: 3000, sentMs: [[1000, 2000], [2500]], committedMs: [[1001, 2003], [2502]] };

test("a delay is from the acknowledged commit to the look that saw the row; the warm-up does not count", () => {
  const delays = countDelays(WRITTEN, { seenMs: [[1900, 2013], [3002]], gapsMs: [1, 2] }, 1);
  expect(delays).toEqual({ transactions: 2, writtenPerSecond: 2, arrivedPerSecond: 1, p50Ms: 10, p99Ms: 500, maxMs: 500, p99FromSentMs: 502, p99GapMs: 2 });
});

test("a row that never came has no end to its delay", () => {
  expect(countDelays(WRITTEN, { seenMs: [[1900, 2013], []], gapsMs: [1] }, 0)).toMatchObject({ transactions: 3, maxMs: Number.POSITIVE_INFINITY });
});

test("a row that was seen before the acknowledgement came here was not late", () => {
  expect(countDelays(WRITTEN, { seenMs: [[1000.5, 2002], [2501]], gapsMs: [1] }, 0)).toMatchObject({ maxMs: 0 });
});
