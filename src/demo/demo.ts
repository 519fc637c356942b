import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { formatCount } from "../cli/render/figures.ts";
import { exportSnapshot } from "../copy/snapshot.ts";
import type { Major } from "../embedded/binaries.ts";
import { type EmbeddedServer, startServer } from "../embedded/server.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import type { MigrationSummary } from "../task/events.ts";
import { migrateDurably } from "../task/durable-migration.ts";
import type { MigrationHooks } from "../task/migrate.ts";
import { type OpenTasks, openTasks } from "../task/open-tasks.ts";
import type { MigrationOptions } from "../plan/migration-options.ts";
import { act } from "../task/task-actions.ts";
import { verifyTables } from "../verify/verify.ts";
import { type Endpoint, parseEndpoint } from "../wire/endpoint.ts";
import { openSession } from "../wire/session.ts";
import { readInventory } from "./inventory.ts";
import { SAMPLE_DATABASE, fillSample } from "./sample.ts";
import { Workload } from "./workload.ts";

const SOURCE_MAJOR: Major = 14;
const TARGET_MAJOR: Major = 18;
const DAY_MS = 86_400_000;

/**
 * A whole migration for somebody who has nothing at hand: two servers of different majors on this machine, a sample shop, everything
 * moved and compared. The servers and their files are gone at the end, however it comes. Throws what a migration throws.
 */
export async function runDemo(scale: number, hooks: MigrationHooks): Promise<MigrationSummary> {
  const say = (message: string): void => hooks.report({ event: "notice", level: "info", message });
  say("Two throw-away PostgreSQL servers on this machine, a sample shop whose clients never stop writing, one migration. Nothing stays behind.");
  let summary: MigrationSummary;
  {
    await using stack = new AsyncDisposableStack();
    const doing = (what: string): void => void hooks.progress.lanes.set(0, { doing: what, since: Date.now() });
    doing("starting the servers");
    const [source, target] = await startBoth(stack);
    say(`PostgreSQL ${source.major} is up, as the source; PostgreSQL ${target.major}, still empty, as the target.`);
    await fillSample(source, scale, (title) => doing(`filling the sample shop: ${title}`), hooks.signal);
    say("The sample shop is filled: customers, orders by month, invoices, events as JSON, documents, photos; functions, triggers, roles and their rights.");
    hooks.progress.lanes.clear();
    summary = await moveUnderLoad(source, target, hooks, say);
  }
  say("Both servers are stopped and their files removed.");
  return summary;
}

const CLIENTS = 8;
const PER_SECOND = 1000;
/** How long the changes are followed for somebody to watch, and how long the clients write at the new server before they are audited. */
const WATCH_MS = 6000;
const WRITE_THERE_MS = 2000;

/** The clients write from before the migration until after the switch, and keep account; in the end everything is compared, also their accounts. */
async function moveUnderLoad(source: EmbeddedServer, target: EmbeddedServer, hooks: MigrationHooks, say: (message: string) => void): Promise<MigrationSummary> {
  const [from, to] = [parseEndpoint("source", source.uri(SAMPLE_DATABASE)), parseEndpoint("target", target.uri(SAMPLE_DATABASE))];
  const workload = new Workload(CLIENTS, PER_SECOND);
  await workload.start(from);
  try {
    say(`${CLIENTS} clients begin to write: orders, payments, prices, reviews, events; up to ${PER_SECOND} transactions a second. Each remembers what was acknowledged.`);
    const moved = Promise.withResolvers<void>();
    let watched = { since: performance.now(), transactions: 0 };
    const onSyncing = (): void => void (watched = { since: performance.now(), transactions: workload.transactions });
    const migrating = migrateFrom(source, target, hooks, { onSyncing, onWritable: moved.resolve });
    await Promise.race([moved.promise, migrating]);
    // Of this moment, while the clients go on at the new server.
    await using moment = await exportSnapshot(to);
    const written = workload.transactions;
    const perSecond = (1000 * (written - watched.transactions)) / (performance.now() - watched.since);
    const { writePauseMs } = await workload.switchTo(to);
    const summary = await migrating;
    say(
      `The clients write to PostgreSQL ${target.major} now. From the last commit there to the first one here: ${(writePauseMs / 1000).toFixed(2)} s, after ${formatCount(written)} transactions; ${formatCount(Math.round(perSecond))} a second in the last seconds before.`,
    );
    say(await compareContent(from, to, moment.id, hooks));
    await sleep(WRITE_THERE_MS, undefined, { signal: hooks.signal });
    await workload.stop();
    const acknowledged = await workload.audit(to);
    say(`${formatCount(acknowledged)} transactions were acknowledged to the clients, on either server: every one of them is on PostgreSQL ${target.major}, once.`);
    say(await compareInventories(source, target));
    return summary;
  } finally {
    await workload.stop().catch(() => undefined); // what broke first has been told
  }
}

