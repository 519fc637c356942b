import { requireSnapshot } from "../copy/snapshot.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import { followsChanges, movesData } from "../plan/migration-type.ts";
import { matcher } from "../plan/match-pattern.ts";
import { refuseUnmatched } from "../plan/select-objects.ts";
import type { DatabasePlan } from "../plan/database-plan.ts";
import type { CheckItem } from "../precheck/check.ts";
import type { PrecheckContext } from "../precheck/context.ts";
import { runPrechecks } from "../precheck/run-prechecks.ts";
import { applyRoles } from "../structure/apply-roles.ts";
import { type InstanceDatabase, applyDatabaseProperties, createDatabaseSql, databaseRightsMissing, databasesWithoutConnect, readDatabases } from "../structure/databases.ts";
import { type RoleFacts, missingRoles, readRoles } from "../structure/read-roles.ts";
import { describeEndpoint, withDatabase } from "../wire/endpoint.ts";
import { withoutLoginTriggers } from "../wire/login-triggers.ts";
import { type Session, openSession } from "../wire/session.ts";
import { type DatabaseMove, databasesToMove } from "./databases-to-move.ts";
import { followDatabases } from "./incremental/follow-databases.ts";
import type { DatabasePair } from "./incremental/followed-database.ts";
import { guardFollowedMeanwhile } from "./incremental/guard-identities.ts";
import type { CrewOptions } from "./lanes/crew.ts";
import type { MigrationProgress, MigrationSummary, Report, Step } from "./events.ts";
import { failpoint } from "../errors/failpoint.ts";
import { type Written, tellLeftovers } from "./leftovers.ts";
import { PLAN_PATIENCE_MS, tellingWhoBlocks } from "./lock-watch.ts";
import type { MigrationOptions } from "../plan/migration-options.ts";
import type { Switchover } from "./switchover.ts";
import { planDatabase } from "./plan-database.ts";
import type { DatabaseResult, RunContext } from "./run-context.ts";
import { type TaskMemory, shortMemory } from "./task-memory.ts";
import { runDatabase } from "./run-database.ts";
import { verifyPlanned } from "./verify-databases.ts";

export interface MigrationHooks {
  readonly report: Report;
  readonly progress: MigrationProgress;
  readonly signal: AbortSignal;
  /** Which tables' data a database's copy is about to bring. */
  readonly onPlanned?: ((database: string, tables: readonly PlannedTable[]) => void) | undefined;
}

/** A table whose data moves. */
export interface PlannedTable {
  /** `schema.name`, as events name it. */
  readonly name: string;
  /** Heap and TOAST, in bytes. */
  readonly size: number;
  /** An earlier run has brought all of it. */
  readonly isCopied: boolean;
}

/** Lanes when nobody says how many: servers do not reveal their cores. */
const DEFAULT_LANES = 4;

/**
 * One migration from beginning to end: connect → plan → precheck → roles → per database: structure → copy → index → finish →
 * analyze → (verify). Nothing is written before the prechecks have passed. Throws `precheck-failed`, `precheck-alarm`, `data-differ`, or
 * what went wrong, with the state of the target in its advice; the signal's reason when interrupted.
 */
export async function migrate(options: MigrationOptions, outer: MigrationHooks, memory: TaskMemory, crew: CrewOptions, switchover: Switchover): Promise<MigrationSummary> {
  const clock = new StepClock(outer);
  const hooks = clock.listening();
  // What has begun waits as long as it takes, and says so.
  await using prepared = await prepare(options, hooks, clock, memory, memory.has("roles") ? Infinity : PLAN_PATIENCE_MS);
  await clock.step("precheck", async () => judge(await report(prepared.context, hooks), options, memory.has("roles")));
  const written: Written = { databases: new Map(), roles: [] };
  try {
    return await move(prepared, options, hooks, clock, written, memory, crew, switchover);
  } catch (error) {
    throw await tellLeftovers(error, written, prepared.context.databases.length, options, hooks.signal);
  }
}

