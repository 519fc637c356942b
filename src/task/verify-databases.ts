import type { Relation } from "../catalog/catalog.ts";
import { readCatalog } from "../catalog/read-catalog.ts";
import { readDependencies, readExtensionMembers } from "../catalog/read-dependencies.ts";
import { exportSnapshot } from "../copy/snapshot.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import type { DatabasePlan } from "../plan/database-plan.ts";
import { choosesObjects } from "../plan/object-pattern.ts";
import { type Selection, refuseUnmatched, selectObjects } from "../plan/select-objects.ts";
import { PATIENCE, type Patience, openFollowing } from "../verify/following.ts";
import type { UnsettledTable } from "../verify/look-again.ts";
import type { UnreadableTable } from "../verify/verify.ts";
import { withDatabase } from "../wire/endpoint.ts";
import { withoutLoginTriggers } from "../wire/login-triggers.ts";
import { openSession } from "../wire/session.ts";
import { type Compared, type Comparison, type EndpointPair, compare } from "./compare-tables.ts";
import { databasesToMove } from "./databases-to-move.ts";
import { tellingWhoBlocks } from "./lock-watch.ts";
import type { MigrationHooks } from "./migrate.ts";
import type { MigrationOptions } from "../plan/migration-options.ts";
import type { RunContext } from "./run-context.ts";
import { compareFirst, compareOn } from "./verify-followed.ts";

export interface VerifiedDatabases {
  readonly tables: number;
  readonly rows: number;
  readonly differences: number;
  readonly seconds: number;
}

/**
 * Compares every selected table of both sides as they are now; each difference is reported as an event. Where a task follows changes, only differences that last
 * count (verify-followed.ts). Throws when nothing differs as far as can be seen, but some tables could not be read: `privilege-missing`, or what the server
 * said; or could not be decided on: `data-unsettled`.
 */
export async function verifyDatabases(options: MigrationOptions, hooks: MigrationHooks, patience: Patience = PATIENCE): Promise<VerifiedDatabases> {
  const since = performance.now();
  await using source = await openSession(options.source, { signal: hooks.signal });
  await using target = await openSession(options.target, { signal: hooks.signal });
  const databases = await databasesToMove(source, target, options, hooks.report);
  const quiet = await withoutLoginTriggers(source, target);
  const total = { tables: 0, rows: 0, differences: 0 };
  const unreadable: UnreadableTable[] = [];
  const unsettled: UnsettledTable[] = [];
  const selections: Selection[] = [];
  for (const { from, to } of databases) {
    const pair = { source: withDatabase(quiet.source, from), target: withDatabase(quiet.target, to) };
    const { selection, result } = await tellingWhoBlocks([pair.source, pair.target], hooks.report, async () => await verifyDatabase(pair, options, hooks, patience));
    selections.push(selection);
    total.tables += result.tables;
    total.rows += result.rows;
    total.differences += result.differences;
    unreadable.push(...result.unreadable);
    unsettled.push(...result.unsettled);
  }
  refuseUnmatched(selections);
  if (total.differences === 0) refuseUndecided(unreadable, unsettled, total.tables);
  return { ...total, seconds: (performance.now() - since) / 1000 };
}

async function verifyDatabase(pair: EndpointPair, options: MigrationOptions, hooks: MigrationHooks, patience: Patience): Promise<{ selection: Selection; result: Comparison }> {
  const { report, signal } = hooks;
  const tell = (message: string): void => report({ event: "notice", level: "info", message });
  await using following = await openFollowing(pair.source, pair.target, { patience, tell, signal });
  if (following === undefined) {
    return await underSnapshot(pair, options, hooks, async (what) => await compare(pair, what, options.concurrency ?? DEFAULT_LANES, hooks));
  }
  const { selection, result } = await underSnapshot(pair, options, hooks, async (what) => await compareFirst(pair, what, following, options.concurrency ?? DEFAULT_LANES, hooks));
  // Without the snapshot: nothing has to be kept for it at the source as long as this takes.
  return { selection, result: await compareOn(pair, result, following, options.concurrency ?? DEFAULT_LANES, hooks) };
}

const DEFAULT_LANES = 4;

