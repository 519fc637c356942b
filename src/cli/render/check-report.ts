import type { CheckItem } from "../../precheck/check.ts";
import { countOf } from "./figures.ts";
import { type Paint, wrap } from "./output.ts";

/**
 * The result of a precheck as lines: what failed first, then the alarms, each with its evidence, reason and fix; what
 * passed is only counted.
 */
export function checkReport(items: readonly CheckItem[], paint: Paint, columns: number): string[] {
  const failed = items.filter((item) => item.result === "failed");
  const alarms = items.filter((item) => item.result === "alarm");
  const passed = items.length - failed.length - alarms.length;
  const lines = [...failed, ...alarms].flatMap((item) => [...checkLines(item, paint, columns), ""]);
  if (passed > 0) lines.push(`${paint.good("✓")} ${countOf(passed, "check")} passed`);
  return lines;
}

function checkLines(item: CheckItem, paint: Paint, columns: number): string[] {
  const mark = item.result === "failed" ? paint.bad("✗ failed") : paint.warn("! alarm");
  return [
    `${mark}  ${paint.strong(item.title)}  ${paint.dim(`${item.scope}, ${item.id}`)}`,
    // Checks have shortened what may be: what is left is to be seen.
    ...item.evidence.map((line) => `    ${line}`),
    ...labelled("why", item.why, paint, columns),
    ...labelled("fix", item.fix, paint, columns),
    // SQL is for copying: never wrapped.
    ...(item.fixSql === undefined ? [] : item.fixSql.split("\n").map((line) => `       ${paint.accent(line)}`)),
  ];
}

function labelled(label: string, text: string, paint: Paint, columns: number): string[] {
  if (text === "") return [];
  return wrap(text, Math.max(20, columns - 7)).map((line, at) => `  ${at === 0 ? paint.dim(label) : "   "}  ${line}`);
}