/** Everything that writes; `written` is kept up to date for whoever has to tell how far it came. */
async function move(
  prepared: Prepared,
  options: MigrationOptions,
  hooks: MigrationHooks,
  clock: StepClock,
  written: Written,
  memory: TaskMemory,
  crew: CrewOptions,
  switchover: Switchover,
): Promise<MigrationSummary> {
  const follows = followsChanges(options.type);
  if (movesData(options.type)) for (const { plan } of prepared.context.databases) await requireSnapshot(plan.snapshot);
  if (!memory.has("roles")) written.roles = await clock.step("roles", async () => await moveRoles(prepared, hooks, memory));
  failpoint("roles created");
  await memory.reached("roles", written.roles);
  failpoint("roles noted");

  await using meanwhile = new AsyncDisposableStack();
  const run: RunContext = { ...hooks, options, task: memory, crew, switchover, meanwhile, unfilled: new Map(), lanes: options.concurrency ?? DEFAULT_LANES };
  if (prepared.context.databases.length > 0) for (const pair of prepared.followed) if (memory.has(`following ${pair.target.database}`)) await guardFollowedMeanwhile(pair, run);
  for (const [at, { plan }] of prepared.context.databases.entries()) {
    const { definition, exists } = prepared.moves[at]!;
    if (movesData(options.type)) await requireSnapshot(plan.snapshot);
    written.databases.set(plan, "begun");
    if (definition !== undefined && !exists) await createDatabase(prepared.context.target, definition, options, hooks);
    const result = await runDatabase(plan, run);
    written.databases.set(plan, definition === undefined ? "complete" : "moved");
    const notes =
      definition === undefined
        ? await propertiesLeftBehind(prepared.context, plan)
        : await applyDatabaseProperties(prepared.context.target, definition, {
            owner: !options.noOwner,
            privileges: !options.noPrivileges,
            tablespaceMap: options.tablespaceMap,
          });
    await memory.reached(`${follows ? "following" : "database"} ${plan.target.database}`, result);
    failpoint(follows ? "following noted" : "database noted");
    written.databases.set(plan, "complete");
    for (const message of [...notes, ...(await subscriptionsLeftBehind(prepared.context.source, plan))]) hooks.report({ event: "notice", level: "warning", message });
  }
  await meanwhile.disposeAsync();
  const followed = follows ? await followDatabases(prepared.followed, run) : undefined;
  let verifiedTables: number | undefined;
  if (options.verify && movesData(options.type)) {
    verifiedTables = await clock.step(
      "verify",
      async () =>
        await verifyPlanned(
          // What was followed is compared as it is now.
          follows ? [] : prepared.context.databases.map(({ plan }) => plan),
          run,
        ),
    );
  }
  // The summary is the task's: of all its runs.
  const results = memory.reachedAll().flatMap((what) => (what.startsWith("database ") ? [(memory.value(what) as DatabaseResult | undefined) ?? NOTHING_TOLD] : []));
  const summary: MigrationSummary = {
    event: "summary",
    state: "succeeded",
    seconds: clock.seconds(),
    steps: clock.steps(),
    databases: results.length,
    roles: (memory.value("roles") as string[] | undefined)?.length ?? 0,
    ...sumUp(results),
    ...(followed === undefined ? {} : { followed }),
    ...(verifiedTables === undefined ? {} : { verifiedTables }),
  };
  return summary;
}

/** Runs the prechecks and nothing else; nothing that they write stays (see structure-rehearsal). Throws `lock-unavailable` when others' locks are in the way for longer than the patience. */
export async function checkOnly(options: MigrationOptions, hooks: MigrationHooks, lockPatienceMs: number = PLAN_PATIENCE_MS): Promise<CheckItem[]> {
  const clock = new StepClock(hooks);
  await using prepared = await prepare(options, hooks, clock, shortMemory(), lockPatienceMs);
  return await clock.step("precheck", async () => await report(prepared.context, hooks));
}

