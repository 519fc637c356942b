import { type Catalog, type Relation, displayName } from "../catalog/catalog.ts";
import { matcher } from "../plan/match-pattern.ts";
import type { ObjectPattern } from "../plan/object-pattern.ts";
import { copyTables, partitionRoots } from "../plan/plan-chunks.ts";
import { compareLoneParts, findLoneParts } from "../verify/lone-parts.ts";
import type { UnsettledTable } from "../verify/look-again.ts";
import { findStaleViews } from "../verify/stale-views.ts";
import { NOT_FILLED, type TablePair, type UnreadableTable, type VerifyOptions, type VerifyResult, verifyTables } from "../verify/verify.ts";
import type { Endpoint } from "../wire/endpoint.ts";
import type { MigrationHooks } from "./migrate.ts";

export interface EndpointPair {
  readonly source: Endpoint;
  readonly target: Endpoint;
}

/** What a comparison of one database came to; its differences were reported. */
export interface Comparison {
  readonly tables: number;
  readonly rows: number;
  readonly differences: number;
  readonly unreadable: readonly UnreadableTable[];
  /** Neither equal nor different, as changes flow. */
  readonly unsettled: readonly UnsettledTable[];
}

/** What is compared, and under which snapshot of the source. */
export interface Compared {
  readonly catalog: Catalog;
  readonly isSelected: (relation: Relation) => boolean;
  /** What was to be left out, by which also what the target alone has is judged. */
  readonly exclude: readonly ObjectPattern[];
  readonly sourceSnapshot: string;
  /** Why views are empty, of those for which that is known. */
  readonly unfilled: ReadonlyMap<Relation, string>;
}

/** Compares all that a migration copies, and what it fills: tables with rows of their own, users' rows in tables of extensions, materialized views. */
export async function compare(pair: EndpointPair, what: Compared, concurrency: number, hooks: MigrationHooks): Promise<Comparison> {
  const tables = tablesOf(what, isFilledView);
  const looked = await verifyTables(pair.source, pair.target, tables, optionsFor(tables, what, concurrency, hooks));
  const lone = await comparePartsOfOneSide(pair, what, hooks);
  const result = withBoth({ ...looked, differences: await withoutStaleViews(looked.differences, pair, what, hooks) }, lone);
  reportResult(result, what, hooks);
  return { ...result, differences: result.differences.length, unsettled: [] };
}

/** A view that was stale at the source was filled from equal tables on the target: that is told, and no difference. */
async function withoutStaleViews(
  differences: VerifyResult["differences"],
  { source }: EndpointPair,
  { catalog, sourceSnapshot }: Compared,
  { report, signal }: MigrationHooks,
): Promise<VerifyResult["differences"]> {
  const differing = new Set(differences.flatMap(({ table, sourceRows, targetRows }) => (sourceRows === undefined || targetRows === undefined ? [] : [table])));
  const views = catalog.relations.filter((relation) => isFilledView(relation) && differing.has(displayName(relation)));
  if (views.length === 0) return differences;
  const stale = new Set((await findStaleViews(source, sourceSnapshot, views, signal)).map(displayName));
  for (const view of stale) {
    report({
      event: "notice",
      level: "warning",
      message: `materialized view ${view} holds at the source what its tables held at its last REFRESH; on the target it was filled since: not compared`,
      object: view,
    });
  }
  return differences.filter(({ table }) => !stale.has(table));
}

/** The rows of partitions and children that the compared tables have on one side only. */
export async function comparePartsOfOneSide(
  { source, target }: EndpointPair,
  { catalog, isSelected, exclude }: Compared,
  { progress, signal }: MigrationHooks,
): Promise<VerifyResult> {
  const selected = new Set(catalog.relations.filter((relation) => relation.extension === undefined && isSelected(relation)).map(displayName));
  const excludes = exclude.filter(({ kind }) => kind === "table" || kind === "schema").map(({ kind, pattern }) => ({ kind, matches: matcher(pattern) }));
  const asked = {
    catalog,
    isSelected: (table: string) => selected.has(table),
    isExcluded: ({ schema, name }: { schema: string; name: string }) =>
      excludes.some(({ kind, matches }) => (kind === "schema" ? matches(undefined, schema) : matches(schema, name))),
  };
  const parts = await findLoneParts(source, target, asked, signal);
  progress.totalTables += parts.length;
  const compared = await compareLoneParts(source, target, parts, signal);
  progress.doneTables += parts.length;
  return { tables: parts.length, rows: 0, ...compared };
}

export function withBoth<Result extends VerifyResult>(result: Result, lone: VerifyResult): Result {
  const { tables, differences, unreadable } = lone;
  return { ...result, tables: result.tables + tables, differences: [...result.differences, ...differences], unreadable: [...result.unreadable, ...unreadable] };
}

/** Whether it is a materialized view that a migration fills. */
export function isFilledView({ kind, isPopulated, extension }: Relation): boolean {
  return kind === "materializedView" && isPopulated && extension === undefined;
}

/** The tables whose rows a migration copies, and what else is asked for; a partitioned one stands for its partitions. */
export function tablesOf({ catalog, isSelected }: Compared, isWanted: (relation: Relation) => boolean = () => false): TablePair[] {
  const roots = partitionRoots(catalog.relations);
  const conditions = new Map(copyTables(catalog, isSelected).map(({ oid, where }) => [oid, where]));
  const tables = new Map<string, TablePair>();
  for (const relation of catalog.relations.filter((candidate) => conditions.has(candidate.oid) || (isWanted(candidate) && isSelected(candidate)))) {
    const { oid, schema, name } = roots.get(relation.oid) ?? relation;
    const where = conditions.get(relation.oid) ?? "";
    tables.set(oid, { schema, name, bytes: relation.bytes + (tables.get(oid)?.bytes ?? 0), withPartitions: roots.has(relation.oid), where });
  }
  return [...tables.values()];
}

/** Options by which the progress of a comparison is seen. */
export function optionsFor(tables: readonly TablePair[], { sourceSnapshot }: Compared, concurrency: number, { progress, signal }: MigrationHooks): VerifyOptions {
  progress.totalTables = tables.length;
  progress.doneTables = 0;
  return { concurrency, onTable: () => void progress.doneTables++, sourceSnapshot, signal };
}

/** Tells differences, and what could not be compared. */
export function reportResult({ differences, unreadable }: VerifyResult, { catalog, unfilled }: Compared, { report }: MigrationHooks): void {
  const why = new Map(Array.from(unfilled, ([view, message]) => [catalog.relations.includes(view) ? displayName(view) : "", message]));
  for (const { table, reason, keys } of differences) {
    const cause = reason === NOT_FILLED ? why.get(table) : undefined;
    report({ event: "difference", database: catalog.database.name, table, reason: cause === undefined ? reason : `${reason}: ${cause}`, keys });
  }
  for (const { table, error } of unreadable) report({ event: "notice", level: "warning", message: `${table} cannot be compared: ${error.message}`, object: table });
}
