import type { TaskDetail } from "../../api/tasks.ts";

/** What a task has moved, as its `summary` holds it: see the event `summary` of docs/reference/cli.md. */
export interface Summary {
  readonly tables: number;
  readonly rows: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly steps: Readonly<Record<string, number>>;
  readonly databases: number;
  readonly indexes: number;
  readonly constraints: number;
  readonly sequences: number;
  readonly largeObjects: number;
  readonly materializedViews: number;
  readonly roles: number;
  readonly verifiedTables?: number;
  readonly followed?: {
    readonly changes: { readonly received: number; readonly applied: number; readonly skipped: number; readonly conflicts: readonly string[] };
    readonly completed: Completed;
  };
}

/** What Complete did, step by step. */
export interface Completed {
  readonly startedAt: string;
  readonly seconds: number;
  readonly stops: Readonly<Record<string, string>>;
  readonly writePauseMs: number | null;
  readonly proofs: Readonly<Record<string, { readonly isProved: boolean; readonly watchedTo: string; readonly transactions: number; readonly changes: number }>>;
  readonly steps: readonly {
    readonly step: string;
    readonly database: string;
    readonly seconds: number;
    readonly aligned: readonly { readonly object: string; readonly from?: string; readonly to: string }[];
    readonly notes: readonly string[];
  }[];
}

/** undefined until it has succeeded. */
export function summaryOf({ state, summary }: TaskDetail): Summary | undefined {
  return state === "succeeded" && summary !== null ? (summary as unknown as Summary) : undefined;
}
