import type { Endpoint, Side } from "../wire/endpoint.ts";
import type { CheckContext } from "./context.ts";

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
  /** Where that SQL is to be run, by an account that may; left out where it is only a pattern. */
  readonly fixOn?: { readonly side: Side; readonly database: string };
  /** Anchor in the reference page. */
  readonly docs: string;
}

/** One check: one file in `checks/`, one test beside it, one line in the table of run-prechecks. */
export interface Check {
  readonly id: string;
  readonly title: string;
  /** For the reference page: what fails, what raises an alarm. */
  readonly about: string;
  /** False where there is nothing to look at; left out: always. */
  readonly appliesTo?: (context: CheckContext) => boolean;
  /** A check that waits for the others, and runs if this says so of their answers. */
  readonly after?: (items: readonly CheckItem[]) => boolean;
  /** Cheap reads of catalogs and of the plan; never a table scan (but for values-representable), never a write that stays. One item per scope. */
  readonly run: (context: CheckContext) => Promise<CheckItem[]>;
}

/** What a check found in one scope. */
export interface Finding {
  readonly evidence: readonly string[];
  readonly why: string;
  readonly fix: string;
  readonly fixSql?: string | undefined;
  readonly fixOn?: Pick<Endpoint, "side" | "database">;
}

type Named = Pick<Check, "id" | "title">;

export function passed(check: Named, scope: string, evidence: readonly string[] = []): CheckItem {
  return { ...identity(check, scope), result: "passed", evidence, why: "", fix: "" };
}

/** `alarm` or `failed`. */
export function found(check: Named, scope: string, result: "alarm" | "failed", { evidence, why, fix, fixSql, fixOn }: Finding): CheckItem {
  const item = { ...identity(check, scope), result, evidence, why, fix };
  if (fixSql === undefined || fixSql === "") return item;
  return { ...item, fixSql, ...(fixOn === undefined ? {} : { fixOn: { side: fixOn.side, database: fixOn.database } }) };
}

function identity({ id, title }: Named, scope: string): Pick<CheckItem, "id" | "title" | "scope" | "docs"> {
  return { id, title, scope, docs: `docs/reference/prechecks.md#${id}` };
}

/** More than this helps nobody who reads; the number of all is told. */
const MOST_LISTED = 20;

/** The first of a list, and how many more there are. `total`: when the list itself was cut already. */
export function listed(names: readonly string[], total: number = names.length): string[] {
  if (total <= MOST_LISTED) return [...names];
  const shown = names.slice(0, MOST_LISTED - 1);
  return [...shown, `and ${total - shown.length} more`];
}

/** For people, rounded up: "12 MB", "1.5 GB". */
export function readableBytes(bytes: number): string {
  const megabytes = Math.ceil(bytes / 1024 ** 2);
  return megabytes < 1024 ? `${megabytes} MB` : `${(megabytes / 1024).toFixed(1)} GB`;
}
