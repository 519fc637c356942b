import { z } from "zod";
import * as access from "./access.ts";
import * as alerts from "./alerts.ts";
import * as details from "./task-details.ts";
import { askedTask, newTask, taskSettings } from "./new-task.ts";
import type { Route } from "./route.ts";
import * as servers from "./servers.ts";
import { task, taskId, taskList, taskListQuery } from "./task.ts";

const nothing = z.object({});

/**
 * Every way to ask the server, in one table: its routes, the OpenAPI document and the types of the console's client come from here. The name of a
 * route is its operationId.
 */
export const ROUTES = {
  getSession: { method: "GET", path: "/api/session", section: "access", role: "anyone", summary: "Who is asking", answer: access.session },
  setUp: {
    method: "POST", path: "/api/setup", section: "access", role: "anyone", summary: "Make the first account, an admin, with the one-time link", body: access.setupBody, answer: access.session,
  },
  logIn: { method: "POST", path: "/api/session", section: "access", role: "anyone", summary: "Log in: sets the session's cookie", body: access.loginBody, answer: access.session },
  logOut: { method: "DELETE", path: "/api/session", section: "access", role: "viewer", summary: "Log out", answer: nothing },
  changePassword: {
    method: "PUT", path: "/api/session/password", section: "access", role: "viewer", summary: "Change one's own password: other sessions of the account end", body: access.passwordBody, answer: nothing,
  },
  listAccounts: { method: "GET", path: "/api/accounts", section: "access", role: "admin", summary: "All accounts", answer: access.accountList },
  createAccount: { method: "POST", path: "/api/accounts", section: "access", role: "admin", summary: "Make an account", body: access.newAccount, answer: access.account },
  changeAccount: {
    method: "PATCH", path: "/api/accounts/:name", section: "access", role: "admin", summary: "Change an account: its sessions end", params: access.accountNameParam, body: access.accountChange, answer: access.account,
  },
  deleteAccount: { method: "DELETE", path: "/api/accounts/:name", section: "access", role: "admin", summary: "Delete an account and its sessions", params: access.accountNameParam, answer: nothing },
  listTokens: { method: "GET", path: "/api/tokens", section: "access", role: "admin", summary: "API tokens, without the tokens themselves", answer: access.tokenList },
  createToken: { method: "POST", path: "/api/tokens", section: "access", role: "admin", summary: "Make an API token; this answer alone holds it", body: access.newToken, answer: access.madeToken },
  deleteToken: { method: "DELETE", path: "/api/tokens/:id", section: "access", role: "admin", summary: "Revoke an API token", params: access.tokenId, answer: nothing },
  listAudit: { method: "GET", path: "/api/audit", section: "access", role: "admin", summary: "Who did what, and when; the newest first", query: access.auditQuery, answer: access.auditList },

  listTasks: { method: "GET", path: "/api/tasks", section: "tasks", role: "viewer", summary: "Tasks, filtered, sorted, page by page", query: taskListQuery, answer: taskList },
  watchTasks: { method: "GET", path: "/api/tasks/events", section: "tasks", role: "viewer", summary: "Server-sent events: which tasks have changed", sends: "events" },
  createTask: { method: "POST", path: "/api/tasks", section: "tasks", role: "operator", summary: "Describe a migration; `start` starts it", body: newTask, answer: task },
  actOnTasks: { method: "POST", path: "/api/tasks/actions", section: "tasks", role: "operator", summary: "The same action for many tasks", body: details.bulkBody, answer: details.bulkAnswer },
  getTask: { method: "GET", path: "/api/tasks/:id", section: "task", role: "viewer", summary: "One task with its figures", params: taskId, answer: task },
  watchTask: {
    method: "GET", path: "/api/tasks/:id/events", section: "task", role: "viewer", summary: "Server-sent events of one task: task, log; resumes behind Last-Event-ID, a log line", params: taskId,
    query: z.object({ after: details.logQuery.shape.after }), sends: "events",
  },
  getAsked: { method: "GET", path: "/api/tasks/:id/asked", section: "task", role: "viewer", summary: "What was asked for, to ask for something similar", params: taskId, answer: askedTask },
  modifyTask: { method: "PUT", path: "/api/tasks/:id/asked", section: "task", role: "operator", summary: "Ask for something else, before its first start", params: taskId, body: newTask, answer: task },
  changeSettings: { method: "PATCH", path: "/api/tasks/:id", section: "task", role: "operator", summary: "Name, tags, lanes and rate limit, also while it runs", params: taskId, body: taskSettings, answer: task },
  actOnTask: {
    method: "POST", path: "/api/tasks/:id/actions", section: "task", role: "operator", summary: "check, start, pause, resume, retry, complete, terminate", params: taskId, body: details.actionBody, answer: task,
  },
  deleteTask: { method: "DELETE", path: "/api/tasks/:id", section: "task", role: "operator", summary: "Forget a task that has ended", params: taskId, answer: details.deleteAnswer },
  getChecks: { method: "GET", path: "/api/tasks/:id/checks", section: "task", role: "viewer", summary: "The newest results of its prechecks", params: taskId, answer: details.taskChecks },
  acceptAlarms: { method: "POST", path: "/api/tasks/:id/accepted", section: "task", role: "operator", summary: "Accept alarms of its checks", params: taskId, body: details.acceptBody, answer: task },
  fixChecks: { method: "POST", path: "/api/tasks/:id/fix", section: "task", role: "operator", summary: "Run the SQL that mends check items", params: taskId, body: details.fixBody, answer: details.fixAnswer },
  listTables: { method: "GET", path: "/api/tasks/:id/tables", section: "task", role: "viewer", summary: "Its tables and how far each is", params: taskId, query: details.tableListQuery, answer: details.tableList },
  listLogs: { method: "GET", path: "/api/tasks/:id/logs", section: "task", role: "viewer", summary: "What its runs have told", params: taskId, query: details.logQuery, answer: details.logList },
  getHistory: { method: "GET", path: "/api/tasks/:id/history", section: "task", role: "viewer", summary: "Throughput and lag over time", params: taskId, query: details.historyQuery, answer: details.taskHistory },
  getChanges: { method: "GET", path: "/api/tasks/:id/changes", section: "task", role: "operator", summary: "What came of the changes, table by table, and each conflict with its row's key", params: taskId, query: details.changesQuery, answer: details.taskChanges },
  getReport: { method: "GET", path: "/api/tasks/:id/report.html", section: "task", role: "viewer", summary: "A page to keep: what was moved, aligned, and when", params: taskId, sends: "html" },

  listVerifications: { method: "GET", path: "/api/tasks/:id/verifications", section: "verification", role: "viewer", summary: "Its comparisons, the newest first", params: taskId, answer: details.verificationList },
  startVerification: { method: "POST", path: "/api/tasks/:id/verifications", section: "verification", role: "operator", summary: "Compare all its tables; a worker does it", params: taskId, answer: details.verification },
  getVerification: {
    method: "GET", path: "/api/tasks/:id/verifications/:verification", section: "verification", role: "operator", summary: "One comparison, with keys of the rows that differ", params: details.verificationId, answer: details.verificationDetail,
  },
  cancelVerification: {
    method: "DELETE", path: "/api/tasks/:id/verifications/:verification", section: "verification", role: "operator", summary: "Stop a comparison", params: details.verificationId, answer: details.verification,
  },

  ping: { method: "POST", path: "/api/ping", section: "servers", role: "operator", summary: "Test a connection, step by step", body: servers.pingBody, answer: servers.pingAnswer },
  listObjects: { method: "POST", path: "/api/objects", section: "servers", role: "operator", summary: "One level of the tree of a server's objects", body: servers.objectsBody, answer: servers.objectsAnswer },
  findCorrelated: {
    method: "POST", path: "/api/objects/correlated", section: "servers", role: "operator", summary: "What selected objects depend on and is not selected", body: servers.correlatedBody, answer: servers.correlatedAnswer,
  },

  listWebhooks: { method: "GET", path: "/api/webhooks", section: "alerts", role: "admin", summary: "Who is told of trouble", answer: alerts.webhookList },
  createWebhook: { method: "POST", path: "/api/webhooks", section: "alerts", role: "admin", summary: "Tell somebody of trouble", body: alerts.newWebhook, answer: alerts.webhook },
  changeWebhook: { method: "PATCH", path: "/api/webhooks/:id", section: "alerts", role: "admin", summary: "Change what somebody is told", params: alerts.webhookId, body: alerts.webhookChange, answer: alerts.webhook },
  deleteWebhook: { method: "DELETE", path: "/api/webhooks/:id", section: "alerts", role: "admin", summary: "Tell somebody no more", params: alerts.webhookId, answer: nothing },
  testWebhook: { method: "POST", path: "/api/webhooks/:id/test", section: "alerts", role: "admin", summary: "Send a test alert now", params: alerts.webhookId, answer: alerts.webhookTest },
} as const satisfies Readonly<Record<string, Route>>; // prettier-ignore

export type RouteId = keyof typeof ROUTES;
export type Api = typeof ROUTES;
