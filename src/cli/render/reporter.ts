import type { MigrationProgress, Report } from "../../task/events.ts";
import { maskEvent } from "../../task/mask-passwords.ts";
import { JsonReporter } from "./json.ts";
import { type Output, canRedraw, wantsColour } from "./output.ts";
import { PlainReporter } from "./plain.ts";
import { printableEvent } from "./printable.ts";
import { TtyReporter } from "./tty.ts";

/** Shows a migration to somebody. Dispose it in every case: a live one has hidden the cursor. */
export interface Reporter extends Disposable {
  readonly report: Report;
}

export interface ReporterOptions {
  readonly output: Output;
  /** Where plain text sends errors: process.stderr. */
  readonly errors: Output;
  readonly progress: MigrationProgress;
  readonly colour: boolean;
  /** Milliseconds since 1970, as Date.now. */
  readonly now: () => number;
}

/** Which reporter: JSON lines when asked for, live on a terminal, plain lines otherwise. */
export interface ReporterChoice {
  readonly json: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Opens the reporter for process.stdout (or a stand-in). No password gets as far as it. */
export function openReporter(progress: MigrationProgress, choice: ReporterChoice, output: Output = process.stdout): Reporter {
  const { environment } = choice;
  const options: ReporterOptions = { output, errors: process.stderr, progress, colour: wantsColour(output, environment), now: Date.now };
  const reporter = choice.json ? new JsonReporter(options) : canRedraw(output, environment) ? new TtyReporter(options) : new PlainReporter(options);
  // JSON escapes them by itself.
  const shown: typeof printableEvent = choice.json ? (event) => event : printableEvent;
  return { report: (event) => reporter.report(shown(maskEvent(event))), [Symbol.dispose]: () => reporter[Symbol.dispose]() };
}
