import { quoteIdentifier } from "../wire/quote.ts";
import type { Piece } from "./cut.ts";
import { DIGEST_SUMS, type DigestRow, type RowForm, type Statement, type Where, fromTable, hashBits, hashOf, readDigest, sameDigest, statement } from "./digest.ts";
import type { Answer, Lane } from "./lane.ts";

/** A table whose differing rows are looked for. */
export interface LocatedTable {
  readonly form: RowForm;
  /** Column names, in the order of `form.cells`. */
  readonly columns: readonly string[];
  /** The columns that identify a row; empty where no unique key is. */
  readonly key: readonly string[];
}

/** Rows of one side that are listed at once: bounds this process's memory, whatever the table's size. */
const MOST_LISTED = 50_000;
/** Above this 4,096 buckets would hold too many rows each: then there are 65,536. */
const MANY_ROWS = 10_000_000;
const MOST_COLUMNS = 10;
const MOST_LABEL = 100;

/**
 * Names up to `limit` differing rows of a piece. Rows fall into buckets by the hash of their key; the digests of the
 * buckets tell in one scan which of them differ, whatever the key's type and collation. A second scan lists the rows of the
 * differing buckets, a third hashes the columns of the rows found.
 * The rows named are the first in the key's order, unless the differing buckets hold more than MOST_LISTED rows: then the first of a sample.
 */
export async function locateDifferences(lane: Lane, table: LocatedTable, piece: Piece, pieceRows: number, limit: number): Promise<string[]> {
  const digits = pieceRows > MANY_ROWS ? 4 : 3;
  const buckets = pieceRows <= MOST_LISTED ? undefined : await differingBuckets(lane, table, piece, digits);
  const [source, target] = await onBoth<ListedRow>(lane, piece, (where) => listStatement(table, where, buckets));
  const found = compareLists(source, target)
    .sort((a, b) => compareLabels(a.label, b.label))
    .slice(0, limit);
  return table.key.length === 0 ? found.map(describeLoneRow) : await describeKeys(lane, table, piece, found);
}

/** What tells rows apart: the key, or the whole row. */
function identity({ form, columns, key }: LocatedTable): string {
  return hashOf(key.length === 0 ? form.cells : key.map((name) => form.cells[columns.indexOf(name)] ?? "null"));
}

/** Rows with the same first hex digits of their identity's hash. */
function bucketOf(table: LocatedTable, digits: number): string {
  return `pg_catalog.substr(${identity(table)}, 1, ${digits})`;
}

async function differingBuckets(lane: Lane, table: LocatedTable, piece: Piece, digits: number): Promise<string[]> {
  const [source, target] = await onBoth<DigestRow & { bucket: string }>(lane, piece, (where) =>
    statement(
      (bind) =>
        `select q.bucket, ${DIGEST_SUMS} from (
          select ${bucketOf(table, digits)} as bucket, ${hashBits(table.form)} as h ${fromTable(table.form, where, bind)} offset 0) as q
        group by q.bucket`,
    ),
  );
  const there = new Map(target.map((row) => [row.bucket, readDigest(row)]));
  const differing = new Map<string, bigint>();
  for (const row of source) {
    const digest = readDigest(row);
    const other = there.get(row.bucket);
    there.delete(row.bucket);
    if (other === undefined || !sameDigest(digest, other)) differing.set(row.bucket, max(digest.rows, other?.rows ?? 0n));
  }
  for (const [bucket, { rows }] of there) differing.set(bucket, rows);
  let listed = 0n;
  return [...differing]
    .filter(([, rows], place) => {
      listed += rows;
      return place === 0 || listed <= MOST_LISTED;
    })
    .map(([bucket]) => bucket);
}

interface ListedRow {
  /** Hash of the key (or of the row). */
  readonly id: string;
  /** Hash of the row; of one of them, where several have this key. */
  readonly row: string;
  readonly rows: string;
  /** The key columns' text, or the ctid. */
  readonly label: readonly string[];
}

function listStatement(table: LocatedTable, where: Where, buckets: readonly string[] | undefined): Statement {
  const parts = table.key.length === 0 ? ["t.ctid"] : table.key.map((name) => `t.${quoteIdentifier(name)}`);
  const label = `array[${parts.map((part) => `pg_catalog.concat(${part})`).join(", ")}]`;
  return statement((bind) => {
    const listed = buckets === undefined ? where : both(where, oneOf(bucketOf(table, buckets[0]?.length ?? 0), buckets));
    const rows = `select ${identity(table)} as id, ${hashOf(table.form.cells)} as row, ${label} as label ${fromTable(table.form, listed, bind)} offset 0`;
    return `select q.id, pg_catalog.min(q.row) as row, pg_catalog.count(*) as rows, pg_catalog.max(q.label) as label from (${rows}) as q group by q.id`;
  });
}

interface Difference {
  readonly id: string;
  readonly label: readonly string[];
  readonly sourceRows: bigint;
  readonly targetRows: bigint;
}

