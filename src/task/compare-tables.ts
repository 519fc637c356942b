import { type Catalog, type Relation, displayName } from "../catalog/catalog.ts";
import { copyTables, partitionRoots } from "../plan/plan-chunks.ts";
import type { UnsettledTable } from "../verify/look-again.ts";
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
  readonly sourceSnapshot: string;
  /** Why views are empty, of those for which that is known. */
  readonly unfilled: ReadonlyMap<Relation, string>;
}

/** Compares all that a migration copies, and what it fills: tables with rows of their own, users' rows in tables of extensions, materialized views. */
export async function compare(pair: EndpointPair, what: Compared, concurrency: number, hooks: MigrationHooks): Promise<Comparison> {
  const isFilled = ({ kind, isPopulated, extension }: Relation): boolean => kind === "materializedView" && isPopulated && extension === undefined;
  const views = what.catalog.relations.filter((relation) => isFilled(relation) && what.isSelected(relation));
  const tables = [...tablesOf(what), ...views.map(({ schema, name, bytes }) => ({ schema, name, bytes }))];
  const result = await verifyTables(pair.source, pair.target, tables, optionsFor(tables, what, concurrency, hooks));
  reportResult(result, what, hooks);
  return { ...result, differences: result.differences.length, unsettled: [] };
}

/** The tables whose rows a migration copies; a partitioned one stands for its partitions. */
export function tablesOf({ catalog, isSelected }: Compared): TablePair[] {
  const roots = partitionRoots(catalog.relations);
  const conditions = new Map(copyTables(catalog, isSelected).map(({ oid, where }) => [oid, where]));
  const tables = new Map<string, TablePair>();
  for (const relation of catalog.relations.filter((candidate) => conditions.has(candidate.oid))) {
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
