import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { newProgress } from "../../task/events.ts";
import { JsonReporter } from "./json.ts";
import { RECORDED, SUMMARY } from "./recorded-migration.ts";

beforeEach(() => void vi.useFakeTimers({ now: Date.UTC(2026, 0, 2, 10, 0, 0) }));
afterEach(() => void vi.useRealTimers());

it("JSON lines: every event as one object, progress every second, the summary last", () => {
  let out = "";
  const progress = newProgress();
  const output = { write: (text: string) => (out += text) };
  const reporter = new JsonReporter({ output, errors: output, progress, colour: true, now: Date.now });
  for (const event of RECORDED) reporter.report(event);
  Object.assign(progress, { step: "copy", totalTables: 4, totalBytes: 1000, doneBytes: 0 });
  vi.advanceTimersByTime(1000);
  Object.assign(progress, { doneBytes: 500, copiedBytes: 400, copiedRows: 40 });
  vi.advanceTimersByTime(1000);
  reporter.report(SUMMARY);
  vi.advanceTimersByTime(5000);
  reporter[Symbol.dispose]();
  const lines = out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.map((line) => line["event"])).toEqual([...RECORDED.map(({ event }) => event), "progress", "progress", "summary"]);
  expect(lines.at(-2)).toEqual({
    event: "progress",
    time: "2026-01-02T10:00:02.000Z",
    step: "copy",
    totalTables: 4,
    doneTables: 0,
    totalBytes: 1000,
    doneBytes: 500,
    copiedBytes: 400,
    copiedRows: 40,
    totalIndexes: 0,
    doneIndexes: 0,
    waits: [],
    percent: 50,
    bytesPerSecond: 400,
    rowsPerSecond: 40,
    etaSeconds: 1,
    doing: [],
  });
  expect(lines.at(-1)).toMatchObject({ event: "summary", state: "succeeded", tables: 28, rows: 507865, bytes: 54_000_000, seconds: 5.3 });
});
