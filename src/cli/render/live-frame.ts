import type { MigrationProgress, Step } from "../../task/events.ts";
import { countOf, formatBytes, formatCount, formatEta, formatSeconds } from "./figures.ts";
import { type Paint, cutTo, displayWidth, fitTo } from "./output.ts";
import type { Rates } from "../../task/rate-meter.ts";
import { streamFigures } from "./stream-figures.ts";
import { STEP_NAMES } from "./step-names.ts";

/** A step that is under way. */
export interface RunningStep {
  readonly step: Step;
  readonly database: string | undefined;
  readonly sinceMs: number;
}

export interface FrameInput {
  readonly running: readonly RunningStep[];
  readonly progress: MigrationProgress;
  readonly rates: Rates;
  readonly nowMs: number;
  readonly columns: number;
  readonly rows: number;
}

const SPINNER = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/**
 * The part of the screen that is redrawn: each running step, the bar of the last one, and what the lanes do. Pure. No
 * line is wider than the screen, and there are fewer lines than the screen has, or redrawing would leave traces.
 */
export function liveFrame(input: FrameInput, paint: Paint): string[] {
  const { running, progress, columns, nowMs } = input;
  const spinner = SPINNER[Math.floor(nowMs / 125) % SPINNER.length] ?? "";
  const width = columns - 1;
  const lines = running.map((step) => `${paint.accent(spinner)} ${stepName(step, width - 16)}  ${paint.dim(formatSeconds((nowMs - step.sinceMs) / 1000))}`);
  if (running.length === 0) {
    // Work that is no step of a migration, as the demo's preparation.
    return [...progress.lanes.values()].map((lane) => `${paint.accent(spinner)} ${cutTo(lane.doing, width - 16)}  ${paint.dim(formatSeconds((nowMs - lane.since) / 1000))}`);
  }
  const bar = progressLine(input, width, paint);
  if (bar !== undefined) lines.push(bar);
  const lanes = [...progress.lanes.entries()].sort(([a], [b]) => a - b).map(([, lane]) => lane);
  const room = Math.max(0, input.rows - 2 - lines.length);
  const shown = lanes.length <= room ? lanes : lanes.slice(0, Math.max(0, room - 1));
  for (const lane of shown) {
    const counters = lane.counters;
    const facts = [formatSeconds((nowMs - lane.since) / 1000), ...(counters === undefined ? [] : [formatBytes(counters.bytes), countOf(counters.rows, "row")])];
    lines.push(`    ${laneLine(lane.doing, facts, width - 4, paint)}`);
  }
  if (shown.length < lanes.length && room > 0) lines.push(paint.dim(cutTo(`    … and ${lanes.length - shown.length} more`, width)));
  return lines.slice(0, Math.max(1, input.rows - 1));
}

/** "Data", or "Data · shop" where there are several databases. */
export function stepName(step: { readonly step: Step; readonly database?: string | undefined }, columns: number): string {
  const name = STEP_NAMES[step.step];
  return cutTo(step.database === undefined ? name : `${name} · ${step.database}`, columns);
}

function progressLine({ progress, rates }: FrameInput, width: number, paint: Paint): string | undefined {
  if (progress.step === "copy" && progress.totalTables > 0) {
    const eta = rates.etaSeconds === undefined ? [] : [`${formatEta(rates.etaSeconds)} left`];
    const speed = rates.bytesPerSecond > 0 ? [`${formatBytes(rates.bytesPerSecond)}/s`] : [];
    const rows = rates.rowsPerSecond > 0 ? [`${formatCount(rates.rowsPerSecond)} rows/s`] : [];
    return barLine(rates.fraction, [...speed, ...eta, `${formatCount(progress.doneTables)} of ${countOf(progress.totalTables, "table")}`, ...rows], width, paint);
  }
  if (progress.stream !== undefined) return cutTo(`    ${streamFigures(progress.stream).join("   ")}`, width);
  if (progress.step === "index" && progress.totalIndexes > 0) {
    return barLine(progress.doneIndexes / progress.totalIndexes, [`${formatCount(progress.doneIndexes)} of ${formatCount(progress.totalIndexes)}`], width, paint);
  }
  if (progress.step === "verify" && progress.totalTables > 0) {
    return barLine(progress.doneTables / progress.totalTables, [`${formatCount(progress.doneTables)} of ${countOf(progress.totalTables, "table")}`], width, paint);
  }
  return undefined;
}

/** The bar, the percentage, and as many of the facts as there is room for, the most important first. */
function barLine(fraction: number, facts: readonly string[], width: number, paint: Paint): string {
  const cells = Math.max(4, Math.min(30, Math.floor(width / 3)));
  const full = Math.round(cells * fraction);
  const bar = `${paint.accent("█".repeat(full))}${paint.dim("░".repeat(cells - full))}`;
  // Fixed columns: figures that jump sideways cannot be read.
  let text = `${String(Math.floor(100 * fraction)).padStart(3)} %`;
  for (const fact of facts) {
    const longer = `${text}  ${fact.padStart(fact.endsWith("/s") ? 9 : 0)}`;
    if (displayWidth(longer) + cells + 4 > width) break;
    text = longer;
  }
  return `    ${bar}${text}`;
}

function laneLine(doing: string, facts: readonly string[], width: number, paint: Paint): string {
  const name = Math.max(10, Math.min(44, Math.floor(width / 2)));
  let text = "";
  for (const fact of facts) {
    const longer = `${text}  ${fact.padStart(10)}`;
    if (name + displayWidth(longer) > width) break;
    text = longer;
  }
  return `${fitTo(doing, Math.min(name, width))}${paint.dim(text)}`;
}
