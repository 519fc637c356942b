import { displayName } from "../../catalog/catalog.ts";
import type { DatabaseChanges } from "../../task/task-changes.ts";
import { formatCount } from "./figures.ts";

const COLUMNS = ["table", "inserts", "updates", "deletes", "truncates", "applied", "skipped"] as const;

/** What came of the changes, for people: a table of figures per database, and below it the conflicts. */
export function changesText(all: readonly DatabaseChanges[]): string {
  if (all.length === 0) return "No changes are followed at present.\n";
  return all.map((one) => `${[`database ${one.database}`, ...figures(one), ...conflictLines(one)].join("\n")}\n`).join("\n");
}

function figures({ tables }: DatabaseChanges): string[] {
  if (tables.length === 0) return ["  no changes yet"];
  const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
  const rows = tables.map(({ schema, name, received, applied, skipped }) => [displayName({ schema, name }), ...[...received, sum(applied), sum(skipped)].map(formatCount)]);
  const widths = COLUMNS.map((column, at) => Math.max(column.length, ...rows.map((row) => row[at]!.length)));
  const line = (cells: readonly string[]): string => `  ${cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join("  ")}`;
  return [line(COLUMNS), ...rows.map(line)];
}

function conflictLines({ conflicts }: DatabaseChanges): string[] {
  if (conflicts.length === 0) return [];
  const lines = conflicts.map(
    ({ at, schema, name, kind, found, action, key }) =>
      `  ${at.toISOString().slice(0, 19)}Z ${action}: ${kind} of ${displayName({ schema, name })}, ${found}, ${JSON.stringify(key)}`,
  );
  return ["  conflicts, the newest first:", ...lines];
}
