/**
 * `retry` tells who can make it go away: `automatic` (time: the same call may succeed later), `operator` (somebody
 * mends something, then the same command is run again), `never` (this task cannot succeed as it was asked for).
 * Exit codes are the CLI's contract: 1 the answer is no, 2 usage, 3 failed and can be retried, 4 failed for good.
 */
export type RetryPolicy = "automatic" | "operator" | "never";

export interface ErrorSpec {
  /** What happened, for the reference page; a thrown error names the object too. */
  readonly message: string;
  /** What the operator does next. */
  readonly advice: string;
  readonly retry: RetryPolicy;
  readonly exitCode: 1 | 2 | 3 | 4;
  /** Of an HTTP answer, where it is not what `exitCode` says: 400 for 2, else 422. */
  readonly status?: number;
}
