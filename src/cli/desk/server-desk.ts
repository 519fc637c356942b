import { parseLsn } from "../../wire/lsn.ts";
import type { Endpoint } from "../../wire/endpoint.ts";
import { GodwitError } from "../../errors/godwit-error.ts";
import { newProgress, type MigrationProgress, type MigrationSummary } from "../../task/events.ts";
import { planOfOptions } from "../../task/options-of-plan.ts";
import type { DatabaseChanges } from "../../task/task-changes.ts";
import type { NewTask, Task } from "../../task/task-record.ts";
import type { WorkState } from "../../task/states.ts";
import type { EndpointGiven } from "../../server/contract/endpoint.ts";
import type { NewTaskGiven } from "../../server/contract/new-task.ts";
import type { Answer } from "../../server/contract/route.ts";
import type { Api } from "../../server/contract/routes.ts";
import type { Progress, TaskDetail } from "../../server/contract/task.ts";
import type { TableCounters } from "../../stream/position.ts";
import { ApiClient } from "./api-client.ts";
import type { Desk, TaskAnswer } from "./desk.ts";

const PAGE = 500;
const TABLES_PAGE = 1000;

/** Answers from a server, with a token. */
export function serverDesk(url: string, token: string): Desk {
  const api = new ApiClient(url, token);
  const rows = async (query: { state?: string; tag?: string; search?: string }): Promise<string[]> => {
    const ids: string[] = [];
    for (let total = 1; ids.length < total;) {
      const page = await api.call("listTasks", { query: { ...query, limit: PAGE, offset: ids.length } });
      ids.push(...page.tasks.map(({ id }) => id));
      total = page.tasks.length === 0 ? 0 : page.total;
    }
    return ids;
  };
  const find: Desk["find"] = async (id) => toAnswer(await api.call("getTask", { params: { id } }));
  return {
    find,
    findByPrefix: async (prefix) => {
      const found = prefix === "" ? [] : (await rows({ search: prefix })).filter((id) => id.startsWith(prefix));
      if (found.length > 1)
        throw new GodwitError("usage", `several tasks begin with ${prefix}: ${found.slice(0, 4).join(", ")}`, { object: prefix, advice: "Give more of the id." });
      if (found[0] === undefined) throw new GodwitError("task-unknown", `no task ${prefix === "" ? "without an id" : prefix}`, { object: prefix });
      return found[0];
    },
    list: async ({ states, tags }) => {
      const tag = Object.entries(tags ?? {}).map(([name, value]) => `${name}=${value}`).join(","); // prettier-ignore
      const ids = await rows({ ...(states === undefined ? {} : { state: states.join(",") }), ...(tag === "" ? {} : { tag }) });
      return await Promise.all(ids.map(find));
    },
    create: async (task) => {
      const { id } = await api.call("createTask", { body: requestOf(task) });
      const checks = (task.accepted ?? []).map(({ check }) => check);
      if (checks.length > 0) await api.call("acceptAlarms", { params: { id }, body: { checks } });
      return id;
    },
    act: async (id, action) => void (await api.call("actOnTask", { params: { id }, body: { action } })),
    delete: async (id) => void (await api.call("deleteTask", { params: { id } })),
    set: async (id, { name, tags, concurrency, rateLimit }) =>
      void (await api.call("changeSettings", { params: { id }, body: { name, tags: tags === undefined ? undefined : { ...tags }, concurrency, rateLimit } })),
    accept: async (id, checks) => void (await api.call("acceptAlarms", { params: { id }, body: { checks: [...checks] } })),
    changes: async (id, conflicts) => await allChanges(api, id, conflicts),
    logs: async (id, { after, limit, debug }) =>
      (await api.call("listLogs", { params: { id }, query: { after, limit, level: debug ? "debug" : "info" } })).lines.map(({ line, at, level, message }) => ({
        id: line,
        at: new Date(at),
        level,
        message,
        event: null,
      })),
    workers: async () => (await api.call("listTasks", { query: { limit: 1 } })).workers,
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** The changes of all tables, page by page. */
async function allChanges(api: ApiClient, id: string, mostConflicts: number): Promise<DatabaseChanges[]> {
  const tables = new Map<string, TableCounters[]>();
  const ask = async (offset: number, conflicts: number): Promise<Answer<Api["getChanges"]>["databases"]> => {
    const { databases } = await api.call("getChanges", { params: { id }, query: { conflicts, limit: TABLES_PAGE, offset } });
    for (const { database, tables: some } of databases) tables.set(database, [...(tables.get(database) ?? []), ...(some as unknown as TableCounters[])]);
    return databases;
  };
  const first = await ask(0, mostConflicts);
  const total = first.reduce((sum, { total: of }) => sum + of, 0);
  for (let offset = TABLES_PAGE; offset < total; offset += TABLES_PAGE) await ask(offset, 0);
  return first.map(({ database, conflicts }) => ({
    database,
    tables: tables.get(database) ?? [],
    conflicts: conflicts.map((conflict) => ({
      ...(conflict as unknown as DatabaseChanges["conflicts"][number]),
      at: new Date(String(conflict["at"])),
      after: parseLsn(String(conflict["after"])),
    })),
  }));
}

/** A task's request in the words of the API. What a file of this machine holds travels itself. */
function requestOf({ options, name, tags, rateLimit, retryForMs, scheduledAt }: NewTask): NewTaskGiven {
  const { source, target } = options;
  if (options.pgDump !== undefined) throw new GodwitError("usage", "--pg-dump names a program of this machine, which workers of a server may not have", { object: "--pg-dump" });
  return {
    source: endpointOf(source),
    target: endpointOf(target),
    ...planOfOptions(options),
    ...(options.concurrency === undefined ? {} : { concurrency: options.concurrency }),
    ...(name === undefined ? {} : { name }),
    ...(tags === undefined ? {} : { tags: { ...tags } }),
    ...(rateLimit === undefined || rateLimit === null ? {} : { rateLimit }),
    ...(retryForMs === undefined ? {} : { retryForSeconds: Math.round(retryForMs / 1000) }),
    ...(scheduledAt === undefined || scheduledAt === null ? {} : { scheduledAt: scheduledAt.toISOString() }),
  };
}

function endpointOf({ host, port, user, database, password, tls, sessionAttributes, connectTimeoutMs }: Endpoint): EndpointGiven {
  return {
    host,
    port,
    user,
    dbname: database,
    sslmode: tls.mode,
    sslnegotiation: tls.direct ? "direct" : "postgres",
    channel_binding: tls.channelBinding ? "require" : "prefer",
    target_session_attrs: sessionAttributes,
    connect_timeout: Math.round(connectTimeoutMs / 1000),
    ...(password === undefined ? {} : { password }),
    // Where a server's certificate is looked at without one, it is by those of the system.
    ...(tls.rootCertificate !== undefined ? { sslrootcert: tls.rootCertificate } : tls.mode === "verify-full" ? { sslrootcert: "system" } : {}),
    ...(tls.certificate === undefined ? {} : { sslcert: tls.certificate }),
    ...(tls.key === undefined ? {} : { sslkey: tls.key }),
  };
}

function toAnswer(detail: TaskDetail): TaskAnswer {
  const { progress, steps: _steps, workers: _workers, type, instance, options, before, summary, ...rest } = detail;
  const { owner, privileges, conflicts, untilCaughtUp, fence, retryForSeconds, ...same } = options;
  const task: Task = {
    ...rest,
    ...(before === null ? {} : { before: before as WorkState }),
    source: `source ${detail.source}`,
    target: `target ${detail.target}`,
    options: {
      ...same,
      type,
      instance,
      noOwner: !owner,
      noPrivileges: !privileges,
      incremental: conflicts === null ? undefined : { conflicts, untilCaughtUp, fence },
      pgDump: undefined,
      ...(retryForSeconds === null ? {} : { retryForMs: retryForSeconds * 1000 }),
    },
    summary: summary as MigrationSummary | null,
    error: detail.error as Task["error"],
    scheduledAt: date(detail.scheduledAt),
    nextTryAt: date(detail.nextTryAt),
    createdAt: new Date(detail.createdAt),
    startedAt: date(detail.startedAt),
    endedAt: date(detail.endedAt),
  };
  return { task, progress: progress === null ? undefined : progressOf(progress) };
}

function progressOf({ lanes, stream, complete, step, ...figures }: Progress): MigrationProgress {
  const { totalTables, doneTables, totalBytes, doneBytes, copiedBytes, copiedRows, totalIndexes, doneIndexes, waits } = figures;
  return {
    ...newProgress(),
    totalTables,
    doneTables,
    totalBytes,
    doneBytes,
    copiedBytes,
    copiedRows,
    totalIndexes,
    doneIndexes,
    waits,
    complete: complete ?? undefined,
    step: step as MigrationProgress["step"],
    stream:
      stream === null
        ? undefined
        : { ...stream, lagBytes: stream.lagBytes ?? undefined, lagSeconds: stream.lagSeconds ?? undefined, retainedBytes: stream.retainedBytes ?? undefined },
    lanes: new Map(
      lanes.map(({ doing, since, rows, bytes }, at) => [at, { doing, since: Date.parse(since), ...(rows === null || bytes === null ? {} : { counters: { rows, bytes } }) }]),
    ),
  };
}

function date(text: string | null): Date | null {
  return text === null ? null : new Date(text);
}
