import { GodwitError } from "../../errors/godwit-error.ts";
import type { CheckItem } from "../../precheck/check.ts";
import { type FixableItem, fixEndpoint, isFixable, runFix } from "../../precheck/fix.ts";
import { CHECKS } from "../../precheck/run-prechecks.ts";
import { readChangesPage } from "../../task/task-changes.ts";
import type { CountersPage } from "../../stream/position.ts";
import { type Verification as KeptVerification } from "../../task/verification.ts";
import { type Endpoint, type Side, describeEndpoint } from "../../wire/endpoint.ts";
import { formatLsn } from "../../wire/lsn.ts";
import type { Verification } from "../contract/task-details.ts";
import { readEndpoint } from "../endpoints.ts";
import type { Call, Handlers } from "../handler.ts";
import { reportPage } from "../report-page.ts";

/** What each check is about. One that an older version ran may be gone. */
const ABOUT: ReadonlyMap<string, string> = new Map(CHECKS.map(({ id, about }) => [id, about]));

/** Curves with more points than this are not read any better. */
const MOST_SAMPLES = 300;

/** What a task's page shows: checks, tables, logs, curves, changes, comparisons. */
export const DETAIL_HANDLERS = {
  getChecks: async ({ params }, { services }) => {
    const { state } = await services.tasks.find(params.id);
    const { checkedAt, items, isRunning } = await services.views.checks(params.id);
    return {
      checkedAt: checkedAt?.toISOString() ?? null,
      isRunning: state === "checking" || (isRunning && state === "retrying"),
      items: items.map((item) => ({ ...item, evidence: [...item.evidence], about: ABOUT.get(item.id) ?? "" })),
    };
  },
  fixChecks: async ({ params, body }, { services, signal, note }) => {
    const { tasks, views } = services;
    const { state, endedAt } = await tasks.find(params.id);
    if (endedAt !== null) throw new GodwitError("action-refused", `task ${params.id} is ${state}: nothing is mended for it any more`, { object: params.id });
    const { source, target } = await tasks.endpoints(params.id);
    const accounts: Record<Side, Endpoint> = {
      source: body.sourceAdmin === undefined ? source : await readEndpoint("source", body.sourceAdmin, undefined, tasks),
      target: body.targetAdmin === undefined ? target : await readEndpoint("target", body.targetAdmin, undefined, tasks),
    };
    for (const [side, account] of Object.entries(accounts)) refuseOtherServer(account, side === "source" ? source : target);
    const current = (await views.checks(params.id)).items;
    const done: { id: string; scope: string; at: string; sql: string }[] = [];
    for (const item of body.fixes.map((fix) => asShown(current, fix))) {
      const endpoint = fixEndpoint(item, accounts);
      const at = describeEndpoint(endpoint);
      note([...done.map((ran) => `${ran.id} at ${ran.at}`), `${item.id} at ${at}`].join(", ")); // statements before one that is refused have been run
      await runFix(item, endpoint, signal);
      done.push({ id: item.id, scope: item.scope, at, sql: item.fixSql });
      await tasks.log(params.id, "info", `ran the SQL that mends ${item.id} (${item.scope}) at ${at}`);
    }
    return { done };
  },
  listTables: async ({ params, query }, { services }) => {
    await services.tasks.find(params.id);
    return await services.views.tables(params.id, {
      search: query.search,
      isCopied: query.state === undefined ? undefined : query.state === "copied",
      sort: query.sort.replace(/^-/, "") as "name" | "size" | "rows" | "seconds",
      isDescending: query.sort.startsWith("-"),
      limit: query.limit,
      offset: query.offset,
    });
  },
  listLogs: async ({ params, query }, { services }) => {
    await services.tasks.find(params.id);
    const lines = await services.views.logs(params.id, query);
    return { lines: lines.map(({ id, at, level, message }) => ({ line: id, at: at.toISOString(), level, message })) };
  },
  getHistory: async ({ params, query }, { services }) => {
    await services.tasks.find(params.id);
    const samples = await services.views.history(params.id, query.minutes, MOST_SAMPLES);
    return { samples: samples.map((sample) => ({ ...sample, at: sample.at.toISOString() })) };
  },
  getChanges: async ({ params, query }, { services }) => {
    const { sort, conflicts: mostConflicts, ...page } = query;
    const all = await readChangesPage(services.tasks, params.id, mostConflicts, {
      ...page,
      sort: sort.replace(/^-/, "") as CountersPage["sort"],
      isDescending: sort.startsWith("-"),
    });
    return {
      databases: all.map(({ database, total, tables, conflicts }) => ({
        database,
        total,
        tables: tables.map((table) => ({ ...table })),
        conflicts: conflicts.map((conflict) => ({ ...conflict, after: formatLsn(conflict.after) })),
      })),
    };
  },
  getReport: async ({ params }, { services }) => {
    const [task, steps, verifications] = await Promise.all([services.tasks.find(params.id), services.views.steps(params.id), services.verifications.list(params.id)]);
    return reportPage(task, steps, verifications);
  },
  listVerifications: async ({ params }, { services }) => {
    await services.tasks.find(params.id);
    return { verifications: (await services.verifications.list(params.id)).map(verificationAnswer) };
  },
  startVerification: async ({ params }, { services, who }) => verificationAnswer(await services.verifications.start(services.tasks, services.control, params.id, who!.name)),
  getVerification: async ({ params }, call) => {
    const verification = await findOf(params, call);
    const found = await call.services.verifications.differences(verification.id);
    return { ...verificationAnswer(verification), found: found.map(({ keys, ...difference }) => ({ ...difference, keys: [...keys] })) };
  },
  cancelVerification: async ({ params }, call) => {
    await findOf(params, call);
    return verificationAnswer(await call.services.verifications.cancel(call.services.control, params.verification));
  },
} satisfies Partial<Handlers>;

async function findOf(params: { id: string; verification: string }, { services }: Call): Promise<KeptVerification> {
  const found = await services.verifications.find(params.verification);
  if (found.taskId !== params.id) throw new GodwitError("entry-unknown", `task ${params.id} has no comparison ${params.verification}`, { object: params.verification });
  return found;
}

function verificationAnswer({ taskId: _taskId, createdAt, startedAt, endedAt, ...rest }: KeptVerification): Verification {
  return { ...rest, createdAt: createdAt.toISOString(), startedAt: startedAt?.toISOString() ?? null, endedAt: endedAt?.toISOString() ?? null };
}

/** The item as it was read, and no other. Throws `action-refused` where it has passed since, or asks for other SQL. */
function asShown(current: readonly CheckItem[], { id, scope, sql }: { readonly id: string; readonly scope: string; readonly sql: string }): FixableItem {
  const item = current.find((one) => one.id === id && one.scope === scope);
  if (item !== undefined && item.result !== "passed" && isFixable(item) && item.fixSql === sql) return item;
  throw new GodwitError("action-refused", `${id} (${scope}) is not what was shown any more: nothing was run`, { object: id, advice: "Look at the newest results of the checks." });
}

/** SQL that was shown for one server is not run on another one. */
function refuseOtherServer(account: Endpoint, of: Endpoint): void {
  if (account.host === of.host && account.port === of.port) return;
  throw new GodwitError("uri-invalid", `${of.side}: the account must be one of ${of.host}:${of.port}`, { object: `${of.side}Admin` });
}
