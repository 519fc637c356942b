import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import type { Item, ShownLogLine, TaskChecks, Verification } from "../../../src/server/contract/task-details.ts";
import type { TaskDetail, TaskListQuery, TaskRow } from "../../../src/server/contract/task.ts";
import { call } from "./client.ts";
import { newestOf } from "./newest-task.ts";

export type { Item, ShownLogLine, TaskChecks, TaskDetail, TaskListQuery, TaskRow, Verification };
export type TaskState = TaskRow["state"];
export type TaskAction = TaskRow["allowedActions"][number];
export type MigrationType = TaskRow["type"];

/** The keys of all that is kept of tasks, so that events can say what is out of date. */
export const TASK_KEYS = {
  lists: ["tasks"],
  task: (id: string) => ["task", id],
  checks: (id: string) => ["task", id, "checks"],
  verifications: (id: string) => ["task", id, "verifications"],
  tables: (id: string) => ["task", id, "tables"],
} as const;

export const taskListQuery = (query: Partial<TaskListQuery>) =>
  queryOptions({ queryKey: [...TASK_KEYS.lists, query], queryFn: async ({ signal }) => await call("listTasks", { query, signal }), placeholderData: keepPreviousData });

export const taskQuery = (id: string) =>
  queryOptions({ queryKey: TASK_KEYS.task(id), queryFn: async ({ signal }) => await newestOf(id, async () => await call("getTask", { params: { id }, signal })) });

export const askedQuery = (id: string) =>
  queryOptions({ queryKey: ["task", id, "asked"], queryFn: async ({ signal }) => await call("getAsked", { params: { id }, signal }), staleTime: 0, gcTime: 0 });

export const checksQuery = (id: string) => queryOptions({ queryKey: TASK_KEYS.checks(id), queryFn: async ({ signal }) => await call("getChecks", { params: { id }, signal }) });

export const historyQuery = (id: string, minutes: number) =>
  queryOptions({
    queryKey: ["task", id, "history", minutes],
    queryFn: async ({ signal }) => await call("getHistory", { params: { id }, query: { minutes }, signal }),
    placeholderData: keepPreviousData,
  });

export const verificationsQuery = (id: string) =>
  queryOptions({ queryKey: TASK_KEYS.verifications(id), queryFn: async ({ signal }) => await call("listVerifications", { params: { id }, signal }) });

export const verificationQuery = (id: string, verification: string) =>
  queryOptions({
    queryKey: [...TASK_KEYS.verifications(id), verification],
    queryFn: async ({ signal }) => await call("getVerification", { params: { id, verification }, signal }),
  });
