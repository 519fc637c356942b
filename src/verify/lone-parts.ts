import { type Catalog, displayName } from "../catalog/catalog.ts";
import { IS_USER_SCHEMA } from "../catalog/read-catalog.ts";
import { fromServer } from "../errors/from-server.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import { type Endpoint, describeEndpoint } from "../wire/endpoint.ts";
import { quoteQualified } from "../wire/quote.ts";
import { type Session, openSession } from "../wire/session.ts";
import type { TableDifference, UnreadableTable } from "./verify.ts";

/**
 * A table is compared with the table of its name, and a partitioned one by comparing its partitions, as a parent is by comparing its children. That says nothing of the
 * whole where a part belongs to it on one side only: a partition that the target alone has, or that was detached from its table on one side. The rows of such a lone part
 * are rows that the whole has on one side only.
 */
export interface LonePart {
  readonly schema: string;
  readonly name: string;
  readonly side: "source" | "target";
  /** The partitioned table, or parent, whose part it is on this side only; undefined: the table itself holds rows there, and is partitioned on the other side. */
  readonly of: string | undefined;
}

interface Table {
  readonly schema: string;
  readonly name: string;
  readonly isPartitioned: boolean;
  /** Display names of direct parents. */
  readonly parents: readonly string[];
}

/** All tables by their display names. */
type Tables = ReadonlyMap<string, Table>;

export interface PartsAsked {
  /** The source's, as it is compared. */
  readonly catalog: Catalog;
  /** Whether a table of the source, by its display name, is among what is compared. */
  readonly isSelected: (table: string) => boolean;
  /** Whether a table is left out by its name, whichever side has it. */
  readonly isExcluded: (table: { readonly schema: string; readonly name: string }) => boolean;
}

/**
 * Compares which tables belong to the selected ones. The target is read first and the source, as it is now, last: a partition that is being made at the source while
 * changes are followed is there before it is on the target. So what counts as the target's alone the source had neither in the catalog given nor afterwards, and what counts as
 * the source's alone it had at both times: changes up to the catalog must be on the target. Errors: those of opening a session.
 */
export async function findLoneParts(source: Endpoint, target: Endpoint, asked: PartsAsked, signal: AbortSignal): Promise<LonePart[]> {
  const then = tablesOf(asked.catalog);
  const there = await readTables(target, signal);
  if (loneParts(then, then, there, asked).length === 0) return [];
  return loneParts(then, await readTables(source, signal), there, asked);
}

function loneParts(then: Tables, now: Tables, there: Tables, { isSelected, isExcluded }: PartsAsked): LonePart[] {
  const found: LonePart[] = [];
  for (const [table, { schema, name, isPartitioned, parents }] of there) {
    if (!isPartitioned && isSelected(table) && then.get(table)?.isPartitioned === true && now.get(table)?.isPartitioned === true) {
      found.push({ schema, name, side: "target", of: undefined });
    }
    if (parents.length === 0 || isExcluded({ schema, name })) continue;
    for (const of of parents) if (isSelected(of) && !isPart(then, table, of) && !isPart(now, table, of)) found.push({ schema, name, side: "target", of });
  }
  for (const [table, { schema, name, parents }] of then) {
    // One that the target does not have at all is missing there: that is told as such.
    if (parents.length === 0 || !isSelected(table) || !there.has(table)) continue;
    for (const of of parents) if (isSelected(of) && isPart(now, table, of) && !isPart(there, table, of)) found.push({ schema, name, side: "source", of });
  }
  return found;
}

function isPart(tables: Tables, table: string, of: string): boolean {
  return tables.get(table)?.parents.includes(of) ?? false;
}

/** Counts the rows of lone parts, with those of their own parts: one without rows is no difference. */
export async function compareLoneParts(
  source: Endpoint,
  target: Endpoint,
  parts: readonly LonePart[],
  signal: AbortSignal,
): Promise<{ differences: TableDifference[]; unreadable: UnreadableTable[] }> {
  const differences: TableDifference[] = [];
  const unreadable: UnreadableTable[] = [];
  for (const side of ["source", "target"] as const) {
    const own = parts.filter((part) => part.side === side);
    if (own.length === 0) continue;
    await using session = await openSession(side === "source" ? source : target, { applicationName: "godwit verify", signal });
    for (const part of own) {
      const rows = await countRows(session, part, signal);
      if (rows instanceof GodwitError) unreadable.push({ table: displayName(part), error: rows });
      else if (rows > 0) differences.push(describe(part, rows));
    }
  }
  return { differences, unreadable };
}

/** The number of rows, or why they cannot be read. */
async function countRows(session: Session, { schema, name, of }: LonePart, signal: AbortSignal): Promise<number | GodwitError> {
  try {
    const [row] = await session.query<{ rows: string }>(`select pg_catalog.count(*) as rows from ${of === undefined ? "only " : ""}${quoteQualified(schema, name)}`);
    return Number(row?.rows ?? 0);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof GodwitError && error.code === "connection-lost") throw error;
    return fromServer(error, { server: describeEndpoint(session.endpoint), doing: "reading", otherwise: "query-failed" });
  }
}

function describe(part: LonePart, rows: number): TableDifference {
  const count = rows === 1 ? "1 row" : `${rows} rows`;
  const reason =
    part.of === undefined
      ? `is partitioned at the source, and has ${count} of its own on the target`
      : `its ${count} ${rows === 1 ? "is" : "are"} part of ${part.of} on the ${part.side} only`;
  const [sourceRows, targetRows] = part.side === "source" ? [rows, 0] : [0, rows];
  return { table: displayName(part), reason, sourceRows, targetRows, keys: [] };
}

function tablesOf({ relations }: Catalog): Tables {
  const names = new Map(relations.map((relation) => [relation.oid, displayName(relation)]));
  const tables = relations.filter(({ kind }) => kind === "table" || kind === "partitionedTable" || kind === "foreignTable");
  return new Map(
    tables.map(({ oid, schema, name, kind, parents }) => [
      names.get(oid) ?? "",
      { schema, name, isPartitioned: kind === "partitionedTable", parents: parents.flatMap((parent) => names.get(parent) ?? []) },
    ]),
  );
}

interface TableRow {
  readonly schema: string;
  readonly name: string;
  readonly is_partitioned: boolean;
  readonly parents: readonly { readonly schema: string; readonly name: string }[] | null;
}

/** https://www.postgresql.org/docs/current/catalog-pg-inherits.html */
async function readTables(endpoint: Endpoint, signal: AbortSignal): Promise<Tables> {
  await using session = await openSession(endpoint, { applicationName: "godwit verify", signal });
  const rows = await session.query<TableRow>(`
    select n.nspname as schema, c.relname as name, c.relkind = 'p' as is_partitioned, h.parents
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      left join (select i.inhrelid, pg_catalog.json_agg(pg_catalog.json_build_object('schema', pn.nspname, 'name', p.relname)) as parents
                   from pg_catalog.pg_inherits i join pg_catalog.pg_class p on p.oid = i.inhparent join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace
                  group by i.inhrelid) h on h.inhrelid = c.oid
     where c.relkind in ('r', 'p', 'f') and c.relpersistence <> 't' and ${IS_USER_SCHEMA}`);
  return new Map(
    rows.map(({ schema, name, is_partitioned: isPartitioned, parents }) => [
      displayName({ schema, name }),
      { schema, name, isPartitioned, parents: (parents ?? []).map(displayName) },
    ]),
  );
}
