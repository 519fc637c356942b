import type { CheckItem } from "../../precheck/check.ts";
import type { MigrationEvent } from "../../task/events.ts";
import { checkReport } from "./check-report.ts";
import { errorText } from "./error-text.ts";
import { formatSeconds } from "./figures.ts";
import { type RunningStep, liveFrame, stepName } from "./live-frame.ts";
import { type Paint, displayWidth, fitTo, paintWith, wrap } from "./output.ts";
import { RateMeter } from "../../task/rate-meter.ts";
import type { Reporter, ReporterOptions } from "./reporter.ts";
import { writableText } from "../../task/task-log.ts";
import { summaryText } from "./summary-text.ts";

const REDRAW_EVERY_MS = 125;

/** Times stand below each other, unless a database's name is long. */
const NAME_COLUMNS = 26;

const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";
/** Erase from the cursor to the end of the screen (ECMA-48 ED 0). */
const ERASE_BELOW = "\u001b[J";

/**
 * Live progress: lines that are finished stay and scroll; below them a few lines are redrawn eight times a second. The
 * cursor is hidden while it runs and comes back in every case: at disposal, and at the exit of the process.
 */
export class TtyReporter implements Reporter {
  readonly #options: ReporterOptions;
  readonly #paint: Paint;
  readonly #meter = new RateMeter();
  readonly #timer: NodeJS.Timeout;
  #running: RunningStep[] = [];
  #checks: CheckItem[] = [];
  /** The lines on the screen that the next drawing replaces. */
  #drawn: readonly string[] = [];
  #open = true;
  /** After an error or the summary nothing is under way, whatever the lanes were doing when it broke off. */
  #isOver = false;

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#paint = paintWith(options.colour);
    options.output.write(HIDE_CURSOR);
    options.output.on?.("resize", this.#redraw);
    process.on("exit", this.#close);
    this.#timer = setInterval(this.#redraw, REDRAW_EVERY_MS).unref();
  }

  readonly report = (event: MigrationEvent): void => {
    if (event.event === "check") this.#checks.push(event.item);
    // Thousands of these may come in a second: the lanes show them while they are made.
    if (event.event === "check" || event.event === "table" || event.event === "object") return;
    if (event.event === "step" && event.state === "started") this.#running.push({ step: event.step, database: event.database, sinceMs: this.#options.now() });
    else this.#print(this.#linesOf(event));
    this.#redraw();
  };

  [Symbol.dispose](): void {
    this.#close();
  }

  /** What an event leaves on the screen for good. */
  #linesOf(event: Exclude<MigrationEvent, { event: "check" | "table" | "object" }>): string[] {
    const paint = this.#paint;
    switch (event.event) {
      case "step": {
        this.#running = this.#running.filter((step) => step.step !== event.step || step.database !== event.database);
        const name = stepName(event, this.#columns - 16);
        const took = event.seconds === undefined ? "" : formatSeconds(event.seconds).padStart(12);
        const passed = this.#checks.filter((item) => item.result === "passed").length;
        const detail = event.detail ?? (event.step === "precheck" && passed > 0 ? `${passed} passed` : undefined);
        const line = `${paint.good("✓")} ${fitTo(name, Math.max(NAME_COLUMNS, displayWidth(name)))}${paint.dim(took)}${detail === undefined ? "" : `  ${paint.dim(detail)}`}`;
        return event.step === "precheck" ? [line, ...this.#takeChecks(true)] : [line];
      }
      case "notice": {
        const [first = "", ...rest] = wrap(event.message, this.#columns - 2);
        return [`${event.level === "warning" ? paint.warn("!") : paint.accent("·")} ${first}`, ...rest.map((line) => `  ${line}`)];
      }
      case "writable":
        return [`${paint.good("✓")} ${paint.strong(writableText(event.database))}`];
      case "difference": {
        const keys = event.keys.length === 0 ? [] : [`    ${paint.dim("first keys")} ${event.keys.join("  ")}`];
        return [`${paint.bad("≠")} ${paint.strong(`${event.database}: ${event.table}`)}  ${event.reason}`, ...keys];
      }
      case "error":
        this.#end();
        return [...this.#takeChecks(false), ...errorText(event, paint, this.#columns)];
      default: // the summary
        this.#end();
        return [...this.#takeChecks(false), "", ...summaryText(event, paint, this.#columns)];
    }
  }

  #end(): void {
    this.#running = [];
    this.#isOver = true;
  }

  /** The check report, once. After a precheck that went through, only what somebody should read. */
  #takeChecks(onlyNotable: boolean): string[] {
    const items = onlyNotable ? this.#checks.filter((item) => item.result !== "passed") : this.#checks;
    this.#checks = [];
    return items.length === 0 ? [] : ["", ...checkReport(items, this.#paint, this.#columns)];
  }

  #print(lines: readonly string[]): void {
    if (lines.length === 0 || !this.#open) return;
    this.#options.output.write(`${this.#eraseDrawn()}${lines.join("\n")}\n`);
    this.#drawn = [];
  }

  readonly #redraw = (): void => {
    if (!this.#open) return;
    const { output, progress, now } = this.#options;
    const rates = this.#meter.sample(progress, now());
    const frame = this.#isOver ? [] : liveFrame({ running: this.#running, progress, rates, nowMs: now(), columns: this.#columns, rows: output.rows ?? 24 }, this.#paint);
    // One write: a terminal that paints between two would flicker.
    if (frame.length > 0 || this.#drawn.length > 0) output.write(`${this.#eraseDrawn()}${frame.map((line) => `${line}\n`).join("")}`);
    this.#drawn = frame;
  };

  /** After the window became narrower, the terminal has wrapped what was drawn: count the rows it takes now. */
  #eraseDrawn(): string {
    const rows = this.#drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(displayWidth(line) / this.#columns)), 0);
    return rows === 0 ? "" : `\u001b[${rows}A\r${ERASE_BELOW}`;
  }

  get #columns(): number {
    return Math.max(20, this.#options.output.columns ?? 80);
  }

  readonly #close = (): void => {
    if (!this.#open) return;
    this.#print(this.#takeChecks(false));
    this.#end();
    this.#redraw();
    this.#open = false;
    clearInterval(this.#timer);
    process.off("exit", this.#close);
    this.#options.output.off?.("resize", this.#redraw);
    this.#options.output.write(SHOW_CURSOR);
  };
}
