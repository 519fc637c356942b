import { expect } from "vitest";
import type { Major } from "../../../src/embedded/binaries.ts";
import type { CheckItem } from "../../../src/precheck/check.ts";
import { type MigrationEvent, newProgress } from "../../../src/task/events.ts";
import { migrate } from "../../kit/migrate.ts";
import { taskOptions } from "../../kit/checks.ts";
import { type TestDatabase, createDatabase, onServer } from "../../kit/databases.ts";
import { createZooRoles } from "../../zoo/zoo.ts";
import { type StructureDifference, compareStructure } from "./compare-structure.ts";
import { readFacts } from "./facts.ts";
import { type ZooDatabase, zooDatabase } from "./zoo-database.ts";

export interface ZooMove {
  readonly state: string;
  /** Differences that `verify` found between tables, and errors. */
  readonly complaints: readonly MigrationEvent[];
  readonly structure: StructureDifference;
  /** Sequences, large objects, filled materialized views of both sides. */
  readonly facts: { readonly source: readonly string[]; readonly target: readonly string[] };
  readonly verifiedTables: number;
}

/** Moves what both majors can hold, and compares the two sides: every table's digest (by `verify`), structure, sequences, large objects. */
export async function moveZoo(source: Major, target: Major): Promise<ZooMove> {
  const from = await zooDatabase(source, source < target ? source : target);
  const to = await emptyTarget(target);
  const events: MigrationEvent[] = [];
  const summary = await run(from, to, events);
  return {
    state: summary.state,
    complaints: events.filter((event) => event.event === "difference" || event.event === "error"),
    structure: await compareStructure({ endpoint: from.endpoint("source"), major: source }, { endpoint: to.endpoint("target"), major: target }),
    facts: { source: await readFacts(from.endpoint("source")), target: await readFacts(to.endpoint("target")) },
    verifiedTables: summary.verifiedTables ?? 0,
  };
}

/** What `moveZoo` answers when all arrived. */
export function allArrived({ facts }: ZooMove): ZooMove {
  return {
    state: "succeeded",
    complaints: [],
    structure: { onlySource: [], onlyTarget: [] },
    facts: { source: facts.source, target: facts.source },
    verifiedTables: expect.any(Number) as number,
  };
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
  const options = taskOptions(from.endpoint("source"), to.endpoint("target"), { publications: true, acceptAlarms: true, verify: true });
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
