import { setTimeout as sleep } from "node:timers/promises";
import { TASK_STATES } from "../../task/states.ts";
import type { TaskRow } from "../contract/task.ts";
import type { Webhook } from "../contract/alerts.ts";
import type { Services } from "../services.ts";
import { taskRowAnswer } from "../task-answers.ts";
import { type Alert, sendAlert } from "./send-alert.ts";

const LOOK_EVERY_MS = 5000;
/** An address that did not answer is tried again after this. */
const AGAIN_MS = 10_000;
const MOST_TASKS = 10_000;
const OPEN = TASK_STATES.filter((state) => state !== "terminated");

type Trouble = Exclude<Alert["what"], "test" | "over">;

/** Tells webhooks of trouble as it comes, and when it is over; each server of a store looks, and one of them tells. Until the signal aborts. */
export async function watchAlerts(services: Services, signal: AbortSignal, log: (sentence: string) => void): Promise<void> {
  while (!signal.aborted) {
    try {
      await look(services, signal);
    } catch (error) {
      if (!signal.aborted) log(`alerts wait: ${error instanceof Error ? error.message : String(error)}`); // the store is back in a moment
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function look(services: Services, signal: AbortSignal): Promise<void> {
  const webhooks = (await services.webhooks.list()).filter(({ isEnabled }) => isEnabled);
  if (webhooks.length === 0) return;
  const { tasks } = await services.views.page({ states: OPEN, sort: "created", isDescending: true, limit: MOST_TASKS, offset: 0 });
  const rows = tasks.map(({ task, figures }) => taskRowAnswer(task, figures));
  for (const webhook of webhooks) {
    if (isResting(webhook)) continue;
    // The others need not wait for one that does not answer; what it was not told, it is told later.
    for (const row of rows) if (!(await tell(webhook, row, services, signal))) break;
  }
}

/** The last alert did not arrive, a moment ago. */
function isResting({ lastAt, lastOutcome }: Webhook): boolean {
  return lastAt !== null && lastOutcome !== null && !/^answered 2/.test(lastOutcome) && Date.now() - Date.parse(lastAt) < AGAIN_MS;
}

/** False when something did not arrive: it counts as not told, and comes again as long as it holds. */
async function tell(webhook: Webhook, row: TaskRow, { webhooks }: Services, signal: AbortSignal): Promise<boolean> {
  const task = { id: row.id, name: row.name, state: row.state };
  const troubles = troublesOf(row, webhook);
  for (const [what, text] of troubles) {
    if (!(await webhooks.isNews(webhook.id, row.id, what))) continue;
    const { isDelivered } = await sendAlert(webhooks, webhook.id, { what, text: `${row.name} (${row.id}): ${text}`, task }, signal);
    if (isDelivered) continue;
    await webhooks.forgetOne(webhook.id, row.id, what);
    return false;
  }
  // Figures are missing while a run starts: that is no news of them.
  const still = row.progress?.stream?.lagSeconds === null ? [...troubles.keys(), "lag"] : [...troubles.keys()];
  const ended = await webhooks.forget(webhook.id, row.id, still);
  for (const [at, over] of ended.entries()) {
    const { isDelivered } = await sendAlert(webhooks, webhook.id, { what: "over", text: `${row.name} (${row.id}): ${over} is over; it is ${row.state} now`, task }, signal);
    if (isDelivered) continue;
    for (const left of ended.slice(at)) await webhooks.isNews(webhook.id, row.id, left);
    return false;
  }
  return true;
}

/** What somebody wants to hear of this task at this moment. */
export function troublesOf({ state, error, progress }: TaskRow, { onFailed, onRetrying, lagSeconds, retainedBytes }: Webhook): Map<Trouble, string> {
  const troubles = new Map<Trouble, string>();
  const why = error === null ? "" : `: ${error.code}: ${error.message}`;
  if (onFailed && (state === "failed" || state === "checkFailed")) troubles.set("failed", `${state}${why}`);
  if (onRetrying && state === "retrying") troubles.set("retrying", `tries again${why}`);
  const stream = progress?.stream;
  if (lagSeconds !== null && (stream?.lagSeconds ?? 0) > lagSeconds) troubles.set("lag", `lag of ${Math.round(stream?.lagSeconds ?? 0)} s, above ${lagSeconds} s`);
  if (retainedBytes !== null && (stream?.retainedBytes ?? 0) > retainedBytes) {
    troubles.set("retained", `the source keeps ${((stream?.retainedBytes ?? 0) / 1024 ** 3).toFixed(1)} GiB of WAL for its slots`);
  }
  return troubles;
}
