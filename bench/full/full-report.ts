import type { SourceDatabase } from "../databases.ts";
import type { Measurement } from "./measurement.ts";
import { type Ratio, median, pairedRatio } from "../statistics.ts";
import { type Column, figure, tableLines } from "../text-table.ts";

/** One tool's counted rounds in figures; all are medians. */
interface ToolSummary {
  readonly tool: string;
  readonly rounds: number;
  readonly failures: readonly string[];
  readonly wallSeconds: number | undefined;
  readonly minWallSeconds: number | undefined;
  readonly maxWallSeconds: number | undefined;
  readonly steps: Readonly<Record<string, number>>;
  /** Of the tables' heap and TOAST. */
  readonly megabytesPerSecond: number | undefined;
  readonly toolCpuSeconds: number | undefined;
  /** Bytes of COPY data: the tool's own count, else another tool's. */
  readonly relayedBytes: number | undefined;
  /** Of these, for an empty database: the program's start, the catalog. */
  readonly startCpuSeconds: number | undefined;
  /** Without the start. */
  readonly toolCpuSecondsPerGb: number | undefined;
  readonly sourceCpuSeconds: number | undefined;
  readonly targetCpuSeconds: number | undefined;
  readonly otherCpuSeconds: number | undefined;
  readonly idleSeconds: number | undefined;
  readonly diskWaitSeconds: number | undefined;
  readonly peakRssBytes: number | undefined;
}

export interface ShapeSummary {
  readonly tools: readonly ToolSummary[];
  /** Wall time of the first tool to each other one, paired by round. */
  readonly ratios: readonly { readonly of: string; readonly to: string; readonly wall: Ratio }[];
}

/** With less data than this a tool's CPU time is its start and the catalog: per gigabyte it would mean nothing. */
const LEAST_RELAYED_BYTES = 100e6;

/** Figures of all counted rounds. A tool that failed in any round has no figures: a fast failure must not look like speed. */
export function summarize(source: SourceDatabase, tools: readonly string[], measurements: readonly Measurement[], startCpu: ReadonlyMap<string, number> = new Map()): ShapeSummary {
  const someRelayedBytes = measurements.find((run) => run.relayedBytes !== undefined)?.relayedBytes;
  const counted = measurements.filter((run) => run.round > 0);
  const ofTool = (tool: string): Measurement[] => counted.filter((run) => run.tool === tool);
  const first = tools[0];
  const failed = new Set(measurements.filter((run) => run.failure !== undefined).map((run) => run.tool));
  const walls = (tool: string): (number | undefined)[] => ofTool(tool).map((run) => (failed.has(tool) ? undefined : run.wallSeconds));
  return {
    tools: tools.map((tool) =>
      summarizeTool(
        tool,
        source,
        someRelayedBytes,
        startCpu.get(tool),
        ofTool(tool),
        measurements.flatMap((run) => (run.tool === tool && run.failure !== undefined ? [run.failure] : [])),
      ),
    ),
    ratios: tools.slice(1).flatMap((other) => {
      const wall = first === undefined ? undefined : pairedRatio(walls(first), walls(other));
      return first === undefined || wall === undefined ? [] : [{ of: first, to: other, wall }];
    }),
  };
}

function summarizeTool(
  tool: string,
  source: SourceDatabase,
  someRelayedBytes: number | undefined,
  startCpuSeconds: number | undefined,
  runs: readonly Measurement[],
  failures: readonly string[],
): ToolSummary {
  const good = failures.length === 0 ? runs : [];
  const of = (figure: (run: Measurement) => number | undefined): number | undefined => {
    const values = good.map(figure).filter((value) => value !== undefined);
    return values.length === 0 ? undefined : median(values);
  };
  const wallSeconds = of((run) => run.wallSeconds);
  const relayedBytes = of((run) => run.relayedBytes) ?? someRelayedBytes;
  const toolCpuSeconds = of((run) => run.toolCpuSeconds);
  const walls = good.map((run) => run.wallSeconds);
  return {
    tool,
    rounds: runs.length,
    failures,
    wallSeconds,
    minWallSeconds: walls.length === 0 ? undefined : Math.min(...walls),
    maxWallSeconds: walls.length === 0 ? undefined : Math.max(...walls),
    steps: Object.fromEntries(Object.keys(good[0]?.steps ?? {}).map((step) => [step, of((run) => run.steps[step]) ?? 0])),
    megabytesPerSecond: wallSeconds === undefined ? undefined : source.tableBytes / 1e6 / wallSeconds,
    toolCpuSeconds,
    relayedBytes,
    startCpuSeconds,
    toolCpuSecondsPerGb:
      toolCpuSeconds === undefined || relayedBytes === undefined || relayedBytes < LEAST_RELAYED_BYTES
        ? undefined
        : (toolCpuSeconds - (startCpuSeconds ?? 0)) / (relayedBytes / 1e9),
    sourceCpuSeconds: of((run) => run.sourceCpuSeconds),
    targetCpuSeconds: of((run) => run.targetCpuSeconds),
    otherCpuSeconds: of((run) => run.otherCpuSeconds),
    idleSeconds: of((run) => run.idleSeconds),
    diskWaitSeconds: of((run) => run.diskWaitSeconds),
    peakRssBytes: of((run) => run.peakRssBytes),
  };
}

const COLUMNS: readonly Column<ToolSummary>[] = [
  ["tool", (tool) => tool.tool],
  ["wall s", (tool) => (tool.failures.length > 0 ? "FAILED" : figure(tool.wallSeconds, 2))],
  ["min-max", (tool) => (tool.minWallSeconds === undefined ? "-" : `${figure(tool.minWallSeconds, 1)}-${figure(tool.maxWallSeconds, 1)}`)],
  ["MB/s", (tool) => figure(tool.megabytesPerSecond, 0)],
  ["copied MB", (tool) => figure(tool.relayedBytes === undefined ? undefined : tool.relayedBytes / 1e6, 0)],
  ["tool CPU s", (tool) => figure(tool.toolCpuSeconds, 1)],
  ["of it start", (tool) => figure(tool.startCpuSeconds, 1)],
  ["CPU s/GB", (tool) => figure(tool.toolCpuSecondsPerGb, 2)],
  ["source CPU s", (tool) => figure(tool.sourceCpuSeconds, 1)],
  ["target CPU s", (tool) => figure(tool.targetCpuSeconds, 1)],
  ["other CPU s", (tool) => figure(tool.otherCpuSeconds, 1)],
  ["idle s", (tool) => figure(tool.idleSeconds, 1)],
  ["disk wait s", (tool) => figure(tool.diskWaitSeconds, 1)],
  ["RSS MB", (tool) => figure(tool.peakRssBytes === undefined ? undefined : tool.peakRssBytes / 1e6, 0)],
  ["steps", (tool) => Object.entries(tool.steps).map(([step, seconds]) => `${step} ${figure(seconds, 1)}`).join(", ")], // prettier-ignore
];

/** The summary as text for a terminal. */
export function renderSummary(summary: ShapeSummary): string {
  const lines = tableLines(COLUMNS, summary.tools);
  for (const { of, to, wall } of summary.ratios) {
    lines.push(`${of} / ${to}: ${figure(wall.median, 3)} of its wall time (median of paired rounds; ${figure(wall.min, 3)}-${figure(wall.max, 3)})`);
  }
  for (const tool of summary.tools) {
    if (tool.failures[0] !== undefined) lines.push(`${tool.tool} FAILED (${tool.failures.length} times), first: ${tool.failures[0]}`);
  }
  return lines.join("\n");
}
