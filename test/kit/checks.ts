import type { Major } from "../../src/embedded/binaries.ts";
import type { Check, CheckItem } from "../../src/precheck/check.ts";
import { fixEndpoint, fixableItems, runFix } from "../../src/precheck/fix.ts";
import { runPrechecks } from "../../src/precheck/run-prechecks.ts";
import { newProgress } from "../../src/task/events.ts";
import { checkOnly } from "../../src/task/migrate.ts";
import type { MigrationOptions } from "../../src/plan/migration-options.ts";
import { planDatabase } from "../../src/task/plan-database.ts";
import { type TaskMemory, shortMemory } from "../../src/task/task-memory.ts";
import type { Endpoint, Side } from "../../src/wire/endpoint.ts";
import { quoteIdentifier } from "../../src/wire/quote.ts";
import { openSession } from "../../src/wire/session.ts";
import { onServer, type TestDatabase } from "./databases.ts";

/** What a task is asked for when a test does not say: everything of one database, with nothing accepted. */
export function taskOptions(source: Endpoint, target: Endpoint, changes: Partial<MigrationOptions> = {}): MigrationOptions {
  return {
    source,
    target,
    type: "full",
    instance: false,
    include: [],
    exclude: [],
    concurrency: 2,
    noOwner: false,
    noPrivileges: false,
    publications: false,
    tablespaceMap: {},
    acceptAlarms: false,
    verify: false,
    statistics: true,
    pgDump: undefined,
    ...changes,
  };
}

/** Plans a migration and runs all its prechecks, as `godwit check` does. */
export async function runChecks(source: Endpoint, target: Endpoint, changes: Partial<MigrationOptions> = {}, lockPatienceMs?: number): Promise<CheckItem[]> {
  return await checkOnly(taskOptions(source, target, changes), { report: () => undefined, progress: newProgress(), signal: new AbortController().signal }, lockPatienceMs);
}

/** The items of one check. */
export async function itemsOf(id: string, source: Endpoint, target: Endpoint, changes: Partial<MigrationOptions> = {}): Promise<CheckItem[]> {
  return (await runChecks(source, target, changes)).filter((item) => item.id === id);
}

/** The items of one check that is not in the table as it is, because it has another limit, say; or for a task that has begun. */
export async function itemsOfCheck(
  check: Check,
  source: Endpoint,
  target: Endpoint,
  changes: Partial<MigrationOptions> = {},
  task: TaskMemory = shortMemory(),
): Promise<CheckItem[]> {
  const options = taskOptions(source, target, changes);
  await using from = await openSession(source);
  await using to = await openSession(target);
  const { signal } = new AbortController();
  await using plan = await planDatabase({ source, target, createTarget: false, targetVersionNum: to.versionNum }, options, signal);
  return await runPrechecks({ options, source: from, target: to, databases: [{ plan }], unreachable: { source: [], target: [] }, roles: [], newDatabases: [], task }, signal, [
    check,
  ]);
}

/** Runs the SQL of an item as `godwit check --fix` does: where the item says, by the account of that side. */
export async function mend(item: CheckItem | undefined, source: Endpoint, target: Endpoint): Promise<void> {
  if (item === undefined) throw new Error("there is no item to mend");
  const [fixable] = fixableItems([item], [item.id]);
  if (fixable === undefined) throw new Error(`${item.id} has passed`);
  await runFix(fixable, fixEndpoint(fixable, { source, target }), new AbortController().signal);
}

/** Makes a role on a shared server, unless it is there; it stays until the servers end. */
export async function createAccount(major: Major, name: string, attributes = "login"): Promise<void> {
  await onServer(major, async (admin) => {
    const { rows } = await admin.query("select from pg_roles where rolname = $1", [name]);
    if (rows.length === 0) await admin.query(`create role ${quoteIdentifier(name)} ${attributes} password 'secret'`);
  });
}

/** A database as another account than the superuser sees it; see createAccount. */
export function asAccount(database: TestDatabase, side: Side, name: string): Endpoint {
  return { ...database.endpoint(side), user: name, password: "secret" };
}
