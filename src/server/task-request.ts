import { refuseUnknownChecks } from "../precheck/run-prechecks.ts";
import { optionsOfPlan, patternsOf, planOfOptions } from "../task/options-of-plan.ts";
import type { AcceptedAlarm, NewTask, Task } from "../task/task-record.ts";
import type { TaskStore } from "../task/task-store.ts";
import type { AskedTask, NewTaskGiven } from "./contract/new-task.ts";
import { readEndpoint, shownEndpoint } from "./endpoints.ts";

/** What the store is asked to keep. Throws `uri-invalid`, `usage`, `task-unknown`. */
export async function newTaskOf(given: NewTaskGiven, tasks: TaskStore): Promise<NewTask> {
  const { source, target, include, exclude, name, tags, rateLimit, retryForSeconds, scheduledAt, start: _, secretsOf, ...plan } = given;
  const endpoints = { source: await readEndpoint("source", source, secretsOf, tasks), target: await readEndpoint("target", target, secretsOf, tasks) };
  return {
    options: optionsOfPlan({ ...plan, include: patternsOf(include), exclude: patternsOf(exclude) }, endpoints),
    ...(name === undefined ? {} : { name }),
    ...(tags === undefined ? {} : { tags }),
    rateLimit: rateLimit ?? null,
    ...(retryForSeconds === undefined ? {} : { retryForMs: retryForSeconds * 1000 }),
    scheduledAt: scheduledAt === undefined ? null : new Date(scheduledAt),
  };
}

/** The same the other way round, without secrets: to ask for something similar. */
export async function askedOf(task: Task, tasks: TaskStore): Promise<AskedTask> {
  const { options } = task;
  const { source, target } = await tasks.endpoints(task.id);
  return {
    source: shownEndpoint(source),
    target: shownEndpoint(target),
    ...planOfOptions(options),
    name: task.name,
    tags: { ...task.tags },
    concurrency: task.concurrency,
    ...(task.rateLimit === null ? {} : { rateLimit: task.rateLimit }),
    ...(options.retryForMs === undefined ? {} : { retryForSeconds: options.retryForMs / 1000 }),
    ...(task.scheduledAt === null ? {} : { scheduledAt: task.scheduledAt.toISOString() }),
  };
}

/** What somebody has said of alarms. Throws `usage` for what is no check. */
export function acceptedBy(checks: readonly string[], by: string): AcceptedAlarm[] {
  refuseUnknownChecks(checks, "checks");
  const at = new Date().toISOString();
  return checks.map((check) => ({ check, by, at }));
}