/** Does something with what is selected at the source at this moment. */
async function underSnapshot<Result>(
  pair: EndpointPair,
  { include, exclude }: MigrationOptions,
  { signal }: MigrationHooks,
  work: (what: Compared) => Promise<Result>,
): Promise<{ selection: Selection; result: Result }> {
  await using snapshot = await exportSnapshot(pair.source, { signal });
  const catalog = await readCatalog(snapshot.session);
  const isPartial = choosesObjects([...include, ...exclude]);
  const dependencies = isPartial ? await readDependencies(snapshot.session) : [];
  const members = isPartial ? await readExtensionMembers(snapshot.session) : [];
  const selection = selectObjects({ catalog, entries: [], dependencies, members, indexes: new Map(), include, exclude });
  return { selection, result: await work({ catalog, isSelected: selection.isSelected, exclude, sourceSnapshot: snapshot.id, unfilled: new Map<Relation, string>() }) };
}

/**
 * Compares what a migration just moved with the snapshot that it moved, and what earlier runs of its task moved as it is now. Returns how many tables;
 * throws `data-differ`, or why tables cannot be compared.
 */
export async function verifyPlanned(plans: readonly DatabasePlan[], context: RunContext): Promise<number> {
  let tables = 0;
  let differences = 0;
  const unreadable: UnreadableTable[] = [];
  const unsettled: UnsettledTable[] = [];
  const add = (result: Comparison): void => {
    tables += result.tables;
    differences += result.differences;
    unreadable.push(...result.unreadable);
    unsettled.push(...result.unsettled);
  };
  for (const plan of plans) {
    const { catalog, selection, snapshot } = plan;
    const what = { catalog, isSelected: selection.isSelected, exclude: context.options.exclude, sourceSnapshot: snapshot.id, unfilled: context.unfilled };
    add(await tellingWhoBlocks([plan.source, plan.target], context.report, async () => await compare(plan, what, context.lanes, context)));
  }
  for (const pair of await movedBefore(plans, context)) {
    add(await tellingWhoBlocks([pair.source, pair.target], context.report, async () => (await verifyDatabase(pair, context.options, context, PATIENCE)).result));
  }
  if (differences > 0) throw new GodwitError("data-differ", `${differences} of ${tables} tables differ between source and target`);
  refuseUndecided(unreadable, unsettled, tables);
  return tables;
}

/** The databases that the task moves and this run had not to. */
async function movedBefore(plans: readonly DatabasePlan[], { options, report, signal }: RunContext): Promise<EndpointPair[]> {
  const isOne = !options.instance && !options.include.some(({ kind }) => kind === "database");
  if (isOne && plans.length === 1) return [];
  await using source = await openSession(options.source, { signal });
  await using target = await openSession(options.target, { signal });
  const quiet = await withoutLoginTriggers(source, target);
  const planned = new Set(plans.map((plan) => plan.target.database));
  const before = (await databasesToMove(source, target, options, () => undefined)).filter(({ to }) => !planned.has(to));
  for (const { from } of before) report({ event: "notice", level: "info", message: `database ${from} was moved before the interruption: it is compared as it is now` });
  return before.map(({ from, to }) => ({ source: withDatabase(quiet.source, from), target: withDatabase(quiet.target, to) }));
}

/** No right to read is no difference, and no equality; neither is what could not be decided on. */
function refuseUndecided(unreadable: readonly UnreadableTable[], unsettled: readonly UnsettledTable[], tables: number): void {
  const [first] = unreadable;
  if (first === undefined) {
    refuseUnsettled(unsettled, tables);
    return;
  }
  const more = unreadable.length > 1 ? ` and ${unreadable.length - 1} more` : "";
  const message = `${unreadable.length} of ${tables} tables cannot be compared: ${first.table}${more}: ${first.error.message}`;
  throw new GodwitError(first.error.code, message, { object: first.table, advice: first.error.advice, cause: first.error });
}

function refuseUnsettled(unsettled: readonly UnsettledTable[], tables: number): void {
  const [first] = unsettled;
  if (first === undefined) return;
  const more = unsettled.length > 1 ? ` and ${unsettled.length - 1} more` : "";
  throw new GodwitError("data-unsettled", `${unsettled.length} of ${tables} tables are neither equal nor different yet: ${first.table}${more}: ${first.reason}`, {
    object: first.table,
  });
}
