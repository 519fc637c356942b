import type { Handlers } from "../handler.ts";
import { taskDetail } from "./tasks.ts";

const LINES_AT_ONCE = 1000;

/** Server-sent events. */
export const EVENT_HANDLERS = {
  async *watchTasks(_, { feeds, signal }) {
    const feed = feeds.list.watch(signal);
    const first = feed.next();
    try {
      // At once: until the first event a connection is not answered, kept alive, or asked whether it still may watch.
      yield { event: "tasks", data: { ids: [], isGone: false } };
      for (let step = await first; step.done !== true; step = await feed.next()) yield { event: "tasks", data: step.value };
    } finally {
      void feed.return(undefined); // not waited for: it ends when the signal of this connection does
    }
  },
  async *watchTask({ params, query }, { services, feeds, signal, lastEventId }) {
    const feed = feeds.tasks.watch(params.id, signal);
    // Before what is there already is read: nothing falls between the two.
    const first = feed.next();
    try {
      yield { event: "task", data: await taskDetail(params.id, services) };
      const after = lastEventId ?? query.after;
      const newest = BigInt(await services.tasks.endOfLog(params.id));
      let sent = after === undefined || BigInt(after) > newest ? newest : BigInt(after); // beyond the newest line: of a store that was
      for (let isAll = after === undefined; !isAll;) {
        const lines = await services.views.logs(params.id, { after: String(sent), level: "debug", limit: LINES_AT_ONCE });
        for (const { id, at, level, message } of lines) {
          sent = BigInt(id);
          yield { event: "log", id, data: { line: id, at: at.toISOString(), level, message } };
        }
        isAll = lines.length < LINES_AT_ONCE;
      }
      for (let step = await first; step.done !== true; step = await feed.next()) {
        const { task, lines, hasNewChecks, hasNewVerification } = step.value;
        for (const { id, at, level, message } of lines) {
          if (BigInt(id) <= sent) continue;
          sent = BigInt(id);
          yield { event: "log", id, data: { line: id, at: at.toISOString(), level, message } };
        }
        if (task !== undefined) yield { event: "task", data: task };
        if (hasNewChecks) yield { event: "checks", data: {} };
        if (hasNewVerification) yield { event: "verification", data: {} };
      }
    } finally {
      void feed.return(undefined); // not waited for: it ends when the signal of this connection does
    }
  },
} satisfies Partial<Handlers>;
