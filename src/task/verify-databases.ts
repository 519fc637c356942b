import { type Catalog, type Relation, displayName } from "../catalog/catalog.ts";
import { readCatalog } from "../catalog/read-catalog.ts";
import { readDependencies, readExtensionMembers } from "../catalog/read-dependencies.ts";
import { exportSnapshot } from "../copy/snapshot.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import type { DatabasePlan } from "../plan/database-plan.ts";
import { copyTables, partitionRoots } from "../plan/plan-chunks.ts";
import { choosesObjects } from "../plan/object-pattern.ts";
import { type Selection, refuseUnmatched, selectObjects } from "../plan/select-objects.ts";
import { NOT_FILLED, type TablePair, type UnreadableTable, verifyTables } from "../verify/verify.ts";
import { type Endpoint, withDatabase } from "../wire/endpoint.ts";
import { withoutLoginTriggers } from "../wire/login-triggers.ts";
import { openSession } from "../wire/session.ts";
import { databasesToMove } from "./databases-to-move.ts";
import { tellingWhoBlocks } from "./lock-watch.ts";
import type { MigrationHooks } from "./migrate.ts";
import type { MigrationOptions } from "./options.ts";
import type { RunContext } from "./run-context.ts";

export interface VerifiedDatabases {
  readonly tables: number;
  readonly rows: number;
  readonly differences: number;
  readonly seconds: number;
}

interface EndpointPair {
  readonly source: Endpoint;
  readonly target: Endpoint;
}

interface Comparison {
  readonly tables: number;
  readonly rows: number;
  readonly differences: number;
  readonly unreadable: readonly UnreadableTable[];
}

/**
 * Compares every selected table of both sides as they are now; each difference is reported as an event. Throws when nothing differs as far as can be
 * seen, but some tables could not be read: `privilege-missing`, or what the server said.
 */
export async function verifyDatabases(options: MigrationOptions, hooks: MigrationHooks): Promise<VerifiedDatabases> {
  const since = performance.now();
  await using source = await openSession(options.source, { signal: hooks.signal });
  await using target = await openSession(options.target, { signal: hooks.signal });
  const databases = await databasesToMove(source, target, options, hooks.report);
  const quiet = await withoutLoginTriggers(source, target);
  const total = { tables: 0, rows: 0, differences: 0 };
  const unreadable: UnreadableTable[] = [];
  const selections: Selection[] = [];
  for (const { from, to } of databases) {
    const pair = { source: withDatabase(quiet.source, from), target: withDatabase(quiet.target, to) };
    const { selection, result } = await tellingWhoBlocks([pair.source, pair.target], hooks.report, async () => await verifyDatabase(pair, options, hooks));
    selections.push(selection);
    total.tables += result.tables;
    total.rows += result.rows;
    total.differences += result.differences;
    unreadable.push(...result.unreadable);
  }
  refuseUnmatched(selections);
  if (total.differences === 0) refuseUnreadable(unreadable, total.tables);
  return { ...total, seconds: (performance.now() - since) / 1000 };
}

async function verifyDatabase(pair: EndpointPair, options: MigrationOptions, hooks: MigrationHooks): Promise<{ selection: Selection; result: Comparison }> {
  await using snapshot = await exportSnapshot(pair.source, { signal: hooks.signal });
  const catalog = await readCatalog(snapshot.session);
  const { include, exclude } = options;
  const isPartial = choosesObjects([...include, ...exclude]);
  const dependencies = isPartial ? await readDependencies(snapshot.session) : [];
  const members = isPartial ? await readExtensionMembers(snapshot.session) : [];
  const selection = selectObjects({ catalog, entries: [], dependencies, members, indexes: new Map(), include, exclude });
  const what = { catalog, isSelected: selection.isSelected, sourceSnapshot: snapshot.id, unfilled: new Map<Relation, string>() };
  return { selection, result: await compare(pair, what, options.concurrency ?? 4, hooks) };
}