interface Prepared extends AsyncDisposable {
  readonly context: PrecheckContext;
  /** One for each of the context's databases, in the same order. */
  readonly moves: readonly DatabaseMove[];
  /** Databases that are to be completed: those whose changes are followed already, and all of the context's. */
  readonly followed: readonly DatabasePair[];
}

/** Connects to both servers and plans every database. */
async function prepare(options: MigrationOptions, hooks: MigrationHooks, clock: StepClock, memory: TaskMemory, lockPatienceMs: number): Promise<Prepared> {
  await using stack = new AsyncDisposableStack();
  const [source, target] = await clock.step("connect", async () => {
    // Both sides are told apart even when both fail: the source's error comes first.
    const opening = [openSession(options.source, { signal: hooks.signal }), openSession(options.target, { signal: hooks.signal })] as const;
    const settled = await Promise.allSettled(opening);
    for (const one of settled) if (one.status === "fulfilled") stack.use(one.value);
    return await Promise.all(opening);
  });
  checkVersions(source, target);
  const all = await databasesToMove(source, target, options, hooks.report);
  const open = all.filter(({ to }) => !memory.has(`database ${to}`));
  const toPlan = open.filter(({ to }) => !memory.has(`following ${to}`));
  const unreachable = await withoutConnect(source, target, toPlan);
  // The others are planned all the same, to be checked: nothing moves while a check has failed.
  const moves = toPlan.filter(({ from, to }) => !unreachable.source.includes(from) && !unreachable.target.includes(to));
  let followed: DatabasePair[] = [];
  const context = await clock.step("plan", async () => {
    const databases: PrecheckContext["databases"][number][] = [];
    const roles = await rolesToMove(source, options); // a slip in their names is told before the databases are read
    const quiet = await withoutLoginTriggers(source, target);
    followed = open.map(({ from, to }) => ({ source: withDatabase(quiet.source, from), target: withDatabase(quiet.target, to) }));
    for (const { from, to, exists } of moves) {
      const endpoints = { source: withDatabase(quiet.source, from), target: withDatabase(quiet.target, to) };
      const plan: DatabasePlan = stack.use(
        await tellingWhoBlocks(
          [endpoints.source],
          hooks.report,
          async (signal = hooks.signal) => await planDatabase({ ...endpoints, createTarget: !exists, targetVersionNum: target.versionNum }, options, signal),
          { signal: hooks.signal, forMs: lockPatienceMs },
        ),
      );
      databases.push({ plan });
    }
    if (moves.length === all.length) refuseUnmatched(databases.map(({ plan }) => plan.selection));
    return {
      options,
      task: memory,
      source,
      target,
      databases,
      unreachable,
      roles,
      newDatabases: moves.flatMap(({ definition, exists }) => (definition === undefined || exists ? [] : [definition])),
    } satisfies PrecheckContext;
  });
  const kept = stack.move();
  return { context, moves, followed, [Symbol.asyncDispose]: async () => await kept.disposeAsync() };
}

/** `databasesToMove` sees databases that this account may not connect to; of one database alone the first session has been opened already. */
async function withoutConnect(source: Session, target: Session, moves: readonly DatabaseMove[]): Promise<PrecheckContext["unreachable"]> {
  const existing = moves.filter(({ exists }) => exists).map(({ to }) => to);
  const [from, to] = await Promise.all([
    databasesWithoutConnect(
      source,
      moves.map((move) => move.from),
    ),
    databasesWithoutConnect(target, existing),
  ]);
  return { source: from, target: to };
}

