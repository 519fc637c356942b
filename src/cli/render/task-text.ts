import type { MigrationProgress } from "../../task/events.ts";
import { type WorkState, isAtWork } from "../../task/states.ts";
import { unattended } from "../../task/at-rest.ts";
import type { Task } from "../../task/task-record.ts";
import { errorText } from "./error-text.ts";
import { countOf, formatBytes, formatCount } from "./figures.ts";
import { type Paint, cutTo, displayWidth, fitTo, paintWith, wantsColour, wrap } from "./output.ts";
import { STEP_NAMES } from "./step-names.ts";
import { streamFigures } from "./stream-figures.ts";
import { summaryText } from "./summary-text.ts";

interface Shown {
  readonly task: Task;
  readonly progress: MigrationProgress | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

const LABEL_COLUMNS = 12;

/** A task as a block of lines: what it is, where it stands, what went wrong, what may be done. */
export function taskText({ task, progress }: Shown, environment: Environment): string {
  const paint = paintWith(wantsColour(process.stdout, environment));
  const columns = Math.max(60, process.stdout.columns ?? 120);
  const line = (label: string, text: string): string[] => (text === "" ? [] : [`  ${paint.dim(fitTo(label, LABEL_COLUMNS))}${text}`]);
  const lines = [
    `${paint.strong(task.id)}  ${task.name}`,
    ...line("state", stateText(task, paint)),
    ...line("source", task.source.replace(/^source /, "")),
    ...line("target", task.target.replace(/^target /, "")),
    ...line("moves", movesText(task)),
    ...line("step", isUnderWay(task) && progress !== undefined ? `${STEP_NAMES[progress.step]}${figures(progress)}` : ""),
    ...(isUnderWay(task) && progress !== undefined ? [...progress.lanes.values()].slice(0, 16).flatMap((lane, at) => line(at === 0 ? "lanes" : "", lane.doing)) : []),
    ...(isUnderWay(task) && progress !== undefined ? progress.waits.flatMap((wait, at) => line(at === 0 ? "waits" : "", wait)) : []),
    ...(isUnderWay(task) ? (progress?.stream?.alarms ?? []).flatMap((alarm, at) => line(at === 0 ? "alarms" : "", paint.warn(alarm))) : []),
    ...line("accepted", task.accepted.map(({ check, by, at }) => `${check} (${by}, ${at.slice(0, 16)}Z)`).join(", ")),
    ...line("limits", limitsText(task)),
    ...line("tags", tagsText(task)),
    ...line("created", time(task.createdAt)),
    ...line("starts at", task.state === "scheduled" || task.startedAt === null ? time(task.scheduledAt) : ""),
    ...line("started", time(task.startedAt)),
    ...line("ended", time(task.endedAt)),
    ...line("next try", time(task.nextTryAt)),
    ...line("actions", task.allowedActions.join(", ")),
  ];
  if (task.error !== null) lines.push(...errorText(task.error, paint, columns));
  if (task.summary !== null) lines.push(...summaryText(task.summary, paint, columns));
  const atRest = unattended(task);
  if (atRest !== "") lines.push(...wrap(atRest, columns));
  if (task.state === "terminated" && task.startedAt !== null) lines.push("What it has created on the target is still there: empty the target before another migration into it.");
  return `${lines.join("\n")}\n`;
}

/** One line per task, below a header; the widest columns give way on a narrow terminal. */
export function taskTable(shown: readonly Shown[], environment: Environment): string {
  if (shown.length === 0) return "No tasks.\n";
  const paint = paintWith(wantsColour(process.stdout, environment));
  const rows = shown.map(({ task, progress }) => [
    task.id,
    task.state,
    isUnderWay(task) && progress !== undefined ? `${STEP_NAMES[progress.step]}${percent(progress)}` : "",
    time(task.createdAt),
    [task.name, tagsText(task)].filter((text) => text !== "").join("  "),
  ]);
  const header = ["id", "state", "step", "created", "name"];
  const widths = header.map((name, at) => Math.max(name.length, ...rows.map((row) => displayWidth(row[at] ?? ""))));
  const room = process.stdout.columns ?? Number.POSITIVE_INFINITY;
  const lineOf = (cells: readonly string[]): string => cutTo(cells.map((cell, at) => fitTo(cell, widths[at] ?? 0)).join("  ").trimEnd(), room); // prettier-ignore
  return `${[paint.dim(lineOf(header)), ...rows.map(lineOf)].join("\n")}\n`;
}

/** Whether a run is at work on it, or was and will go on. */
function isUnderWay({ state, before }: Task): boolean {
  return isAtWork(state) || (before !== undefined && isAtWork(before satisfies WorkState));
}

function stateText({ state, before }: Task, paint: Paint): string {
  const colour = state === "succeeded" ? paint.good : state === "failed" || state === "checkFailed" ? paint.bad : state === "retrying" ? paint.warn : paint.accent;
  return `${colour(state)}${before === undefined ? "" : ` (was ${before})`}`;
}

const MOVES: Readonly<Record<Task["options"]["type"], string>> = { structure: "structure", full: "structure and data", "full+incremental": "structure, data and changes" };

function movesText({ options }: Task): string {
  const list = (name: string, patterns: Task["options"]["include"]): string[] =>
    patterns.length === 0 ? [] : [`${name} ${patterns.map(({ kind, pattern }) => `${kind}=${pattern}`).join(" ")}`];
  const flags = [options.noOwner && "no owner", options.noPrivileges && "no privileges", options.publications && "publications", options.verify && "verify"];
  const what = MOVES[options.type];
  const maps = Object.entries(options.tablespaceMap).map(([from, to]) => `tablespace ${from}=${to}`);
  return [what, ...(options.instance ? ["whole instance"] : []), ...list("include", options.include), ...list("exclude", options.exclude), ...maps, ...flags.filter(Boolean)].join(
    ", ",
  );
}

function figures(progress: MigrationProgress): string {
  const { step, doneTables, totalTables, doneIndexes, totalIndexes, copiedBytes, copiedRows } = progress;
  if (step === "copy") {
    return `${percent(progress)}, ${formatCount(doneTables)} of ${countOf(totalTables, "table")}, ${formatBytes(copiedBytes)}, ${countOf(copiedRows, "row")}`;
  }
  if (progress.stream !== undefined) return `, ${streamFigures(progress.stream).join(", ")}`;
  if (step === "index") return `, ${formatCount(doneIndexes)} of ${formatCount(totalIndexes)}`;
  return step === "verify" ? `, ${formatCount(doneTables)} of ${countOf(totalTables, "table")}` : "";
}

function percent({ step, doneBytes, totalBytes }: MigrationProgress): string {
  return step === "copy" && totalBytes > 0 ? ` ${Math.floor((100 * doneBytes) / totalBytes)} %` : "";
}

function limitsText({ concurrency, rateLimit }: Task): string {
  return `${countOf(concurrency, "lane")}${rateLimit === null ? "" : `, ${formatBytes(rateLimit)}/s`}`;
}

function tagsText({ tags }: Task): string {
  return Object.entries(tags).map(([name, value]) => `${name}=${value}`).join(" "); // prettier-ignore
}

/** UTC, as in logs. */
function time(moment: Date | null): string {
  return moment === null ? "" : `${moment.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
