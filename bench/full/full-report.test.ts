import { expect, test } from "vitest";
import { differences } from "../fingerprint.ts";
import type { Measurement } from "./measurement.ts";
import { renderSummary, summarize } from "./full-report.ts";

const SOURCE = { name: "bench", diskBytes: 2e9, tableBytes: 1e9 };

function run(tool: string, round: number, wallSeconds: number, failure?: string): Measurement {
  return {
    tool, round, failure, wallSeconds, steps: {}, toolCpuSeconds: 2, sourceCpuSeconds: 1, targetCpuSeconds: 1, otherCpuSeconds: 0, idleSeconds: 0,
    diskWaitSeconds: 0, peakRssBytes: 1e8, relayedBytes: 1e9,
  }; // prettier-ignore
}

test("a tool that failed once has no time and no ratio, however fast the failure was", () => {
  const summary = summarize(SOURCE, ["a", "b"], [run("a", 1, 8), run("b", 1, 10), run("a", 2, 8), run("b", 2, 0.1, "exit code 3")]);
  expect(summary.tools.map((tool) => tool.wallSeconds)).toEqual([8, undefined]);
  expect(summary.ratios).toEqual([]);
  expect(renderSummary(summary)).toMatch(/^b +FAILED .*[^]*exit code 3/m);
});

test("warm-ups do not count, but their failures do", () => {
  expect(summarize(SOURCE, ["a"], [run("a", 0, 100), run("a", 1, 10)]).tools[0]).toMatchObject({ wallSeconds: 10, megabytesPerSecond: 100, toolCpuSecondsPerGb: 2 });
  expect(summarize(SOURCE, ["a"], [run("a", 0, 1, "differs"), run("a", 1, 10)]).tools[0]?.wallSeconds).toBeUndefined();
});

test("a missing table, other rows and a missing index are differences", () => {
  const source = { tables: new Map([["a", "1"], ["b", "2"]]), sequences: new Map([["s", "7"]]), counts: new Map([["valid indexes", "3"]]) }; // prettier-ignore
  expect(differences(source, source)).toEqual([]);
  const target = { tables: new Map([["a", "9"]]), sequences: new Map([["s", "7"]]), counts: new Map([["valid indexes", "2"]]) };
  expect(differences(source, target)).toEqual(["a: source 1, target 9", "b: source 2, target does not have it", "valid indexes: source 3, target 2"]);
});
