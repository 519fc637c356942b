import { quoteIdentifier } from "../wire/quote.ts";
import type { Bind, Where } from "./digest.ts";
import type { Lane } from "./lane.ts";
import type { TableShape } from "./table-shape.ts";
import type { TypeCatalog } from "./type-catalog.ts";
import type { TablePair } from "./verify.ts";

/** A part of a table, to be digested as one. */
export interface Piece {
  readonly source: Where;
  readonly target: Where;
}

export interface Cut {
  readonly pieces: readonly Piece[];
  /** The pieces hold the same keys on both sides, so that each can be compared; else only their sum can. */
  readonly isByKey: boolean;
}

const WHOLE: Cut = { pieces: [{ source: undefined, target: undefined }], isByKey: true };

/** Types whose order does not depend on collation, platform or version. */
const ORDERED_TYPES = new Set(["int2", "int4", "int8", "oid", "numeric", "date", "timestamp", "timestamptz", "uuid"]);

/** The types to read a key's text as: of such a type the same text is the same value on any server. undefined: the key has a column of another type. */
export function keyTypes(types: TypeCatalog, shape: TableShape, key: readonly string[]): string[] | undefined {
  const found = key.map((name) => types.get(shape.columns.find((column) => column.name === name)?.typeOid ?? ""));
  return key.length > 0 && found.every(({ builtin }) => builtin !== undefined && ORDERED_TYPES.has(builtin)) ? found.map(({ name }) => name) : undefined;
}

/** Below this the rows of one key range lie all over the heap: every range would read most of the table's pages. */
const GOOD_CORRELATION = 0.8;

/**
 * Cuts a large table: by ranges of a unique key whose rows lie in the heap in its order, so that each range reads its own pages
 * only; else by heap pages, each side its own (from 14 on, which has TID range scans); else not at all.
 */
export async function cutTable(lane: Lane, types: TypeCatalog, table: TablePair, source: TableShape, target: TableShape, chunkBytes: number): Promise<Cut> {
  const wanted = Math.ceil(table.bytes / chunkBytes);
  if (wanted <= 1) return WHOLE;
  return (await cutByKey(lane, types, table, source, target, wanted)) ?? cutByPages(lane, source, target, wanted) ?? WHOLE;
}

async function cutByKey(lane: Lane, types: TypeCatalog, table: TablePair, source: TableShape, target: TableShape, wanted: number): Promise<Cut | undefined> {
  const leading = new Set(target.keys.map((key) => key[0]));
  for (const [name] of source.keys) {
    const column = source.columns.find((candidate) => candidate.name === name);
    if (column === undefined || !leading.has(name)) continue;
    const type = types.get(types.get(column.typeOid).base ?? column.typeOid);
    if (type.builtin === undefined || !ORDERED_TYPES.has(type.builtin)) continue;
    const bounds = await readBounds(lane, table, column.name, wanted);
    if (bounds === undefined) continue;
    const quoted = `t.${quoteIdentifier(column.name)}`;
    const at = (bound: string, operator: string, bind: Bind): string => `${quoted} ${operator} ${bind(bound)}::${type.name}`;
    return { pieces: ranges(bounds, at).map((where) => ({ source: where, target: where })), isByKey: true };
  }
  return undefined;
}

interface StatisticsRow {
  readonly correlation: number | null;
  readonly bounds: readonly string[] | null;
}

/** Percentiles of a column from the planner's statistics, when both sides' rows lie in its order. */
async function readBounds(lane: Lane, table: TablePair, column: string, wanted: number): Promise<string[] | undefined> {
  const statistics = {
    sql: `select correlation, histogram_bounds::pg_catalog.text::pg_catalog.text[] as bounds from pg_catalog.pg_stats
      where schemaname = $1 and tablename = $2 and attname = $3 and not inherited`,
    values: [table.schema, table.name, column],
  };
  const [source, target] = (await lane.both<StatisticsRow>(statistics, statistics)).map((answer) => ("rows" in answer ? answer.rows[0] : undefined));
  const histogram = source?.bounds ?? [];
  // A target that was never analyzed was filled in the source's order.
  const correlations = [source?.correlation ?? 0, target?.correlation ?? source?.correlation ?? 0];
  if (histogram.length < 3 || correlations.some((correlation) => Math.abs(correlation) < GOOD_CORRELATION)) return undefined;
  return inner(wanted, (share) => histogram[Math.round(share * (histogram.length - 1))] ?? "");
}

function atPage(bound: string, operator: string, bind: Bind): string {
  return `t.ctid ${operator} ${bind(bound)}::pg_catalog.tid`;
}

function cutByPages(lane: Lane, source: TableShape, target: TableShape, wanted: number): Cut | undefined {
  // https://www.postgresql.org/docs/14/release-14.html: "Allow efficient heap scans of ranges of TIDs"
  if (lane.source.versionNum < 140000 || lane.target.versionNum < 140000) return undefined;
  const pieces = Math.min(wanted, Math.max(source.pages, target.pages));
  if (pieces <= 1) return undefined;
  const [from, to] = [source, target].map(({ pages }) => {
    const bounds = inner(pieces, (share) => `(${Math.floor(share * pages)},0)`, true);
    return ranges(bounds, atPage);
  });
  return { pieces: (from ?? []).map((where, place) => ({ source: where, target: to?.[place] })), isByKey: false };
}

/** The bounds between `count` equal shares; equal neighbours fall together, unless their number matters. */
function inner(count: number, boundAt: (share: number) => string, keepsCount = false): string[] {
  const bounds = Array.from({ length: count - 1 }, (_, place) => boundAt((place + 1) / count));
  return keepsCount ? bounds : bounds.filter((bound, place) => bound !== bounds[place - 1]);
}

/** One range more than bounds. The first has no lower end and the last no upper one: no marker value could stand for either. */
function ranges(bounds: readonly string[], at: (bound: string, operator: string, bind: Bind) => string): Where[] {
  return Array.from({ length: bounds.length + 1 }, (_, place) => {
    const [from, to] = [bounds[place - 1], bounds[place]];
    return (bind) => [...(from === undefined ? [] : [at(from, ">=", bind)]), ...(to === undefined ? [] : [at(to, "<", bind)])].join(" and ");
  });
}
