import type { Rate } from "./latency-options.ts";
import type { Delays } from "./delays.ts";
import { type Ratio, median, pairedRatio } from "../statistics.ts";
import { type Column, figure, tableLines } from "../text-table.ts";

/** One stretch of writing at one rate, followed by one tool. */
export interface LatencyRun {
  readonly tool: string;
  readonly rate: Rate;
  readonly round: number;
  readonly failure: string | undefined;
  readonly delays: Delays | undefined;
  readonly peakRssBytes: number | undefined;
}

/** One tool at one rate; medians of the rounds, but for maxMs and memory: there the largest counts. */
interface LatencyRow {
  readonly rate: Rate;
  readonly tool: string;
  readonly failures: readonly string[];
  readonly delays: Delays | undefined;
  readonly peakRssBytes: number | undefined;
}

export interface LatencySummary {
  readonly rows: readonly LatencyRow[];
  /** The first tool's delay to each other one's, paired by round. Less than 1: the first is faster. */
  readonly ratios: readonly { readonly rate: Rate; readonly of: string; readonly to: string; readonly p50: Ratio; readonly p99: Ratio }[];
}

/** A tool that failed in any round at a rate has no figures there. */
export function summarizeLatency(rates: readonly Rate[], tools: readonly string[], runs: readonly LatencyRun[]): LatencySummary {
  const at = (rate: Rate, tool: string): LatencyRun[] => runs.filter((run) => run.rate === rate && run.tool === tool);
  const delaysAt = (rate: Rate, tool: string): Delays[] => {
    const found = at(rate, tool);
    return found.some((run) => run.failure !== undefined) ? [] : found.flatMap((run) => run.delays ?? []);
  };
  const [first, ...others] = tools;
  return {
    rows: rates.flatMap((rate) =>
      tools.map((tool) => {
        const found = at(rate, tool);
        const memory = found.flatMap((run) => run.peakRssBytes ?? []);
        const failures = found.flatMap((run) => run.failure ?? []);
        return { rate, tool, failures, delays: medians(delaysAt(rate, tool)), peakRssBytes: memory.length === 0 ? undefined : Math.max(...memory) };
      }),
    ),
    ratios: rates.flatMap((rate) =>
      others.flatMap((other) => {
        const of = (figure: "p50Ms" | "p99Ms"): Ratio | undefined => pairedRatio(delaysAt(rate, first ?? "").map((run) => run[figure]), delaysAt(rate, other).map((run) => run[figure])); // prettier-ignore
        const [p50, p99] = [of("p50Ms"), of("p99Ms")];
        return first === undefined || p50 === undefined || p99 === undefined ? [] : [{ rate, of: first, to: other, p50, p99 }];
      }),
    ),
  };
}

function medians(rounds: readonly Delays[]): Delays | undefined {
  const [any] = rounds;
  if (any === undefined) return undefined;
  const names = Object.keys(any) as (keyof Delays)[];
  const all = Object.fromEntries(names.map((name) => [name, median(rounds.map((round) => round[name]))])) as Record<keyof Delays, number>;
  return { ...all, maxMs: Math.max(...rounds.map((round) => round.maxMs)) };
}

const COLUMNS: readonly Column<LatencyRow>[] = [
  ["rate", (row) => String(row.rate)],
  ["tool", (row) => row.tool],
  ["written/s", (row) => (row.failures.length > 0 ? "FAILED" : figure(row.delays?.writtenPerSecond, 0))],
  ["arrived/s", (row) => figure(row.delays?.arrivedPerSecond, 0)],
  ["p50 ms", (row) => figure(row.delays?.p50Ms, 2)],
  ["p99 ms", (row) => figure(row.delays?.p99Ms, 2)],
  ["max ms", (row) => figure(row.delays?.maxMs, 1)],
  ["p99 ms from sent", (row) => figure(row.delays?.p99FromSentMs, 2)],
  ["p99 look ms", (row) => figure(row.delays?.p99GapMs, 2)],
  ["RSS MB", (row) => figure(row.peakRssBytes === undefined ? undefined : row.peakRssBytes / 1e6, 0)],
];

/** The summary as text for a terminal. */
export function renderLatencySummary(summary: LatencySummary): string {
  const lines = tableLines(COLUMNS, summary.rows);
  const range = (ratio: Ratio): string => `${figure(ratio.median, 2)} (${figure(ratio.min, 2)}-${figure(ratio.max, 2)})`;
  for (const { rate, of, to, p50, p99 } of summary.ratios) lines.push(`${rate}: ${of} / ${to}: p50 ${range(p50)}, p99 ${range(p99)} of its delay (median of paired rounds)`);
  for (const { rate, tool, failures } of summary.rows) {
    if (failures[0] !== undefined) lines.push(`${tool} at ${rate} FAILED (${failures.length} times), first: ${failures[0]}`);
  }
  return lines.join("\n");
}
