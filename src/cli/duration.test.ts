import { expect, it } from "vitest";
import { parseDuration } from "./duration.ts";

it.each([
  ["0s", 0],
  ["30s", 30_000],
  ["1.5m", 90_000],
  ["12h", 43_200_000],
  ["1h30m", 5_400_000],
  ["2d", 172_800_000],
])("%s is %i ms", (text, ms) => expect(parseDuration(text)).toBe(ms));

it.each(["", "12", "h", "12 h", "-1s", "1w", "1h x"])("%j is no duration", (text) => expect(() => parseDuration(text)).toThrow("A duration is wanted"));
