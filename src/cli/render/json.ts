import type { MigrationEvent, MigrationProgress } from "../../task/events.ts";
import { RateMeter } from "../../task/rate-meter.ts";
import type { Reporter, ReporterOptions } from "./reporter.ts";

const PROGRESS_EVERY_MS = 1000;

/** What the one line per second says: the counters, and what a reader would have to compute from several of them. */
export interface ProgressEvent extends Omit<MigrationProgress, "lanes"> {
  readonly event: "progress";
  readonly percent: number;
  readonly bytesPerSecond: number;
  readonly rowsPerSecond: number;
  readonly etaSeconds: number | null;
  /** What is worked on right now. */
  readonly doing: readonly string[];
}

/** One JSON object per line, with the time it was written; the last one is the summary. */
export class JsonReporter implements Reporter {
  readonly #options: ReporterOptions;
  readonly #meter = new RateMeter();
  readonly #timer: NodeJS.Timeout;

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#write(this.#progress()), PROGRESS_EVERY_MS).unref();
  }

  readonly report = (event: MigrationEvent): void => {
    if (event.event === "summary") clearInterval(this.#timer);
    this.#write(event);
  };

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #progress(): ProgressEvent {
    const { progress, now } = this.#options;
    const rates = this.#meter.sample(progress, now());
    const { lanes, ...counters } = progress;
    return {
      event: "progress",
      ...counters,
      percent: Math.floor(100 * rates.fraction),
      bytesPerSecond: Math.round(rates.bytesPerSecond),
      rowsPerSecond: Math.round(rates.rowsPerSecond),
      etaSeconds: rates.etaSeconds === undefined ? null : Math.round(rates.etaSeconds),
      doing: [...lanes.values()].map((lane) => lane.doing),
    };
  }

  #write(event: MigrationEvent | ProgressEvent): void {
    const { event: name, ...rest } = event;
    this.#options.output.write(`${JSON.stringify({ event: name, time: new Date(this.#options.now()).toISOString(), ...rest })}\n`);
  }
}
