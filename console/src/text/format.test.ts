import { expect, it } from "vitest";
import { Format } from "./format.ts";

const en = new Format("en");

it("writes sizes in steps of 1000, with three figures", () => {
  expect([0, 999, 1500, 12_345, 234_567_890, 5e12].map((bytes) => en.bytes(bytes))).toEqual(["0 bytes", "999 bytes", "1.5 kB", "12.3 kB", "235 MB", "5 TB"]);
});

it("writes durations with their two largest units", () => {
  expect([0, 0.04, 9.96, 59.7, 75, 7500, 90_061].map((seconds) => en.duration(seconds))).toEqual(["0s", "0.04s", "10s", "1m", "1m 15s", "2h 5m", "1d 1h"]);
});
