import { isEnded } from "../../task/states.ts";
import type { Webhook } from "../contract/alerts.ts";
import type { TaskRow } from "../contract/task.ts";
import type { Alert } from "./send-alert.ts";

/** Something that a webhook asks to be told of. */
interface Condition {
  readonly what: Exclude<Alert["what"], "test" | "over">;
  /** What the store remembers it by: with its threshold, as another threshold is another condition. */
  readonly name: string;
  /** The sentence while it holds, null when it does not, undefined when that is not known at this moment. */
  readonly sentence: (row: TaskRow) => string | null | undefined;
}

/** What is to be done about one condition of a task. */
interface News {
  readonly name: string;
  /** It holds now. */
  readonly holds: boolean;
  /** What is told first; null: it is forgotten in silence, as nobody asks for it any more. */
  readonly alert: Alert | null;
}

/** What has begun and what is over since it was told, in this order of conditions; `told`: the names of those that were told, and not yet to be over. */
export function newsOf(webhook: Webhook, row: TaskRow, told: ReadonlySet<string>): News[] {
  const conditions = conditionsOf(webhook);
  const news: News[] = [...told].filter((name) => !conditions.some((one) => one.name === name)).map((name) => ({ name, holds: false, alert: null }));
  const alert = (what: Alert["what"], sentence: string): Alert => ({ what, text: `${row.name} (${row.id}): ${sentence}`, task: { id: row.id, name: row.name, state: row.state } });
  for (const { what, name, sentence } of conditions) {
    const now = isEnded(row.state) ? null : sentence(row); // the last figures of a task outlive it
    if (now === undefined || (now !== null) === told.has(name)) continue;
    news.push({ name, holds: now !== null, alert: now === null ? alert("over", `${name} is over; it is ${row.state} now`) : alert(what, now) });
  }
  return news;
}

function conditionsOf({ onFailed, onRetrying, lagSeconds, retainedBytes }: Webhook): Condition[] {
  const conditions: Condition[] = [];
  if (onFailed) {
    conditions.push({ what: "failed", name: "failed", sentence: (row) => (row.state === "failed" || row.state === "checkFailed" ? `${row.state}${why(row)}` : null) });
  }
  if (onRetrying) conditions.push({ what: "retrying", name: "retrying", sentence: (row) => (row.state === "retrying" ? `tries again${why(row)}` : null) });
  if (lagSeconds !== null) {
    const name = `lag above ${lagSeconds} s`;
    const sentence = ({ progress }: TaskRow): string | null | undefined => {
      const lag = progress?.stream?.lagSeconds;
      // Figures are missing while a run starts: that is no news of them.
      if (lag === null) return undefined;
      return lag !== undefined && lag > lagSeconds ? `lag of ${Math.round(lag)} s, above ${lagSeconds} s` : null;
    };
    conditions.push({ what: "lag", name, sentence });
  }
  if (retainedBytes !== null) {
    const name = `WAL kept above ${retainedBytes / 1e6} MB`; // exact, and the unit that it is given in
    const sentence = ({ progress }: TaskRow): string | null => {
      const retained = progress?.stream?.retainedBytes ?? 0;
      return retained > retainedBytes ? `the source keeps ${gibibytes(retained)} of WAL for its slots` : null;
    };
    conditions.push({ what: "retained", name, sentence });
  }
  return conditions;
}

function why({ error }: TaskRow): string {
  return error === null ? "" : `: ${error.code}: ${error.message}`;
}

function gibibytes(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}
