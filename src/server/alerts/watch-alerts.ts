import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { asGodwitError } from "../../errors/godwit-error.ts";
import { TASK_STATES, isEnded } from "../../task/states.ts";
import type { Webhook } from "../contract/alerts.ts";
import type { TaskRow } from "../contract/task.ts";
import type { Services } from "../services.ts";
import { taskRowAnswer } from "../task-answers.ts";
import { newsOf } from "./conditions.ts";
import { sendAlert } from "./send-alert.ts";

const LOOK_EVERY_MS = 5000;
/** An address that did not answer is tried again after this. */
const AGAIN_MS = 10_000;
const MOST_TASKS = 10_000;
const OPEN = TASK_STATES.filter((state) => state !== "terminated");
const NONE: ReadonlySet<string> = new Set();

/**
 * Tells webhooks of trouble as it comes, and when it is over, until the signal aborts. Each server of a store looks, and one at a time tells a webhook;
 * webhooks do not wait for each other. What has not arrived was not told: it is sent again, by this server or the next one.
 */
export async function watchAlerts(services: Services, signal: AbortSignal, log: (sentence: string) => void): Promise<void> {
  const watch = new Watch(services, signal, log);
  while (!signal.aborted) {
    await watch.look();
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
  await watch.stop();
}

class Watch {
  readonly #services: Services;
  readonly #signal: AbortSignal;
  readonly #log: (sentence: string) => void;
  readonly #sender = randomBytes(5).toString("hex");
  /** By webhook: what is being sent to it, one after the other. */
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(services: Services, signal: AbortSignal, log: (sentence: string) => void) {
    this.#services = services;
    this.#signal = signal;
    this.#log = log;
  }

  /** Begins to send what there is to tell; who is still being told goes on. */
  async look(): Promise<void> {
    await this.#withoutFail(async () => {
      const busy = new Set(this.#underWay.keys());
      const webhooks = (await this.#services.webhooks.claim(this.#sender)).filter((webhook) => !busy.has(webhook.id) && !isResting(webhook));
      if (webhooks.length === 0) return;
      const { tasks } = await this.#services.views.page({ states: OPEN, sort: "created", isDescending: true, limit: MOST_TASKS, offset: 0 });
      const rows = tasks.map(({ task, figures }) => taskRowAnswer(task, figures));
      for (const webhook of webhooks) {
        const sending = this.#withoutFail(async () => await this.#tellAll(webhook, rows)).finally(() => this.#underWay.delete(webhook.id));
        this.#underWay.set(webhook.id, sending);
      }
    });
  }

  /** Another server need not wait until this one is known to be gone. */
  async stop(): Promise<void> {
    await Promise.all(this.#underWay.values());
    await this.#withoutFail(async () => await this.#services.webhooks.release(this.#sender));
  }

  /** Until something does not arrive: that comes again as long as it holds. */
  async #tellAll(webhook: Webhook, rows: readonly TaskRow[]): Promise<void> {
    const told = await this.#services.webhooks.told(webhook.id);
    const seen = new Set(rows.map(({ id }) => id));
    const changed = rows.filter((row) => newsOf(webhook, row, told.get(row.id) ?? NONE).length > 0).map(({ id }) => id);
    const gone = [...told.keys()].filter((id) => !seen.has(id)); // terminated since they were told of
    for (const id of [...changed, ...gone]) if (!(await this.#tell(webhook.id, id, told.get(id) ?? NONE))) return;
  }

  /** What there is to tell of a task at this moment, which may be long after the look. False when not all of it has arrived. */
  async #tell(webhookId: string, id: string, told: ReadonlySet<string>): Promise<boolean> {
    const { webhooks } = this.#services;
    const [webhook] = await webhooks.claim(this.#sender, webhookId);
    if (webhook === undefined) return false; // deleted or disabled meanwhile
    const row = await this.#row(id);
    if (row === undefined) return true;
    for (const { name, holds, alert } of newsOf(webhook, row, told)) {
      if (alert !== null && !(await sendAlert(webhooks, webhookId, alert, this.#signal)).isDelivered) return false;
      await (holds ? webhooks.remember(webhookId, id, name) : webhooks.forget(webhookId, id, name));
    }
    return true;
  }

  /** Undefined when it was deleted. */
  async #row(id: string): Promise<TaskRow | undefined> {
    try {
      const task = await this.#services.tasks.find(id);
      return taskRowAnswer(task, isEnded(task.state) ? undefined : await this.#services.views.figures(id));
    } catch (error) {
      if (asGodwitError(error).code === "task-unknown") return undefined;
      throw error;
    }
  }

  async #withoutFail(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!this.#signal.aborted) this.#log(`alerts wait: ${error instanceof Error ? error.message : String(error)}`); // the store is back in a moment
    }
  }
}

/** The last alert did not arrive, a moment ago. */
function isResting({ lastAt, lastOutcome }: Webhook): boolean {
  return lastAt !== null && lastOutcome !== null && !/^answered 2/.test(lastOutcome) && Date.now() - Date.parse(lastAt) < AGAIN_MS;
}