/** https://www.postgresql.org/support/versioning/ */
function checkVersions(source: Session, target: Session): void {
  if (source.versionNum < 90400)
    throw new GodwitError("version-unsupported", `${describeEndpoint(source.endpoint)} is PostgreSQL ${source.major}; sources are 9.4 to 18`, { object: "source" });
  if (target.versionNum < 100000)
    throw new GodwitError("version-unsupported", `${describeEndpoint(target.endpoint)} is PostgreSQL ${target.major}; targets are 10 to 18`, { object: "target" });
}

async function rolesToMove(source: Session, options: MigrationOptions): Promise<RoleFacts[]> {
  const included = options.include.filter((pattern) => pattern.kind === "role");
  const excluded = options.exclude.filter((pattern) => pattern.kind === "role");
  const areMoved = options.instance || included.length > 0;
  if (!areMoved && excluded.length === 0) return [];
  const all = await readRoles(source);
  for (const { pattern } of [...included, ...excluded]) {
    if (!all.some(({ name }) => matcher(pattern)(undefined, name)))
      throw new GodwitError("object-unknown", `no role at the source matches "${pattern}"`, { object: `role=${pattern}` });
  }
  if (!areMoved) return [];
  return all.filter(
    ({ name }) =>
      (included.length === 0 || included.some(({ pattern }) => matcher(pattern)(undefined, name))) && !excluded.some(({ pattern }) => matcher(pattern)(undefined, name)),
  );
}

async function report(context: PrecheckContext, hooks: MigrationHooks): Promise<CheckItem[]> {
  const items = await runPrechecks(context, hooks.signal);
  for (const item of items) hooks.report({ event: "check", item });
  return items;
}

/**
 * Throws `precheck-failed`, or `precheck-alarm` where alarms are not accepted. Once something was written (`hasBegun`), an alarm is only told: the operator
 * decided before the first write, and what is busy for the moment stops no work that can wait.
 */
export function judge(items: readonly CheckItem[], options: Pick<MigrationOptions, "acceptAlarms" | "accepted">, hasBegun = false): void {
  const names = (result: CheckItem["result"]): string[] => items.filter((item) => item.result === result).map((item) => item.id);
  const failed = names("failed");
  const alarms = names("alarm").filter((id) => options.accepted?.includes(id) !== true);
  const written = hasBegun ? "this run has written nothing" : "nothing was written";
  if (failed.length > 0) throw new GodwitError("precheck-failed", `${failed.length} of ${items.length} checks failed: ${failed.join(", ")}; ${written}`);
  if (alarms.length > 0 && !options.acceptAlarms && !hasBegun)
    throw new GodwitError("precheck-alarm", `alarms of ${items.length} checks: ${alarms.join(", ")}; nothing was written`);
}

/** Returns those that were created, be it by a run that was cut off. */
async function moveRoles({ context }: Prepared, hooks: MigrationHooks, memory: TaskMemory): Promise<string[]> {
  if (context.roles.length === 0) return [];
  const missing = await missingRoles(
    context.target,
    context.roles.map(({ name }) => name),
  );
  await memory.reached("roles begun", missing);
  const applied = await applyRoles(context.target, context.roles, { joinCreated: !context.options.noOwner, tablespaceMap: context.options.tablespaceMap });
  const begun = memory.value("roles begun") as readonly string[];
  const warn = (message: string, object?: string): void => hooks.report({ event: "notice", level: "warning", message, ...(object === undefined ? {} : { object }) });
  const earlier = applied.existing.filter((role) => begun.includes(role));
  for (const role of applied.existing) if (!earlier.includes(role)) warn(`role ${role} exists on the target and is left as it is`, role);
  for (const role of applied.withoutLogin)
    warn(`role ${role} was created without login: its password hash cannot be read at the source; set a password and ALTER ROLE … LOGIN`, role);
  for (const note of applied.notes) warn(note);
  return [...earlier, ...applied.created];
}

async function createDatabase(target: Session, definition: InstanceDatabase, options: MigrationOptions, hooks: MigrationHooks): Promise<void> {
  const create = createDatabaseSql(definition, target.versionNum, options.tablespaceMap);
  if (create.problem !== undefined) throw new GodwitError("structure-failed", create.problem, { object: definition.name });
  for (const message of create.notes) hooks.report({ event: "notice", level: "warning", message, object: definition.name });
  await target.query(create.sql);
}

