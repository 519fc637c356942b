import type { TaskDetail } from "../../../src/server/contract/task.ts";

/** What events told last of each task, and when it came. */
const told = new Map<string, { readonly at: number; readonly task: TaskDetail }>();

export function rememberTold(task: TaskDetail): void {
  told.set(task.id, { at: performance.now(), task });
}

/**
 * The task as an answer tells it, unless an event has come since it was asked for. An answer may be overtaken on its way: "terminating" then came behind "terminated", and stayed. Events come in
 * their order, and whatever the request has changed is told by one, too.
 */
export async function newestOf(id: string, ask: () => Promise<TaskDetail>): Promise<TaskDetail> {
  const since = performance.now();
  const answer = await ask();
  const event = told.get(id);
  return event !== undefined && event.at >= since ? event.task : answer;
}
