import type { FenceVerdict } from "./fence-proof.ts";
import type { StepResult } from "./step-result.ts";

/** One step of Complete, with what it took and did. */
export interface CompletedStep extends StepResult {
  readonly step: "fence" | "drain" | "sequences" | "unlogged tables" | "large objects" | "triggers and foreign keys" | "materialized views" | "source restored";
  readonly seconds: number;
}

/** What Complete did with one database; to be kept. Plain data. */
export interface CompleteReport {
  readonly database: string;
  /** Everything that the source had committed before this position is on the target. */
  readonly stop: string;
  /** From the fence (or, without one, from the stop position) until the target had everything, in seconds. */
  readonly switchSeconds: number;
  /** Row changes that were received, applied, and left out by the policy for conflicts, since the copy. */
  readonly changes: { readonly received: number; readonly applied: number; readonly skipped: number };
  readonly fence?: FenceVerdict;
  readonly steps: readonly CompletedStep[];
}
