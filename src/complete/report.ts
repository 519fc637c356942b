import type { FenceVerdict } from "./fence-proof.ts";
import type { Aligned, StepResult } from "./step-result.ts";

/** The steps of Complete, in their order (what acts on rows is created behind the sequences), with the words for people. */
export const COMPLETE_STEPS = {
  fence: "writes at the source fenced",
  drain: "drained to the stop position",
  unlogged: "unlogged tables",
  largeObjects: "large objects",
  deferred: "triggers and foreign keys",
  sequences: "sequences",
  views: "materialized views",
  statistics: "statistics",
  source: "source put back as it was",
  target: "ledger removed",
} as const;
export type CompleteStep = keyof typeof COMPLETE_STEPS;

export interface StepReport extends StepResult {
  readonly step: CompleteStep;
  readonly database: string;
  readonly seconds: number;
}

/** What Complete did. Plain data, as it is stored and printed. */
export interface CompleteReport {
  /** ISO 8601. */
  readonly startedAt: string;
  /** Of work; of a try that was cut off, up to where it is known. */
  readonly seconds: number;
  /** Up to where each database was drained, as "16/B374D848". */
  readonly stops: Readonly<Record<string, string>>;
  /** For how long nobody could write, where there was a fence: from its first effect until the target held everything. */
  readonly writePauseMs: number | null;
  /** Whether somebody wrote behind the fence nevertheless, by database; empty without a fence. */
  readonly proofs: Readonly<Record<string, FenceVerdict>>;
  readonly steps: readonly StepReport[];
}

/** How far Complete has come, for whoever watches. */
export interface CompleteProgress {
  readonly current: { readonly step: CompleteStep; readonly database: string } | null;
  readonly done: readonly { readonly step: CompleteStep; readonly database: string; readonly seconds: number; readonly aligned: number }[];
}

/** Collects the report as the steps are done. Each step runs through it, so that none goes untold. */
export class CompleteRecorder {
  readonly #begin = performance.now();
  readonly #earlier: CompleteReport;
  readonly #steps: StepReport[];
  readonly #stops: Record<string, string>;
  readonly #proofs: Record<string, FenceVerdict>;
  #writePauseMs: number | null;
  #current: CompleteProgress["current"] = null;

  /** Goes on with what an earlier try has reported. */
  constructor(earlier: CompleteReport = { startedAt: new Date().toISOString(), seconds: 0, stops: {}, writePauseMs: null, proofs: {}, steps: [] }) {
    this.#earlier = earlier;
    this.#steps = [...earlier.steps];
    this.#stops = { ...earlier.stops };
    this.#proofs = { ...earlier.proofs };
    this.#writePauseMs = earlier.writePauseMs;
  }

  async step(step: CompleteStep, database: string, work: () => Promise<StepResult>): Promise<StepReport> {
    const since = performance.now();
    this.#current = { step, database };
    const { aligned, notes } = await work().finally(() => (this.#current = null));
    const report = { step, database, seconds: (performance.now() - since) / 1000, aligned, notes };
    this.#steps.push(report);
    return report;
  }

  progress(): CompleteProgress {
    return { current: this.#current, done: this.#steps.map(({ step, database, seconds, aligned }) => ({ step, database, seconds, aligned: aligned.length })) };
  }

  stopped(database: string, lsn: string): void {
    this.#stops[database] = lsn;
  }

  /** The longest of all databases. */
  paused(ms: number): void {
    this.#writePauseMs = Math.max(this.#writePauseMs ?? 0, ms);
  }

  proved(database: string, verdict: FenceVerdict): void {
    this.#proofs[database] = verdict;
  }

  /** What was said of a database last, be it by an earlier try. */
  verdict(database: string): FenceVerdict | undefined {
    return this.#proofs[database];
  }

  report(): CompleteReport {
    return {
      startedAt: this.#earlier.startedAt,
      seconds: this.#earlier.seconds + (performance.now() - this.#begin) / 1000,
      stops: { ...this.#stops },
      writePauseMs: this.#writePauseMs,
      proofs: { ...this.#proofs },
      steps: [...this.#steps],
    };
  }
}

/** So many lines of one step are for people; the stored report has all. */
const MOST_LINES = 12;

/** The report as lines for a terminal. */
export function completeText(report: CompleteReport): string {
  const databases = new Set(report.steps.map(({ database }) => database));
  const named = (database: string): string => (databases.size > 1 ? `${database}: ` : "");
  const lines = [`completed in ${inSeconds(report.seconds)}${report.writePauseMs === null ? "" : `, writes paused for ${Math.round(report.writePauseMs)} ms`}`];
  for (const [database, lsn] of Object.entries(report.stops)) lines.push(`${named(database)}everything committed up to ${lsn} is on the target`);
  for (const [database, proof] of Object.entries(report.proofs)) lines.push(`${named(database)}${proofText(proof)}`);
  for (const { step, database, seconds, aligned, notes } of report.steps) {
    lines.push(`${inSeconds(seconds).padStart(9)}  ${named(database)}${COMPLETE_STEPS[step]}${aligned.length === 0 ? "" : ` (${aligned.length})`}`);
    lines.push(...firstOf(aligned.map(alignedText)).map((line) => `${" ".repeat(11)}${line}`), ...notes.map((note) => `${" ".repeat(9)}! ${note}`));
  }
  return `${lines.join("\n")}\n`;
}

/** What is known of whoever wrote behind the fence; a sentence. */
export function proofText({ isProved, watchedTo, transactions, changes, stop, missing }: FenceVerdict): string {
  if (isProved) return `nobody wrote behind the fence: the stream was watched to ${watchedTo}, just before the slot was dropped`;
  if (transactions === 0) return `that nobody wrote behind the fence is not proved: the stream was watched to ${watchedTo}, and the fence stands at ${stop}`;
  const what = `behind the fence ${transactions} transactions were committed (${changes} changes)`;
  if (missing === undefined || missing.transactions === 0) return `${what}; they are on the target too`;
  return `${what}; ${missing.transactions} of them (${missing.changes} changes) came behind the hand-over and are NOT on the target`;
}

function alignedText({ object, from, to }: Aligned): string {
  return from === undefined ? `${object}: ${to}` : `${object}: ${from} → ${to}`;
}

function firstOf(lines: readonly string[]): string[] {
  return lines.length <= MOST_LINES ? [...lines] : [...lines.slice(0, MOST_LINES - 1), `and ${lines.length - MOST_LINES + 1} more`];
}

function inSeconds(seconds: number): string {
  return `${seconds.toFixed(seconds < 10 ? 2 : 0)} s`;
}
