import { expect, test } from "vitest";
import { renderApplySummary, summarizeApply } from "./apply-report.ts";
import { BACKLOGS, type Backlog } from "./backlogs/backlog.ts";
import type { Drain } from "./drain.ts";

const WORK = { scripts: [], transactions: 10, changes: 1000 };

function run(tool: string, round: number, startSeconds: number, drainSeconds: number, failure?: string, peakRssBytes = 1e8): Drain {
  return {
    tool, round, failure, startSeconds, drainSeconds, walBytes: 5e6, peakRssBytes, toolCpuSeconds: 1, sourceCpuSeconds: 1, targetCpuSeconds: 1, otherCpuSeconds: 0,
    idleSeconds: 0, diskWaitSeconds: 0,
  }; // prettier-ignore
}

test("a ratio is of changes per second, round by round, without the start and with it", () => {
  const summary = summarizeApply(WORK, ["a", "b"], [run("a", 1, 1, 2), run("b", 1, 0, 6), run("a", 2, 1, 4), run("b", 2, 0, 4)]);
  expect(summary.ratios).toEqual([{ of: "a", to: "b", drain: { median: 2, min: 1, max: 3 }, whole: { median: 1.4, min: 0.8, max: 2 } }]);
  expect(summary.tools[0]).toMatchObject({ drainSeconds: 3, wholeSeconds: 4, changesPerSecond: 1000 / 3 });
});

test("of memory the largest of all rounds counts", () => {
  const summary = summarizeApply(WORK, ["a"], [run("a", 1, 1, 2, undefined, 3e8), run("a", 2, 1, 2, undefined, 2e8), run("a", 3, 1, 2, undefined, 1e8)]);
  expect(summary.tools[0]?.peakRssBytes).toBe(3e8);
});

test("a tool that failed once, warm-ups too, has no figures and no ratio", () => {
  const summary = summarizeApply(WORK, ["a", "b"], [run("a", 1, 1, 2), run("b", 0, 0, 0.1, "differs"), run("b", 1, 0, 2)]);
  expect(summary.tools.map((tool) => tool.drainSeconds)).toEqual([2, undefined]);
  expect(summary.ratios).toEqual([]);
  expect(renderApplySummary(summary)).toMatch(/^b +FAILED[^]*differs$/m);
});

test.each<[string, Backlog]>(Object.entries(BACKLOGS))("%s is the same at every time, and its figures are whole at every scale", (_name, backlog) => {
  for (const scale of [0.001, 0.05, 1, 3]) {
    const { transactions, changes, scripts } = backlog.work(scale);
    expect(backlog.work(scale).scripts).toEqual(scripts);
    expect([transactions, changes].every((count) => Number.isInteger(count) && count > 0)).toBe(true);
    expect(scripts.join()).not.toMatch(/\b(random|now|clock_timestamp|current_timestamp|NaN|undefined)\b *\(?/);
  }
});
