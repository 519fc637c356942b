import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { expect } from "vitest";
import { compareSides, readTraces } from "./compare-sides.ts";
import { type Fault, openWay, startFaults } from "./faults.ts";
import { MigrationFailed, type MigrationSite, type Migrator, type RunningMigration } from "./migrator.ts";
import { Random } from "./random.ts";
import { describeTables, randomSchema } from "./random-schema.ts";
import { workloadAbilities } from "./random-transaction.ts";
import { type WorkloadResult, startWorkload } from "./random-workload.ts";
import type { RandomSchema } from "./schema.ts";
import { type ScenarioDatabase, type ServerPair, dropScenarioDatabase, makeScenarioDatabase } from "./site.ts";

export interface ScenarioOptions {
  readonly seed: string;
  readonly servers: ServerPair;
  readonly migrator: Migrator;
  /** Moves the same source at the same time, to a database of its own: all three are compared. */
  readonly witness?: Migrator;
  readonly faults?: readonly Fault[];
  /** How long changes are made once they flow. */
  readonly syncMs?: number;
  /** See SchemaWishes. */
  readonly largeTableBytes?: number;
  /** More that the source has from the beginning, as SQL; the clients do not know of it. */
  readonly more?: string;
  /** See MigrationSite. */
  readonly isFenced?: boolean;
  /** See MigrationSite. */
  readonly environment?: Readonly<Record<string, string>>;
  /** While changes flow; what somebody does who should not. */
  readonly meddle?: (site: MigrationSite, migration: RunningMigration) => Promise<void>;
  /** When the clients have gone, at once before Complete. */
  readonly beforeComplete?: (site: MigrationSite) => Promise<void>;
  /** When it is done, before both sides are compared. */
  readonly afterComplete?: (site: MigrationSite, migration: RunningMigration) => Promise<void>;
}

export interface ScenarioResult {
  readonly seed: string;
  /** What differs between the two sides, and what was left behind; none after a failure. */
  readonly differences: readonly string[];
  readonly failure: MigrationFailed | undefined;
  readonly workload: WorkloadResult;
  /** How often something was killed, restarted, cut. */
  readonly faults: number;
  readonly seconds: number;
  /** Seconds of its parts, in their order. */
  readonly laps: string;
  readonly tables: string;
}

/**
 * One migration under a random workload: schema and content are made, clients begin to write, the migration starts, they write on for a while after it
 * has caught up, and leave; it completes, and both sides are compared. The databases are dropped in every case.
 */
export async function runScenario(options: ScenarioOptions): Promise<ScenarioResult> {
  const { seed, servers, migrator, faults = [] } = options;
  const clock = new LapClock();
  const random = new Random(seed).fork("scenario");
  await using stack = new AsyncDisposableStack();
  const source = stack.adopt(await makeScenarioDatabase(servers.source, seed), dropScenarioDatabase);
  const target = stack.adopt(await makeScenarioDatabase(servers.target, seed), dropScenarioDatabase);
  const [older] = [servers.source.major, servers.target.major].toSorted((a, b) => a - b);
  const schema = randomSchema({ seed, major: older!, forNative: (options.witness ?? migrator).isNative, largeTableBytes: options.largeTableBytes ?? 0 });
  await load(source, schema);
  if (options.more !== undefined) await source.query(options.more);
  clock.lap("load");
  const before = await readTraces({ source, target });
  const toSource = stack.use(await openWay(source.uri, faults, random.fork("way to the source")));
  const toTarget = stack.use(await openWay(target.uri, faults, random.fork("way to the target")));
  const environment: Record<string, string> = { ...options.environment };
  for (const fault of faults) if (fault.kind === "failpoint") environment["GODWIT_FAILPOINT"] = fault.name;
  const site: MigrationSite = { source, target, sourceUri: toSource.uri, targetUri: toTarget.uri, schema, isFenced: options.isFenced ?? false, environment };

  const workload = startWorkload({
    ...workloadAbilities(older!, true),
    seed,
    tables: schema.tables.filter(({ isUnlogged, name }) => !isUnlogged && name !== "large"),
    major: older!,
    clients: random.int(3, 5),
    uri: source.uri,
    directory: servers.source.directory,
    mayCrash: faults.some((fault) => fault.kind === "restart" && fault.side === "source"),
  });
  let failure: MigrationFailed | undefined;
  let result: WorkloadResult | undefined;
  let witnessed: readonly string[] = [];
  let happened = (): number => toSource.broken() + toTarget.broken();
  try {
    await sleep(random.int(0, 300));
    await using witness = await startWitness(options, site);
    await using migration = await migrator.start(site);
    const running = startFaults(faults, servers, migration, random.fork("faults"));
    happened = () => toSource.broken() + toTarget.broken() + running.happened() + migration.deaths();
    clock.lap("begin");
    try {
      await Promise.all([migration.waitSyncing(), witness?.migration.waitSyncing()]);
      clock.lap("copy");
      toSource.flows();
      toTarget.flows();
      await sleep((options.syncMs ?? 1500) / 2);
      await options.meddle?.(site, migration);
      await sleep((options.syncMs ?? 1500) / 2);
      result = await workload.end();
      clock.lap("follow");
    } finally {
      await running.end();
      toSource.behave();
      toTarget.behave();
    }
    await options.beforeComplete?.(site);
    await witness?.migration.complete(); // may leave a mark at the source, which the other one brings, too
    await migration.complete();
    clock.lap("complete");
    await options.afterComplete?.(site, migration);
    if (witness !== undefined) witnessed = await compareWitness(site, witness.target, result.acknowledged);
  } catch (error) {
    if (!(error instanceof MigrationFailed)) throw error;
    failure = error;
  } finally {
    result ??= await workload.end();
  }
  const differences = failure === undefined ? await compareSides({ source, target }, result.acknowledged, { unlogged: !migrator.isNative }) : [];
  differences.push(...witnessed);
  // The oracle changes replica identities by hand, as an operator would.
  if (failure === undefined && ![migrator, options.witness].some((one) => one?.isNative === true)) differences.push(...changed(before, await readTraces({ source, target })));
  return { seed, differences, failure, workload: result, faults: happened(), seconds: clock.seconds(), laps: clock.lap("compare"), tables: describeTables(schema) };
}

