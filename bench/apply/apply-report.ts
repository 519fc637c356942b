import type { Work } from "./backlogs/backlog.ts";
import type { Drain } from "./drain.ts";
import { type Ratio, median, pairedRatio } from "../statistics.ts";
import { type Column, figure, tableLines } from "../text-table.ts";

/** One tool's counted rounds in figures; all are medians, but for the memory: there the largest counts. */
interface ToolSummary {
  readonly tool: string;
  readonly rounds: number;
  readonly failures: readonly string[];
  readonly drainSeconds: number | undefined;
  readonly minDrainSeconds: number | undefined;
  readonly maxDrainSeconds: number | undefined;
  readonly changesPerSecond: number | undefined;
  readonly transactionsPerSecond: number | undefined;
  readonly startSeconds: number | undefined;
  /** Start and drain. */
  readonly wholeSeconds: number | undefined;
  readonly toolCpuSeconds: number | undefined;
  readonly sourceCpuSeconds: number | undefined;
  readonly targetCpuSeconds: number | undefined;
  readonly otherCpuSeconds: number | undefined;
  readonly idleSeconds: number | undefined;
  readonly diskWaitSeconds: number | undefined;
  readonly peakRssBytes: number | undefined;
}

export interface ApplySummary {
  readonly walBytes: number | undefined;
  readonly tools: readonly ToolSummary[];
  /** Changes per second of the first tool to each other one's, paired by round: while draining, and from time zero on. More than 1: the first is faster. */
  readonly ratios: readonly { readonly of: string; readonly to: string; readonly drain: Ratio; readonly whole: Ratio }[];
}

/** Figures of all counted rounds. A tool that failed in any round has no figures: a fast failure must not look like speed. */
export function summarizeApply({ changes, transactions }: Work, tools: readonly string[], drains: readonly Drain[]): ApplySummary {
  const failed = new Set(drains.filter((run) => run.failure !== undefined).map((run) => run.tool));
  const goodRuns = (tool: string): Drain[] => drains.filter((run) => run.tool === tool && run.round > 0 && !failed.has(tool));
  const rates = (tool: string, seconds: (run: Drain) => number): number[] => goodRuns(tool).map((run) => changes / seconds(run));
  const first = tools[0];
  return {
    walBytes: drains.find((run) => run.failure === undefined)?.walBytes,
    tools: tools.map((tool) => summarizeTool(tool, changes, transactions, goodRuns(tool), drains.flatMap((run) => (run.tool === tool && run.failure !== undefined ? [run.failure] : [])))), // prettier-ignore
    ratios: tools.slice(1).flatMap((other) => {
      if (first === undefined) return [];
      const drain = pairedRatio(rates(first, (run) => run.drainSeconds), rates(other, (run) => run.drainSeconds)); // prettier-ignore
      const whole = pairedRatio(rates(first, wholeSeconds), rates(other, wholeSeconds));
      return drain === undefined || whole === undefined ? [] : [{ of: first, to: other, drain, whole }];
    }),
  };
}

function summarizeTool(tool: string, changes: number, transactions: number, good: readonly Drain[], failures: readonly string[]): ToolSummary {
  const every = (value: (run: Drain) => number | undefined): number[] => good.map(value).filter((found) => found !== undefined);
  const of = (value: (run: Drain) => number | undefined): number | undefined => (every(value).length === 0 ? undefined : median(every(value)));
  const drains = every((run) => run.drainSeconds);
  const drainSeconds = of((run) => run.drainSeconds);
  const memory = every((run) => run.peakRssBytes);
  return {
    tool,
    rounds: good.length,
    failures,
    drainSeconds,
    minDrainSeconds: drains.length === 0 ? undefined : Math.min(...drains),
    maxDrainSeconds: drains.length === 0 ? undefined : Math.max(...drains),
    changesPerSecond: drainSeconds === undefined ? undefined : changes / drainSeconds,
    transactionsPerSecond: drainSeconds === undefined ? undefined : transactions / drainSeconds,
    startSeconds: of((run) => run.startSeconds),
    wholeSeconds: of(wholeSeconds),
    toolCpuSeconds: of((run) => run.toolCpuSeconds),
    sourceCpuSeconds: of((run) => run.sourceCpuSeconds),
    targetCpuSeconds: of((run) => run.targetCpuSeconds),
    otherCpuSeconds: of((run) => run.otherCpuSeconds),
    idleSeconds: of((run) => run.idleSeconds),
    diskWaitSeconds: of((run) => run.diskWaitSeconds),
    peakRssBytes: memory.length === 0 ? undefined : Math.max(...memory),
  };
}

function wholeSeconds(run: Drain): number {
  return run.startSeconds + run.drainSeconds;
}

const COLUMNS: readonly Column<ToolSummary>[] = [
  ["tool", (tool) => tool.tool],
  ["drain s", (tool) => (tool.failures.length > 0 ? "FAILED" : figure(tool.drainSeconds, 2))],
  ["min-max", (tool) => (tool.minDrainSeconds === undefined ? "-" : `${figure(tool.minDrainSeconds, 1)}-${figure(tool.maxDrainSeconds, 1)}`)],
  ["changes/s", (tool) => figure(tool.changesPerSecond, 0)],
  ["transactions/s", (tool) => figure(tool.transactionsPerSecond, 0)],
  ["start s", (tool) => figure(tool.startSeconds, 2)],
  ["whole s", (tool) => figure(tool.wholeSeconds, 2)],
  ["tool CPU s", (tool) => figure(tool.toolCpuSeconds, 1)],
  ["source CPU s", (tool) => figure(tool.sourceCpuSeconds, 1)],
  ["target CPU s", (tool) => figure(tool.targetCpuSeconds, 1)],
  ["other CPU s", (tool) => figure(tool.otherCpuSeconds, 1)],
  ["idle s", (tool) => figure(tool.idleSeconds, 1)],
  ["disk wait s", (tool) => figure(tool.diskWaitSeconds, 1)],
  ["RSS MB", (tool) => figure(tool.peakRssBytes === undefined ? undefined : tool.peakRssBytes / 1e6, 0)],
];

/** The summary as text for a terminal. */
export function renderApplySummary(summary: ApplySummary): string {
  const lines = tableLines(COLUMNS, summary.tools);
  const range = (ratio: Ratio): string => `${figure(ratio.median, 2)} (${figure(ratio.min, 2)}-${figure(ratio.max, 2)})`;
  for (const { of, to, drain, whole } of summary.ratios) {
    lines.push(`${of} / ${to}: ${range(drain)} times its changes/s while draining, ${range(whole)} with the start (median of paired rounds)`);
  }
  for (const tool of summary.tools) {
    if (tool.failures[0] !== undefined) lines.push(`${tool.tool} FAILED (${tool.failures.length} times), first: ${tool.failures[0]}`);
  }
  return lines.join("\n");
}
