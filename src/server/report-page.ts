import type { Task } from "../task/task-record.ts";
import type { StepTimes } from "../task/task-views.ts";
import type { Verification } from "../task/verification.ts";
import { COMPLETE_STEPS, proofText } from "../complete/report.ts";

/** A page to keep or print: what was moved and aligned, and when. Needs nothing but itself. */
export function reportPage(task: Task, steps: readonly StepTimes[], verifications: readonly Verification[]): string {
  const { summary } = task;
  const completed = summary?.followed?.completed;
  const parts = [
    heading(`Migration ${task.name}`),
    table([
      ["task", task.id],
      ["state", task.state],
      ["source", task.source.replace(/^source /, "")],
      ["target", task.target.replace(/^target /, "")],
      ["type", task.options.type],
      ["created", time(task.createdAt)],
      ["started", time(task.startedAt)],
      ["ended", time(task.endedAt)],
      ["alarms accepted", task.accepted.map(({ check, by, at }) => `${check} (${by}, ${at})`).join("; ")],
      ["error", task.error === null ? "" : `${task.error.code}: ${task.error.message}`],
    ]),
  ];
  if (summary !== null) {
    const { tables, rows, bytes, databases, indexes, constraints, sequences, largeObjects, materializedViews, roles, seconds } = summary;
    const moved = { databases, roles, tables, rows, bytes, indexes, constraints, sequences, "large objects": largeObjects, "materialized views": materializedViews, seconds };
    parts.push(heading("Moved", 2), table(Object.entries(moved).map(([name, value]) => [name, typeof value === "number" ? value.toLocaleString("en") : ""])));
  }
  if (summary?.followed !== undefined) parts.push(heading("Changes followed", 2), table(Object.entries(summary.followed.changes).map(([name, value]) => [name, plain(value)])));
  if (completed !== undefined) {
    parts.push(
      heading("Completed", 2),
      table([
        ["began", completed.startedAt],
        ["seconds", completed.seconds.toFixed(1)],
        ["drained up to", Object.entries(completed.stops).map(([database, stop]) => `${database}: ${stop}`).join("; ")],
        ["writes paused", completed.writePauseMs === null ? "not fenced" : `${completed.writePauseMs} ms`],
        ["writes behind the fence", Object.entries(completed.proofs).map(([database, proof]) => `${database}: ${proofText(proof)}`).join("; ")],
      ]),
      grid(["step", "database", "seconds", "aligned", "notes"], completed.steps.map(({ step, database, seconds, aligned, notes }) => [
        COMPLETE_STEPS[step], database, seconds.toFixed(2), aligned.map(({ object, from, to }) => `${object}: ${from === undefined ? "" : `${from} → `}${to}`).join("\n"), notes.join("\n"),
      ])),
    ); // prettier-ignore
  }
  if (steps.length > 0) {
    parts.push(
      heading("Steps of the last run", 2),
      grid(["step", "database", "began", "ended", "seconds"], steps.map(({ step, database, startedAt, finishedAt, seconds }) => [step, database ?? "", time(startedAt), time(finishedAt), seconds?.toFixed(1) ?? ""])),
    ); // prettier-ignore
  }
  if (verifications.length > 0) {
    parts.push(
      heading("Comparisons", 2),
      grid(["began", "ended", "by", "tables", "rows", "result"], verifications.map(({ startedAt, endedAt, startedBy, doneTables, rows, state, differences }) => [
        time(startedAt), time(endedAt), startedBy, String(doneTables), rows?.toLocaleString("en") ?? "", differences > 0 ? `${state}: ${differences} tables` : state,
      ])),
    ); // prettier-ignore
  }
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escape(task.name)}</title><style>${STYLE}</style></head>
<body>${parts.join("\n")}<p class="made">Made by Godwit on ${time(new Date())}.</p></body></html>
`;
}

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;max-width:960px;margin:2rem auto;padding:0 1rem;color:#1a1d21;background:#fff}h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid #dfe3e8;white-space:pre-line;overflow-wrap:anywhere}th{font-weight:600;width:11rem}
thead th{width:auto;background:#f5f6f8}.made{color:#5b6470;margin-top:2rem}`;

function heading(text: string, level = 1): string {
  return `<h${level}>${escape(text)}</h${level}>`;
}

function table(rows: readonly (readonly [string, string])[]): string {
  const shown = rows.filter(([, value]) => value !== "");
  return `<table>${shown.map(([name, value]) => `<tr><th scope="row">${escape(name)}</th><td>${escape(value)}</td></tr>`).join("")}</table>`;
}

function grid(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = columns.map((column) => `<th scope="col">${escape(column)}</th>`).join("");
  const body = rows.map((row) => `<tr>${row.map((cell) => `<td>${escape(cell)}</td>`).join("")}</tr>`).join("");
  return `<table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table>`;
}

function plain(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

function time(moment: Date | null): string {
  return moment === null ? "" : `${moment.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
