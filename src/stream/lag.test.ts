import { expect, it } from "vitest";
import type { Lsn } from "../wire/lsn.ts";
import { LagMeter } from "./lag.ts";

const lsn = (value: number): Lsn => BigInt(value) as Lsn;

it("says nothing before the source was measured", () => {
  expect(new LagMeter(lsn(100)).now(0)).toBeUndefined();
});

it("is the age of the first position that is not reached, and the bytes to the last", () => {
  const meter = new LagMeter(lsn(100));
  meter.measured(lsn(200), 1000);
  meter.measured(lsn(300), 2000);
  expect(meter.now(4000)).toEqual({ bytes: 200, seconds: 3 });
  meter.applied(lsn(250));
  expect(meter.now(4000)).toEqual({ bytes: 50, seconds: 2 });
  meter.applied(lsn(300));
  expect(meter.now(9000)).toEqual({ bytes: 0, seconds: 0 });
});

it("reads 0 on an idle source, however long", () => {
  const meter = new LagMeter(lsn(100));
  for (let at = 0; at < 100_000; at += 1000) meter.measured(lsn(100), at);
  expect(meter.now(100_000)).toEqual({ bytes: 0, seconds: 0 });
});

it("keeps the oldest position through any number of measurements", () => {
  const meter = new LagMeter(lsn(0));
  for (let at = 1; at <= 5000; at++) meter.measured(lsn(at), at * 1000);
  expect(meter.now(5_000_000)).toEqual({ bytes: 5000, seconds: 4999 });
  meter.applied(lsn(2500));
  const lag = meter.now(5_000_000);
  expect(lag?.bytes).toBe(2500);
  // Coarsely, as it is long ago, and never too short.
  expect(lag?.seconds).toBeGreaterThanOrEqual(2499);
  expect(lag?.seconds).toBeLessThan(2530);
});
