import { expect } from "vitest";
import type { Major } from "../../../src/embedded/binaries.ts";
import type { CheckItem } from "../../../src/precheck/check.ts";
import { type MigrationEvent, newProgress } from "../../../src/task/events.ts";
import { migrate } from "../../../src/task/migrate.ts";
import type { MigrationOptions } from "../../../src/task/options.ts";
import { type TestDatabase, createDatabase } from "../../kit/databases.ts";
import { createZooRoles } from "../../zoo/zoo.ts";
import { onServer } from "../../kit/databases.ts";
import { compareStructure } from "./compare-structure.ts";
import { readFacts } from "./facts.ts";
import { type ZooDatabase, zooDatabase } from "./zoo-database.ts";

const EVERYTHING: Omit<MigrationOptions, "source" | "target"> = {
  type: "full",
  instance: false,
  include: [],
  exclude: [],
  concurrency: 2,
  noOwner: false,
  noPrivileges: false,
  publications: true,
  tablespaceMap: {},
  acceptAlarms: true,
  verify: true,
  statistics: true,
  pgDump: undefined,
};

/** Moves what both majors can hold, and proves that it arrived: every table's digest (by `verify`), structure, sequences, large objects. */
export async function expectZooArrives(source: Major, target: Major): Promise<void> {
  const from = await zooDatabase(source, source < target ? source : target);
  const to = await emptyTarget(target);
  const events: MigrationEvent[] = [];
  const summary = await run(from, to, events);
  expect(events.filter((event) => event.event === "difference" || event.event === "error")).toEqual([]);
  expect(summary.state).toBe("succeeded");
  expect(summary.verifiedTables).toBeGreaterThan(50);
  expect(await compareStructure({ endpoint: from.endpoint("source"), major: source }, { endpoint: to.endpoint("target"), major: target })).toEqual({
    onlySource: [],
    onlyTarget: [],
  });
  expect(await readFacts(to.endpoint("target"))).toEqual(await readFacts(from.endpoint("source")));
}

/** Tries to move what the target cannot hold; returns what the precheck names. Nothing may be written. */
export async function refusedObjects(from: ZooDatabase, target: Major): Promise<readonly string[]> {
  const to = await emptyTarget(target);
  const before = await objectsOf(to);
  const events: MigrationEvent[] = [];
  await expect(run(from, to, events)).rejects.toMatchObject({ code: "precheck-failed", exitCode: 1 });
  expect(await objectsOf(to)).toEqual(before);
  const failed = events.flatMap((event): CheckItem[] => (event.event === "check" && event.item.result === "failed" ? [event.item] : []));
  return failed.flatMap(({ evidence }) => evidence);
}

async function run(from: ZooDatabase, to: TestDatabase, events: MigrationEvent[]) {
  const options: MigrationOptions = { ...EVERYTHING, source: from.endpoint("source"), target: to.endpoint("target") };
  return await migrate(options, { report: (event) => void events.push(event), progress: newProgress(), signal: new AbortController().signal });
}

async function emptyTarget(major: Major): Promise<TestDatabase> {
  await onServer(major, createZooRoles);
  return await createDatabase(major, "template template0");
}

async function objectsOf(database: TestDatabase): Promise<unknown[]> {
  return await database.query(`
    select 'schema ' || nspname as object from pg_catalog.pg_namespace union all select relname from pg_catalog.pg_class where oid >= 16384
    union all select proname from pg_catalog.pg_proc where oid >= 16384 union all select extname from pg_catalog.pg_extension order by 1`);
}