function compareLists(source: readonly ListedRow[], target: readonly ListedRow[]): Difference[] {
  const there = new Map(target.map((row) => [row.id, row]));
  const differences: Difference[] = [];
  for (const row of source) {
    const other = there.get(row.id);
    there.delete(row.id);
    const [sourceRows, targetRows] = [BigInt(row.rows), BigInt(other?.rows ?? 0)];
    if (sourceRows !== targetRows || row.row !== other?.row) {
      differences.push({ id: row.id, label: other !== undefined && targetRows > sourceRows ? other.label : row.label, sourceRows, targetRows });
    }
  }
  for (const row of there.values()) differences.push({ id: row.id, label: row.label, sourceRows: 0n, targetRows: BigInt(row.rows) });
  return differences;
}

function describeLoneRow({ label, sourceRows, targetRows }: Difference): string {
  const surplus = sourceRows - targetRows;
  const [here, there] = surplus > 0n ? ["source", "target"] : ["target", "source"];
  const more = (surplus < 0n ? -surplus : surplus) - 1n;
  return `ctid ${label[0]} on the ${here} has no equal row on the ${there}${more === 0n ? "" : ` (and ${more} more like it)`}`;
}

async function describeKeys(lane: Lane, table: LocatedTable, piece: Piece, differences: readonly Difference[]): Promise<string[]> {
  const changed = differences.filter(({ sourceRows, targetRows }) => sourceRows === 1n && targetRows === 1n).map(({ id }) => id);
  const columns = changed.length === 0 ? new Map<string, string[]>() : await differingColumns(lane, table, piece, changed);
  return differences.map(({ id, label, sourceRows, targetRows }) => {
    const key = table.key.map((name, place) => `${name}=${shorten(label[place] ?? "")}`).join(", ");
    if (targetRows === 0n) return `${key}: only on the source`;
    if (sourceRows === 0n) return `${key}: only on the target`;
    if (sourceRows !== 1n || targetRows !== 1n) return `${key}: rows with this key: ${sourceRows} on the source, ${targetRows} on the target`;
    return `${key}: differs in columns ${nameColumns(columns.get(id) ?? [])}`;
  });
}

async function differingColumns(lane: Lane, table: LocatedTable, piece: Piece, ids: readonly string[]): Promise<Map<string, string[]>> {
  const hashes = table.form.cells.map((cell) => hashOf([cell])).join(", ");
  const [source, target] = await onBoth<{ id: string; cells: string[] }>(lane, piece, (where) =>
    statement((bind) => `select ${identity(table)} as id, array[${hashes}] as cells ${fromTable(table.form, both(where, oneOf(identity(table), ids)), bind)}`),
  );
  const there = new Map(target.map((row) => [row.id, row.cells]));
  return new Map(source.map(({ id, cells }) => [id, table.columns.filter((_, place) => cells[place] !== there.get(id)?.[place])]));
}

/** A hash join: `= any(array)` compares one by one before 14. */
function oneOf(expression: string, values: readonly string[]): Where {
  return (bind) => `${expression} in (select pg_catalog.unnest(${bind(values)}::pg_catalog.text[]))`;
}

function both(a: Where, b: Where): Where {
  return a === undefined || b === undefined ? (a ?? b) : (bind) => `${a(bind)} and ${b(bind)}`;
}

/** Reads the same from both sides; a table that was readable a moment ago and is not now is an error. */
async function onBoth<Row extends object>(lane: Lane, piece: Piece, build: (where: Where) => Statement): Promise<[readonly Row[], readonly Row[]]> {
  const [source, target] = await lane.both<Row>(build(piece.source), build(piece.target));
  return [rowsOf(source), rowsOf(target)];
}

/** Thrown within this room only: the table's difference then says why its keys are not named. */
export class KeysUnreadable extends Error {}

function rowsOf<Row>(answer: Answer<Row>): readonly Row[] {
  if ("unreadable" in answer) throw new KeysUnreadable(answer.unreadable.message, { cause: answer.unreadable });
  return answer.rows;
}

/** Numbers by value, anything else by its characters: for reading only. */
function compareLabels(a: readonly string[], b: readonly string[]): number {
  for (const [place, text] of a.entries()) {
    const other = b[place] ?? "";
    const byValue = Number(text) - Number(other);
    if (!Number.isNaN(byValue) && byValue !== 0) return byValue;
    if (text !== other) return text < other ? -1 : 1;
  }
  return 0;
}

function nameColumns(columns: readonly string[]): string {
  const named = columns.slice(0, MOST_COLUMNS).join(", ");
  return columns.length > MOST_COLUMNS ? `${named} and ${columns.length - MOST_COLUMNS} more` : named;
}

function shorten(text: string): string {
  // A key may hold anything; a report line must stay one line.
  const oneLine = text.replaceAll(/\p{Cc}/gu, "�");
  return oneLine.length > MOST_LABEL ? `${oneLine.slice(0, MOST_LABEL)}…` : oneLine;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