interface Witness extends AsyncDisposable {
  readonly migration: RunningMigration;
  readonly target: ScenarioDatabase;
}

async function startWitness({ witness, seed, servers }: ScenarioOptions, site: MigrationSite): Promise<Witness | undefined> {
  if (witness === undefined) return undefined;
  await using stack = new AsyncDisposableStack();
  const target = stack.adopt(await makeScenarioDatabase(servers.target, `${seed} witness`), dropScenarioDatabase);
  const migration = stack.use(await witness.start({ ...site, target, sourceUri: site.source.uri, targetUri: target.uri, environment: {} }));
  const kept = stack.move();
  return { migration, target, [Symbol.asyncDispose]: async () => await kept.disposeAsync() };
}

/** What a third database has otherwise than the source, and than the target. */
async function compareWitness({ source, target }: MigrationSite, witness: ScenarioDatabase, acknowledged: ReadonlySet<string>): Promise<string[]> {
  const ofSource = await compareSides({ source, target: witness }, acknowledged, { unlogged: false });
  const ofTarget = await compareSides({ source: witness, target }, acknowledged, { unlogged: false });
  return [...ofSource.map((line) => `source and witness: ${line}`), ...ofTarget.map((line) => `witness and target: ${line}`)];
}

/** The scenario went through, both sides are equal, and clients saw nothing but what is ordinary. */
export function expectEqual(result: ScenarioResult): void {
  const { seed, differences, failure, workload, tables } = result;
  const told = `GODWIT_SEED=${seed} ${tables}`;
  expect(failure?.message, told).toBeUndefined();
  expect(workload.unexpected, told).toEqual([]);
  expect(differences, told).toEqual([]);
  expect(workload.acknowledged.size, told).toBeGreaterThan(0);
}

/** Of a failure, in a run's log. */
const TOLD_CHARACTERS = 600;

/** One line for the log of a run: the seed to replay it, and what it did. */
export function describeResult({ seed, workload, faults, seconds, laps, differences, failure }: ScenarioResult): string {
  const failures = Object.entries(workload.failures).map(([code, count]) => `${code}×${count}`).join(" "); // prettier-ignore
  const ending = failure === undefined ? (differences.length === 0 ? "equal" : `${differences.length} differences`) : `failed: ${failure.message.slice(0, TOLD_CHARACTERS)}`;
  return `GODWIT_SEED=${seed}: ${ending}; ${workload.acknowledged.size} of ${workload.transactions} transactions acknowledged, ${failures}${faults === 0 ? "" : `, ${faults} faults`}; ${seconds.toFixed(1)} s (${laps})`;
}

async function load(source: ScenarioDatabase, { statements }: RandomSchema): Promise<void> {
  const client = new Client({ connectionString: source.uri, application_name: "test" });
  await client.connect();
  try {
    await client.query("set client_min_messages = error");
    for (const statement of statements) {
      await client.query(statement).catch((error: unknown) => {
        throw new Error(`${String(error)} in ${statement}`, { cause: error });
      });
    }
  } finally {
    await client.end();
  }
}

function changed(before: readonly string[], after: readonly string[]): string[] {
  return [
    ...after.filter((trace) => !before.includes(trace)).map((trace) => `left behind: ${trace}`),
    ...before.filter((trace) => !after.includes(trace)).map((trace) => `not restored: ${trace}`),
  ];
}

/** How long what took. */
class LapClock {
  readonly #since = performance.now();
  #lastAt = performance.now();
  #laps: string[] = [];

  /** Ends a part; returns all so far. */
  lap(name: string): string {
    this.#laps.push(`${name} ${((performance.now() - this.#lastAt) / 1000).toFixed(1)}`);
    this.#lastAt = performance.now();
    return this.#laps.join(", ");
  }

  seconds(): number {
    return (performance.now() - this.#since) / 1000;
  }
}