/**
 * Compares what a migration just moved with the snapshot that it moved, and what earlier runs of its task moved as it is now. Returns how many tables;
 * throws `data-differ`, or why tables cannot be compared.
 */
export async function verifyPlanned(plans: readonly DatabasePlan[], context: RunContext): Promise<number> {
  let tables = 0;
  let differences = 0;
  const unreadable: UnreadableTable[] = [];
  const add = (result: Comparison): void => {
    tables += result.tables;
    differences += result.differences;
    unreadable.push(...result.unreadable);
  };
  for (const plan of plans) {
    const { catalog, selection, snapshot } = plan;
    const what = { catalog, isSelected: selection.isSelected, sourceSnapshot: snapshot.id, unfilled: context.unfilled };
    add(await tellingWhoBlocks([plan.source, plan.target], context.report, async () => await compare(plan, what, context.lanes, context)));
  }
  for (const pair of await movedBefore(plans, context)) {
    add(await tellingWhoBlocks([pair.source, pair.target], context.report, async () => (await verifyDatabase(pair, context.options, context)).result));
  }
  if (differences > 0) throw new GodwitError("data-differ", `${differences} of ${tables} tables differ between source and target`);
  refuseUnreadable(unreadable, tables);
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

interface Compared {
  readonly catalog: Catalog;
  readonly isSelected: (relation: Relation) => boolean;
  readonly sourceSnapshot: string;
  /** Why views are empty, of those for which that is known. */
  readonly unfilled: ReadonlyMap<Relation, string>;
}

/** Compares all that a migration copies, and what it fills: tables with rows of their own, users' rows in tables of extensions, materialized views. */
async function compare(pair: EndpointPair, what: Compared, concurrency: number, hooks: MigrationHooks): Promise<Comparison> {
  const { catalog, isSelected, sourceSnapshot, unfilled } = what;
  const roots = partitionRoots(catalog.relations);
  const conditions = new Map(copyTables(catalog, isSelected).map(({ oid, where }) => [oid, where]));
  const isFilled = ({ kind, isPopulated, extension }: Relation): boolean => kind === "materializedView" && isPopulated && extension === undefined;
  const tables = new Map<string, TablePair>();
  for (const relation of catalog.relations.filter((candidate) => conditions.has(candidate.oid) || (isFilled(candidate) && isSelected(candidate)))) {
    const { oid, schema, name } = roots.get(relation.oid) ?? relation;
    const where = conditions.get(relation.oid) ?? "";
    tables.set(oid, { schema, name, bytes: relation.bytes + (tables.get(oid)?.bytes ?? 0), withPartitions: roots.has(relation.oid), where });
  }
  hooks.progress.totalTables = tables.size;
  hooks.progress.doneTables = 0;
  const onTable = (): void => void hooks.progress.doneTables++;
  const result = await verifyTables(pair.source, pair.target, [...tables.values()], { concurrency, onTable, sourceSnapshot, signal: hooks.signal });
  const why = new Map(Array.from(unfilled, ([view, message]) => [catalog.relations.includes(view) ? displayName(view) : "", message]));
  for (const { table, reason, keys } of result.differences) {
    const cause = reason === NOT_FILLED ? why.get(table) : undefined;
    hooks.report({ event: "difference", database: catalog.database.name, table, reason: cause === undefined ? reason : `${reason}: ${cause}`, keys });
  }
  for (const { table, error } of result.unreadable) hooks.report({ event: "notice", level: "warning", message: `${table} cannot be compared: ${error.message}`, object: table });
  return { ...result, differences: result.differences.length };
}

/** No right to read is no difference. */
function refuseUnreadable(unreadable: readonly UnreadableTable[], tables: number): void {
  const [first] = unreadable;
  if (first === undefined) return;
  const more = unreadable.length > 1 ? ` and ${unreadable.length - 1} more` : "";
  const message = `${unreadable.length} of ${tables} tables cannot be compared: ${first.table}${more}: ${first.error.message}`;
  throw new GodwitError(first.error.code, message, { object: first.table, advice: first.error.advice, cause: first.error });
}
