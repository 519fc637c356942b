import type { MigrationEvent } from "../../task/events.ts";
import { type Paint, wrap } from "./output.ts";

type ErrorEvent = Extract<MigrationEvent, { event: "error" }>;

/** An error as lines: what happened, to which object where the sentence does not say it, and what to do. */
export function errorText(error: Omit<ErrorEvent, "event">, paint: Paint, columns: number): string[] {
  const [first = "", ...rest] = wrap(`${error.code}: ${error.message}`, columns - 2);
  const lines = [`${paint.bad("✗")} ${paint.strong(first)}`, ...rest.map((line) => `  ${line}`)];
  if (error.object !== undefined && !error.message.includes(error.object)) lines.push(`  ${paint.dim("object")} ${error.object}`);
  return [...lines, ...wrap(error.advice, columns - 4).map((line, at) => `${at === 0 ? "  → " : "    "}${line}`)];
}
