import { isAtWork } from "../../task/states.ts";
import type { LogLine } from "../../task/task-record.ts";
import { taskDetail } from "../handlers/tasks.ts";
import type { TaskDetail } from "../contract/task.ts";
import type { Services } from "../services.ts";
import { SharedFeed } from "./shared-feed.ts";

/** What has changed in one task. */
export interface TaskNews {
  /** Set when it has changed. */
  readonly task?: TaskDetail;
  readonly lines: readonly LogLine[];
  readonly hasNewChecks: boolean;
  readonly hasNewVerification: boolean;
}

/** Figures are written once a second. */
const AT_WORK_MS = 1000;
/** The store tells of states at once; of lines that an operator's action adds it does not. */
const AT_REST_MS = 10_000;
const LINES_AT_ONCE = 1000;

/** The tasks that somebody watches, each looked at once however many watch it. */
export class TaskFeeds {
  readonly #services: Services;
  readonly #feeds = new Map<string, SharedFeed<TaskNews>>();

  constructor(services: Services) {
    this.#services = services;
  }

  /** What happens in a task from now on, until the signal aborts or the task is deleted. */
  async *watch(id: string, signal: AbortSignal): AsyncGenerator<TaskNews> {
    const feed = this.#feeds.get(id) ?? new SharedFeed<TaskNews>(async (publish, until) => await follow(id, this.#services, publish, until));
    this.#feeds.set(id, feed);
    try {
      yield* feed.watch(signal);
    } finally {
      if (!feed.isWatched && this.#feeds.get(id) === feed) this.#feeds.delete(id);
    }
  }
}

async function follow(id: string, services: Services, publish: (news: TaskNews) => void, signal: AbortSignal): Promise<void> {
  using news = services.store.news.subscribe(`task ${id}`, `verification ${id}`);
  let last = await services.tasks.endOfLog(id);
  let shown = "";
  let compared = "";
  while (!signal.aborted) {
    const lines = await services.views.logs(id, { after: last, level: "debug", limit: LINES_AT_ONCE });
    last = lines.at(-1)?.id ?? last;
    const task = await taskDetail(id, services);
    const text = JSON.stringify(task);
    const verification = JSON.stringify((await services.verifications.list(id))[0] ?? null);
    const hasNewVerification = compared !== "" && verification !== compared;
    if (lines.length > 0 || text !== shown || hasNewVerification) {
      publish({
        lines,
        ...(text === shown ? {} : { task }),
        hasNewChecks: lines.some(({ event }) => ["check", "step", "modified"].includes((event as { event?: string } | null)?.event ?? "")),
        hasNewVerification,
      });
    }
    shown = text;
    compared = verification;
    if (lines.length === LINES_AT_ONCE) continue;
    const isBusy = isAtWork(task.state) || ["retrying", "pausing", "terminating"].includes(task.state) || verification.includes('"state":"running"');
    await news.changed(isBusy ? AT_WORK_MS : AT_REST_MS, signal);
  }
}