/** Every table of the old server, which takes no writes any more, with the new one at the moment of the switch. Throws `data-differ`. */
async function compareContent(source: Endpoint, target: Endpoint, moment: string, { signal }: MigrationHooks): Promise<string> {
  await using session = await openSession(source, { signal });
  const tables = await session.query<{ schema: string; name: string; bytes: string }>(
    "select n.nspname as schema, c.relname as name, pg_catalog.pg_table_size(c.oid)::text as bytes from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p') and not c.relispartition and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'",
  );
  // Partitioned ones as a whole: so also rows count of a partition that only one side has.
  const pairs = tables.map(({ schema, name, bytes }) => ({ schema, name, bytes: Number(bytes), withPartitions: true }));
  // The new server is the one whose moment is held: so it stands first.
  const result = await verifyTables(target, source, pairs, { concurrency: 2, sourceSnapshot: moment, signal });
  const [first] = result.differences;
  if (first !== undefined) throw new GodwitError("data-differ", `${result.differences.length} tables differ, among them ${first.table}: ${first.reason}`, { object: first.table });
  const [unreadable] = result.unreadable;
  if (unreadable !== undefined) throw unreadable.error;
  return `Compared row by row, as of the switch: ${result.tables} tables, ${formatCount(result.rows)} rows, all equal on both sides.`;
}

/** Of a migration, for those who write meanwhile. */
interface Moments {
  /** The target has caught up, and follows. */
  readonly onSyncing: () => void;
  readonly onWritable: () => void;
}

/** As every migration, with a store of its own; on a throw-away server, because a state directory's server would outlive a demo that is killed. */
async function migrateFrom(source: EmbeddedServer, target: EmbeddedServer, hooks: MigrationHooks, { onSyncing, onWritable }: Moments): Promise<MigrationSummary> {
  await using server = await startServer({ major: TARGET_MAJOR });
  await using opened = await openTasks({ store: { uri: server.uri() }, key: randomBytes(32).toString("base64") });
  const report: MigrationHooks["report"] = (event) => {
    hooks.report(event);
    if (event.event === "writable") onWritable();
    if (event.event !== "step" || event.step !== "sync" || event.state !== "started") return;
    onSyncing();
    void completeSoon(opened, hooks.signal);
  };
  const worker = { retryForMs: 0, keepEndedForMs: DAY_MS, log: () => undefined };
  return await migrateDurably(opened, { options: demoOptions(source, target), retryForMs: 0 }, worker, { ...hooks, report });
}

/** As an operator would, who has seen that the target keeps up. */
async function completeSoon({ tasks, control }: OpenTasks, signal: AbortSignal): Promise<void> {
  await sleep(WATCH_MS, undefined, { signal }).catch(() => undefined);
  const [task] = await tasks.list();
  if (task !== undefined && !signal.aborted) await act(tasks, control, task.id, "complete");
}

async function startBoth(stack: AsyncDisposableStack): Promise<[EmbeddedServer, EmbeddedServer]> {
  const starting = [startServer({ major: SOURCE_MAJOR }), startServer({ major: TARGET_MAJOR })] as const;
  // Whichever comes up is stopped at the end, also when the other does not.
  for (const one of await Promise.allSettled(starting)) if (one.status === "fulfilled") stack.use(one.value);
  return await Promise.all(starting);
}

function demoOptions(source: EmbeddedServer, target: EmbeddedServer): MigrationOptions {
  return {
    source: parseEndpoint("source", source.uri()),
    target: parseEndpoint("target", target.uri()),
    type: "full+incremental",
    incremental: { conflicts: "stop", untilCaughtUp: false, fence: true },
    instance: true,
    include: [],
    exclude: [],
    concurrency: undefined,
    noOwner: false,
    noPrivileges: false,
    publications: false,
    tablespaceMap: {},
    acceptAlarms: true,
    verify: false,
    statistics: true,
    pgDump: undefined,
  };
}

/** Counted by the summary already, and not quite alike: it counts a partitioned index once, for example. */
const IN_SUMMARY: ReadonlySet<string> = new Set(["table", "index", "sequence", "constraint", "large object", "role"]);

/** The servers' own catalogs as witnesses. Throws `data-differ` when they disagree. */
async function compareInventories(source: EmbeddedServer, target: EmbeddedServer): Promise<string> {
  const [before, after] = await Promise.all([readInventory(source), readInventory(target)]);
  const different = before.filter(({ kind, count }) => after.find((line) => line.kind === kind)?.count !== count).map(({ kind }) => kind);
  if (different.length > 0) throw new GodwitError("data-differ", `source and target do not have as many of these: ${different.join(", ")}`, { object: SAMPLE_DATABASE });
  const list = before.filter(({ kind }) => !IN_SUMMARY.has(kind)).map(({ kind, plural, count }) => `${count} ${count === 1 ? kind : plural}`);
  return `PostgreSQL ${target.major} has all that PostgreSQL ${source.major} has, also ${list.join(", ")}.`;
}
