import type { MigrationEvent, MigrationProgress, Report } from "./events.ts";
import { isResting } from "./states.ts";
import type { LogLine, StateEvent, Task } from "./task-record.ts";
import type { TaskStore } from "./task-store.ts";

/** The store tells when a state changes. What follows that comes soon: looked for after so long, then after twice as long, and so on. */
const FIRST_LOOK_MS = 50;
const LOOK_EVERY_MS = 1000;
const LINES_AT_ONCE = 1000;
/** Figures are written once a second. */
const FIGURES_MS = 1000;
/** The store is not heard by every process. */
const LOOKS_PER_STATE = 2;

/** Who shows what happens in a task. */
export interface Follower {
  readonly report: Report;
  /** Kept equal to the figures in the store. */
  readonly progress: MigrationProgress;
  readonly signal: AbortSignal;
}

/**
 * Reports what a task's log tells from the line `after` on, wherever its run is at work, until the task rests, and returns it then.
 * Throws the signal's reason when it aborts.
 */
export async function followTask(tasks: TaskStore, id: string, after: string, { report, progress, signal }: Follower): Promise<Task> {
  using news = tasks.changes(id);
  let last = after;
  let figuresAt = 0;
  let pauseMs = FIRST_LOOK_MS;
  for (let looks = 0; ; looks++, pauseMs = Math.min(2 * pauseMs, LOOK_EVERY_MS)) {
    signal.throwIfAborted();
    // In this order: all that a run has to tell is written before its last state is. A state is told in the log, too.
    let task = looks % LOOKS_PER_STATE === 0 ? await tasks.find(id) : undefined;
    for (let isAll = false; !isAll;) {
      const lines = await tasks.logs(id, { after: last, limit: LINES_AT_ONCE, debug: true });
      for (const line of lines) for (const event of eventsOf(line)) report(event);
      last = lines.at(-1)?.id ?? last;
      isAll = lines.length < LINES_AT_ONCE;
      if (!lines.some(({ event }) => (event as StateEvent | null)?.event === "state")) continue;
      task = await tasks.find(id);
      pauseMs = FIRST_LOOK_MS;
    }
    if (Date.now() - figuresAt >= FIGURES_MS || (task !== undefined && isResting(task))) {
      Object.assign(progress, await tasks.progress(id));
      figuresAt = Date.now();
    }
    if (task !== undefined && isResting(task)) return task;
    await news.changed(pauseMs, signal);
  }
}

/** What a line of the log tells to whoever watches a migration. */
function eventsOf({ event, level, message }: LogLine): MigrationEvent[] {
  const told = event as MigrationEvent | StateEvent | null;
  if (told === null) return [{ event: "notice", level: level === "warning" ? "warning" : "info", message }];
  if (told.event !== "state") return [told];
  if (told.because !== "interrupted" || told.error === undefined) return [];
  const { code, message: why, object } = told.error;
  const next = told.nextTryAt === undefined ? "" : `; tries again at ${told.nextTryAt.slice(11, 19)} UTC`;
  return [{ event: "notice", level: "warning", message: `${code}: ${why}${next}`, ...(object === undefined ? {} : { object }) }];
}
