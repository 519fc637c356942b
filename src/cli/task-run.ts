import { GodwitError, asGodwitError } from "../errors/godwit-error.ts";
import { type MigrationEvent, type MigrationProgress, type MigrationSummary, type Report, newProgress } from "../task/events.ts";
import { INTERRUPTED, listenForInterrupt } from "./interrupt.ts";
import { maskPasswords } from "../task/mask-passwords.ts";
import { type ReporterChoice, openReporter } from "./render/reporter.ts";

/** What a task is given to tell how it goes, and to be stopped. */
export interface TaskHooks {
  readonly report: Report;
  readonly progress: MigrationProgress;
  readonly signal: AbortSignal;
}

const STOPPING = "stopping cleanly … (Ctrl-C once more ends at once)";

/**
 * Runs a task in front of its audience: events to a reporter, Ctrl-C to the task's signal, the summary last in every
 * case. `adviceAfterInterrupt` is for a task that says nothing about it by itself; `adviceAtOnce` for one that is not given the time to
 * say how it goes on. Returns the exit code; never throws.
 */
export async function runTask(
  choice: ReporterChoice,
  work: (hooks: TaskHooks) => Promise<MigrationSummary>,
  adviceAfterInterrupt = "Run the same command again.",
  adviceAtOnce = adviceAfterInterrupt,
): Promise<number> {
  const progress = newProgress();
  const started = performance.now();
  const steps: Record<string, number> = {};
  using reporter = openReporter(progress, choice);
  using interrupt = listenForInterrupt(
    () => reporter.report({ event: "notice", level: "warning", message: STOPPING }),
    () => {
      fail(new GodwitError("interrupted", "the work was ended at once", { advice: adviceAtOnce }));
      reporter[Symbol.dispose]();
    },
  );
  let copiedTables = 0;
  const fail = (error: GodwitError): void => {
    reporter.report(errorEvent(error));
    // A comparison counts its own tables in progress.doneTables, from 0 on.
    const tables = copiedTables > 0 ? copiedTables : progress.doneTables;
    reporter.report(summaryOf({ state: stateAfter(error), tables, rows: progress.copiedRows, bytes: progress.copiedBytes, steps }, started));
  };
  const report = (event: MigrationEvent): void => {
    if (event.event === "summary") return; // ours is the last line, whatever happens after the work's own
    if (event.event === "step" && event.state === "finished") steps[event.step] = (steps[event.step] ?? 0) + (event.seconds ?? 0);
    if (event.event === "table") copiedTables++;
    reporter.report(event);
  };
  try {
    const summary = await work({ report, progress, signal: interrupt.signal });
    reporter.report(summary);
    return summary.state === "succeeded" ? 0 : 1;
  } catch (cause) {
    const error = interrupt.signal.aborted ? interruption(cause, interrupt.signal, adviceAfterInterrupt) : asGodwitError(cause);
    printForDevelopers(cause, choice.environment);
    fail(error);
    return exitCodeOf(error);
  }
}

/** A summary with zeros where nothing is said; `startedMs` is of performance.now(). */
export function summaryOf({ state, ...known }: Partial<MigrationSummary> & Pick<MigrationSummary, "state">, startedMs: number): MigrationSummary {
  return {
    event: "summary",
    state,
    tables: 0,
    rows: 0,
    bytes: 0,
    seconds: Math.round(performance.now() - startedMs) / 1000,
    steps: {},
    databases: 0,
    indexes: 0,
    constraints: 0,
    sequences: 0,
    largeObjects: 0,
    materializedViews: 0,
    roles: 0,
    ...known,
  };
}

/** The CLI's contract: the registry's exit code, and 130 for what was interrupted. */
export function exitCodeOf(error: GodwitError): number {
  return error.code === "interrupted" ? INTERRUPTED : error.exitCode;
}

export function errorEvent(error: GodwitError): Extract<MigrationEvent, { event: "error" }> {
  const { code, message, object, advice } = error;
  return { event: "error", code, message, ...(object === undefined ? {} : { object }), advice };
}

/** Stack traces are for developers, who ask for them with GODWIT_DEBUG=1; causes are where a wrapped error came from. */
export function printForDevelopers(cause: unknown, environment: Readonly<Record<string, string | undefined>>): void {
  if (environment["GODWIT_DEBUG"] !== "1") return;
  for (let at = cause; at instanceof Error; at = at.cause) process.stderr.write(`${maskPasswords(at.stack ?? at.message)}\n`);
}

/**
 * After Ctrl-C, whatever breaks (a query that was cancelled, a socket that was closed) is the interruption. A task that looked what it
 * left behind has given its own advice; what is merely the signal's reason has not.
 */
function interruption(cause: unknown, signal: AbortSignal, advice: string): GodwitError {
  if (cause instanceof GodwitError && cause.code === "interrupted" && cause !== signal.reason) return cause;
  return new GodwitError("interrupted", "the work was interrupted before its end", { advice, cause });
}

function stateAfter(error: GodwitError): MigrationSummary["state"] {
  if (error.code === "interrupted") return "interrupted";
  return error.code === "precheck-failed" || error.code === "precheck-alarm" ? "checkFailed" : "failed";
}
