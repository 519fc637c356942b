import type { CheckItem } from "../../precheck/check.ts";
import type { MigrationEvent } from "../../task/events.ts";
import { checkReport } from "./check-report.ts";
import { errorText } from "./error-text.ts";
import { countOf, formatBytes, formatCount, formatEta, formatSeconds } from "./figures.ts";
import { type Paint, paintWith } from "./output.ts";
import { RateMeter, type Rates } from "../../task/rate-meter.ts";
import type { Reporter, ReporterOptions } from "./reporter.ts";
import { streamFigures } from "./stream-figures.ts";
import { writableText } from "../../task/task-log.ts";
import { summaryText } from "./summary-text.ts";

/** Rates are measured more often than they are printed: a line never shows a rate that was not measured. */
const SAMPLE_EVERY_MS = 1000;
const SAMPLES_PER_LINE = 10;

/** A table or an object gets a line of its own when it took this long. */
const NOTABLE_SECONDS = 5;

/** Lines of a log are read in files and mails: wrapped like those. */
const COLUMNS = 120;

/** One line for what is worth a line, each with the time (UTC): for logs, CI and cron. */
export class PlainReporter implements Reporter {
  readonly #options: ReporterOptions;
  readonly #paint: Paint;
  readonly #meter = new RateMeter();
  readonly #timer: NodeJS.Timeout;
  #checks: CheckItem[] = [];
  #samples = 0;

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#paint = paintWith(options.colour);
    this.#timer = setInterval(() => this.#tick(), SAMPLE_EVERY_MS).unref();
  }

  readonly report = (event: MigrationEvent): void => {
    if (event.event === "check") this.#checks.push(event.item);
    else if ((event.event === "step" && event.step !== "precheck") || event.event === "error" || event.event === "summary") this.#printChecks();
    const line = eventLine(event);
    if (line !== undefined) this.#print(line);
    if (event.event === "step" && event.step === "precheck" && event.state === "finished") this.#printChecks();
    if (event.event === "error") this.#block(errorText(event, this.#paint, COLUMNS), this.#options.errors);
    if (event.event === "summary") {
      clearInterval(this.#timer);
      this.#block(summaryText(event, this.#paint, COLUMNS));
    }
  };

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#printChecks();
  }

  #printChecks(): void {
    if (this.#checks.length > 0) this.#block(checkReport(this.#checks, this.#paint, COLUMNS));
    this.#checks = [];
  }

  #tick(): void {
    const rates = this.#meter.sample(this.#options.progress, this.#options.now());
    if (++this.#samples % SAMPLES_PER_LINE === 0) this.#progress(rates);
  }

  #progress(rates: Rates): void {
    const { progress } = this.#options;
    if (progress.step === "copy") {
      const eta = rates.etaSeconds === undefined ? "" : `, about ${formatEta(rates.etaSeconds)} left`;
      const speed = `${formatBytes(rates.bytesPerSecond)}/s, ${formatCount(rates.rowsPerSecond)} rows/s`;
      this.#print(`copy: ${Math.floor(100 * rates.fraction)} %, ${formatCount(progress.doneTables)} of ${countOf(progress.totalTables, "table")}, ${speed}${eta}`);
    } else if (progress.stream !== undefined) this.#print(`${progress.step}: ${streamFigures(progress.stream).join(", ")}`);
    else if (progress.step === "index") this.#print(`index: ${formatCount(progress.doneIndexes)} of ${formatCount(progress.totalIndexes)}`);
    else for (const lane of progress.lanes.values()) this.#print(`${progress.step}: ${lane.doing}`);
  }

  #print(line: string): void {
    const time = new Date(this.#options.now()).toISOString().slice(11, 19);
    this.#options.output.write(`${time} ${line}\n`);
  }

  #block(lines: readonly string[], output = this.#options.output): void {
    if (lines.length > 0) output.write(`${lines.join("\n")}\n`);
  }
}

/** The line of an event, or undefined when it is not worth one here. */
function eventLine(event: MigrationEvent): string | undefined {
  switch (event.event) {
    case "step": {
      const where = event.database === undefined ? event.step : `${event.step} ${event.database}`;
      if (event.state === "started") return `${where}: started`;
      const took = event.seconds === undefined ? "" : ` in ${formatSeconds(event.seconds)}`;
      return `${where}: finished${took}${event.detail === undefined ? "" : `, ${event.detail}`}`;
    }
    case "table":
      if (event.seconds < NOTABLE_SECONDS) return undefined;
      return `copied ${event.table}: ${countOf(event.rows, "row")}, ${formatBytes(event.bytes)} in ${formatSeconds(event.seconds)}`;
    case "object":
      return event.seconds < NOTABLE_SECONDS ? undefined : `made ${event.kind.toLowerCase()} ${event.name} in ${formatSeconds(event.seconds)}`;
    case "notice":
      return `${event.level === "warning" ? "warning: " : ""}${event.message}${objectSuffix(event.message, event.object)}`;
    case "writable":
      return writableText(event.database);
    case "difference":
      return `differs: ${event.database}: ${event.table}: ${event.reason}${event.keys.length > 0 ? `, first keys: ${event.keys.join(" ")}` : ""}`;
    default:
      return undefined; // checks, errors and the summary are blocks
  }
}

function objectSuffix(message: string, object: string | undefined): string {
  return object === undefined || message.includes(object) ? "" : ` (${object})`;
}
