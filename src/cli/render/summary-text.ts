import type { MigrationSummary, Step } from "../../task/events.ts";
import { completeText } from "../../complete/report.ts";
import { countOf, formatBytes, formatCount, formatSeconds } from "./figures.ts";
import { type Paint, fitTo, wrap } from "./output.ts";
import { STEP_NAMES } from "./step-names.ts";

/** The end of a migration as lines: how it went, what was moved, where the time went. */
export function summaryText(summary: MigrationSummary, paint: Paint, columns: number): string[] {
  const took = formatSeconds(summary.seconds);
  const indented = (text: string): string[] => wrap(text, columns - 2).map((line) => `  ${line}`);
  if (summary.state !== "succeeded") {
    const [first = "", ...rest] = indented(`${paint.strong(FAILURES[summary.state])} after ${took}${movedSoFar(summary)}`);
    return [`${paint.bad("✗")} ${first.trimStart()}`, ...rest];
  }
  return [
    `${paint.good("✓")} ${paint.strong(`Done in ${took}`)}`,
    ...inventory(summary).flatMap(indented),
    ...timeTable(summary, paint),
    ...followedText(summary).flatMap(indented),
  ];
}

const FAILURES: Readonly<Record<Exclude<MigrationSummary["state"], "succeeded">, string>> = {
  checkFailed: "Stopped by the precheck, nothing was written,",
  failed: "Failed",
  interrupted: "Interrupted",
};

function movedSoFar(summary: MigrationSummary): string {
  return summary.rows === 0 ? "" : `, with ${countOf(summary.rows, "row")} copied`;
}

function inventory(summary: MigrationSummary): string[] {
  const data = summary.bytes > 0 ? `, ${countOf(summary.rows, "row")}, ${formatBytes(summary.bytes)}` : "";
  const rest = [
    count(summary.databases > 1 ? summary.databases : 0, "database"),
    count(summary.indexes, "index"),
    count(summary.constraints, "constraint"),
    count(summary.sequences, "sequence"),
    count(summary.materializedViews, "materialized view"),
    count(summary.largeObjects, "large object"),
    count(summary.roles, "role"),
  ].filter((text) => text !== "");
  const lines = [];
  if (summary.verifiedTables !== undefined && summary.bytes === 0) {
    const rows = summary.rows > 0 ? `, ${countOf(summary.rows, "row")}` : ""; // an earlier run has moved and counted them
    return [`${countOf(summary.verifiedTables, "table")} and materialized views${rows}: all equal on both sides`];
  }
  if (summary.tables > 0) lines.push(`${countOf(summary.tables, "table")}${data}`);
  if (rest.length > 0) lines.push(rest.join(", "));
  if (summary.verifiedTables !== undefined) lines.push(`compared row by row: ${countOf(summary.verifiedTables, "table")} and materialized views, all equal on both sides`);
  return lines;
}

/** What became of the changes, and what Complete did. */
function followedText({ followed }: MigrationSummary): string[] {
  if (followed === undefined) return [];
  const { received, applied, skipped, conflicts } = followed.changes;
  const left = skipped === 0 ? "" : `, ${formatCount(skipped)} left out by the policy for conflicts`;
  return [
    "",
    `${countOf(received, "change")} followed since the copy: ${formatCount(applied)} applied${left}`,
    ...conflicts.slice(0, 20).map((conflict) => `conflict, ${conflict}`),
    ...completeText(followed.completed).trimEnd().split("\n"),
  ];
}

function count(number: number, noun: string): string {
  return number === 0 ? "" : countOf(number, noun);
}

/** Steps below 2 % of the time are not worth a line. */
function timeTable(summary: MigrationSummary, paint: Paint): string[] {
  const steps = Object.entries(summary.steps).filter(([, seconds]) => seconds >= 0.02 * summary.seconds && seconds >= 0.1);
  if (steps.length < 2) return [];
  const longest = Math.max(...steps.map(([, seconds]) => seconds));
  const lines = steps.map(([step, seconds]) => {
    const name = STEP_NAMES[step as Step] ?? step;
    const bar = "█".repeat(Math.max(1, Math.round((24 * seconds) / longest)));
    return `  ${fitTo(name, 20)}${formatSeconds(seconds).padStart(12)}  ${paint.accent(bar)}`;
  });
  return ["", ...lines];
}
