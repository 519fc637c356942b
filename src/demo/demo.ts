import { randomBytes } from "node:crypto";
import type { Major } from "../embedded/binaries.ts";
import { type EmbeddedServer, startServer } from "../embedded/server.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import type { MigrationSummary } from "../task/events.ts";
import { migrateDurably } from "../task/durable-migration.ts";
import type { MigrationHooks } from "../task/migrate.ts";
import { openTasks } from "../task/open-tasks.ts";
import type { MigrationOptions } from "../task/options.ts";
import { parseEndpoint } from "../wire/endpoint.ts";
import { readInventory } from "./inventory.ts";
import { SAMPLE_DATABASE, fillSample } from "./sample.ts";

const SOURCE_MAJOR: Major = 14;
const TARGET_MAJOR: Major = 18;
const DAY_MS = 86_400_000;

/**
 * A whole migration for somebody who has nothing at hand: two servers of different majors on this machine, a sample shop, everything
 * moved and compared. The servers and their files are gone at the end, however it comes. Throws what a migration throws.
 */
export async function runDemo(scale: number, hooks: MigrationHooks): Promise<MigrationSummary> {
  const say = (message: string): void => hooks.report({ event: "notice", level: "info", message });
  say("Two throw-away PostgreSQL servers on this machine, a sample shop, one migration. Nothing stays behind.");
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
    summary = await migrateFrom(source, target, hooks);
    say(await compareInventories(source, target));
  }
  say("Both servers are stopped and their files removed.");
  return summary;
}

/** As every migration, with a store of its own; on a throw-away server, because a state directory's server would outlive a demo that is killed. */
async function migrateFrom(source: EmbeddedServer, target: EmbeddedServer, hooks: MigrationHooks): Promise<MigrationSummary> {
  await using server = await startServer({ major: TARGET_MAJOR });
  await using opened = await openTasks({ store: { uri: server.uri() }, key: randomBytes(32).toString("base64") });
  return await migrateDurably(opened, { options: demoOptions(source, target), retryForMs: 0 }, { retryForMs: 0, keepEndedForMs: DAY_MS, log: () => undefined }, hooks);
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
    type: "full",
    instance: true,
    include: [],
    exclude: [],
    concurrency: undefined,
    noOwner: false,
    noPrivileges: false,
    publications: false,
    tablespaceMap: {},
    acceptAlarms: true,
    verify: true,
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
