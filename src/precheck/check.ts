/** The contract of one check's answer; printed, sent and stored as it is. */
export interface CheckItem {
  /** Stable id, also the docs anchor: "source-privileges". */
  readonly id: string;
  /** The database or server that was looked at. */
  readonly scope: string;
  readonly title: string;
  /** `failed` blocks; `alarm` may be accepted by the operator. */
  readonly result: "passed" | "alarm" | "failed";
  /** The objects, settings and values that led to the result. */
  readonly evidence: readonly string[];
  /** What would go wrong. */
  readonly why: string;
  /** What to do, in words. */
  readonly fix: string;
  /** SQL that does it, where SQL can. */
  readonly fixSql?: string;
  /** Anchor in the reference page. */
  readonly docs: string;
}
