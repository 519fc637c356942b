/** One thing that a step of Complete brought into line; plain data. */
export interface Aligned {
  /** "sequence public.orders_id_seq", "materialized view public.totals". */
  readonly object: string;
  /** What it was before, where that can be said. */
  readonly from?: string;
  readonly to: string;
}

/** What a step did, for the report. Nothing to align is nothing done: a step that runs again says so. */
export interface StepResult {
  readonly aligned: readonly Aligned[];
  /** What the operator should know: sentences. */
  readonly notes: readonly string[];
}

export const NOTHING: StepResult = { aligned: [], notes: [] };