/** The content of one database moves into another, whose own settings and rights are the operator's: those that only the source has are named. */
async function propertiesLeftBehind({ source, target, options }: PrecheckContext, plan: DatabasePlan): Promise<string[]> {
  const from = (await readDatabases(source)).find(({ name }) => name === plan.source.database);
  const into = (await readDatabases(target)).find(({ name }) => name === plan.target.database);
  if (from === undefined || into === undefined) return [];
  const there = new Set(into.settings.map(({ role, name, value }) => JSON.stringify([role, name, value])));
  const missing = from.settings.filter(({ role, name, value }) => !there.has(JSON.stringify([role, name, value])));
  // Values are not printed: applications keep keys in such settings.
  const settings = missing.map(({ role, name }) => {
    const whose = role === null ? `ALTER DATABASE ${into.name}` : `ALTER ROLE ${role} IN DATABASE ${into.name}`;
    return `the source database has a setting that the target lacks, and that only moves with --instance or --include database=…: ${whose} SET ${name} = …`;
  });
  const rights = options.noPrivileges ? [] : databaseRightsMissing(from, into);
  if (rights.length === 0) return settings;
  return [...settings, `the source database has other rights than the target, which only move with --instance or --include database=…: ${rights.join("; ")}`];
}

/** A subscription belongs to one cluster's slots: moved, two servers would read from one. */
async function subscriptionsLeftBehind(source: Session, plan: DatabasePlan): Promise<string[]> {
  if (source.versionNum < 100000) return [];
  const rows = await source.query<{ name: string }>(
    "select s.subname as name from pg_catalog.pg_subscription s join pg_catalog.pg_database d on d.oid = s.subdbid where d.datname = $1 order by 1",
    [plan.source.database],
  );
  return rows.map(({ name }) => `subscription ${name} of database ${plan.source.database} is not moved: create it on the target when the source no longer uses it`);
}

/** Of a database that an earlier version of the program has moved. */
const NOTHING_TOLD: DatabaseResult = { tables: 0, rows: 0, bytes: 0, indexes: 0, constraints: 0, sequences: 0, largeObjects: 0, materializedViews: 0 };

function sumUp(results: readonly DatabaseResult[]): DatabaseResult {
  const total = { tables: 0, rows: 0, bytes: 0, indexes: 0, constraints: 0, sequences: 0, largeObjects: 0, materializedViews: 0 };
  for (const result of results) for (const name of Object.keys(total) as (keyof DatabaseResult)[]) total[name] += result[name];
  return total;
}

/** Wall time per step, from the step events that pass by; the steps of several databases add up. */
class StepClock {
  readonly #since = performance.now();
  readonly #seconds: Record<string, number> = {};
  readonly #hooks: MigrationHooks;

  constructor(hooks: MigrationHooks) {
    const report: Report = (event) => {
      if (event.event === "step" && event.seconds !== undefined) this.#seconds[event.step] = (this.#seconds[event.step] ?? 0) + event.seconds;
      hooks.report(event);
    };
    this.#hooks = { ...hooks, report };
  }

  listening(): MigrationHooks {
    return this.#hooks;
  }

  async step<T>(step: Step, work: () => Promise<T> | T): Promise<T> {
    this.#hooks.signal.throwIfAborted();
    const { report, progress } = this.#hooks;
    const since = performance.now();
    progress.step = step;
    report({ event: "step", step, state: "started" });
    const result = await work();
    report({ event: "step", step, state: "finished", seconds: (performance.now() - since) / 1000 });
    return result;
  }

  seconds(): number {
    return (performance.now() - this.#since) / 1000;
  }

  steps(): Record<string, number> {
    return this.#seconds;
  }
}
