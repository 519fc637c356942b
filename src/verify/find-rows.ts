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
  /** The key columns' types where their text is always read back as the same value; undefined where rows cannot be asked for by their keys' text. */
  readonly keyTypes: readonly string[] | undefined;
}

/** What one side has of a row (without a key: of equal rows). */
export interface Seen {
  readonly rows: bigint;
  /** Hash of the row, of one of them where several have this key; "" where none is. */
  readonly content: string;
  /** Stays the same exactly as long as nobody writes these rows; "" where none is, or where it was not asked for. */
  readonly version: string;
}

export interface Difference {
  /** Hash of the key (or of the row). */
  readonly id: string;
  /** The key columns' text, or the ctid. */
  readonly label: readonly string[];
  readonly source: Seen;
  readonly target: Seen;
}

export interface FoundDifferences {
  /** In the order of `id`. */
  readonly differences: readonly Difference[];
  /** False: those are the ones with the smallest `id` only, more rows differ. */
  readonly isComplete: boolean;
}

/** Rows of one side that are listed at once: bounds this process's memory, whatever the table's size. */
const MOST_LISTED = 50_000;
/** Above this 4,096 buckets would hold too many rows each: then there are 65,536. */
const MANY_ROWS = 10_000_000;

/**
 * Finds the differing rows of a piece. Rows fall into buckets by the hash of their key; the digests of the buckets tell in one scan which of them differ, whatever
 * the key's type and collation. A second scan lists the rows of the differing buckets; where they hold more than MOST_LISTED rows, of the first ones, so that
 * another look takes the same sample.
 */
export async function findDifferences(lane: Lane, table: LocatedTable, piece: Piece, pieceRows: number, withVersions: boolean): Promise<FoundDifferences> {
  const digits = pieceRows > MANY_ROWS ? 4 : 3;
  const found = pieceRows <= MOST_LISTED ? undefined : await differingBuckets(lane, table, piece, digits);
  if (found?.buckets.length === 0) return { differences: [], isComplete: true };
  const [source, target] = await onBoth<ListedRow>(lane, piece, (where) => {
    const listed: Where = found === undefined ? where : both(where, oneOf(bucketOf(table, digits), found.buckets));
    return listStatement(table, listed, withVersions);
  });
  return { differences: compareLists(source, target), isComplete: found?.isComplete ?? true };
}

/** Looks at rows that differed: those that still do. */
export async function compareAgain(lane: Lane, table: LocatedTable, piece: Piece, rows: readonly Difference[]): Promise<Difference[]> {
  const asked = new Set(rows.map(({ id }) => id));
  const condition = byKeys(table, rows) ?? oneOf(identity(table), [...asked]);
  const [source, target] = await onBoth<ListedRow>(lane, piece, (where) => listStatement(table, both(where, condition), true));
  return compareLists(source, target).filter(({ id }) => asked.has(id));
}

/** Through an index, where one can be used. */
function byKeys({ key, keyTypes }: LocatedTable, rows: readonly Difference[]): Where {
  if (keyTypes === undefined || key.length === 0) return undefined;
  const columns = key.map((name) => `t.${quoteIdentifier(name)}`).join(", ");
  return (bind) => {
    const lists = keyTypes.map((type, place) => `pg_catalog.unnest(${bind(rows.map(({ label }) => label[place] ?? null))}::${type}[])`);
    return `(${columns}) in (select * from rows from (${lists.join(", ")}) as k)`;
  };
}

/** What tells rows apart: the key, or the whole row. */
export function identity({ form, columns, key }: LocatedTable): string {
  return hashOf(key.length === 0 ? form.cells : key.map((name) => form.cells[columns.indexOf(name)] ?? "null"));
}

/** Rows with the same first hex digits of their identity's hash. */
function bucketOf(table: LocatedTable, digits: number): string {
  return `pg_catalog.substr(${identity(table)}, 1, ${digits})`;
}

async function differingBuckets(lane: Lane, table: LocatedTable, piece: Piece, digits: number): Promise<{ buckets: string[]; isComplete: boolean }> {
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
  const inOrder = [...differing].sort(([a], [b]) => (a < b ? -1 : 1));
  let listed = 0n;
  const buckets = inOrder
    .filter(([, rows], place) => {
      listed += rows;
      return place === 0 || listed <= MOST_LISTED;
    })
    .map(([bucket]) => bucket);
  return { buckets, isComplete: buckets.length === inOrder.length };
}

interface ListedRow {
  readonly id: string;
  readonly row: string;
  readonly rows: string;
  readonly version: string | null;
  readonly label: readonly string[];
}

/**
 * A row's version is where it lies and who wrote it: neither stays when it is written (https://www.postgresql.org/docs/current/ddl-system-columns.html). The sum of
 * their hashes stands for the versions of several rows.
 */
const VERSION = "pg_catalog.md5(pg_catalog.concat(t.tableoid, t.ctid, t.xmin))";
const VERSIONS = "pg_catalog.sum(('x' || q.version)::pg_catalog.bit(64)::pg_catalog.int8)::pg_catalog.text";

function listStatement(table: LocatedTable, where: Where, withVersions: boolean): Statement {
  const parts = table.key.length === 0 ? ["t.ctid"] : table.key.map((name) => `t.${quoteIdentifier(name)}`);
  const label = `array[${parts.map((part) => `pg_catalog.concat(${part})`).join(", ")}]`;
  const [version, versions] = withVersions ? [VERSION, VERSIONS] : ["null", "null"];
  return statement((bind) => {
    const rows = `select ${identity(table)} as id, ${hashOf(table.form.cells)} as row, ${label} as label, ${version} as version ${fromTable(table.form, where, bind)} offset 0`;
    return `select q.id, pg_catalog.min(q.row) as row, pg_catalog.count(*) as rows, pg_catalog.max(q.label) as label, ${versions} as version from (${rows}) as q group by q.id`;
  });
}

const NOTHING_SEEN: Seen = { rows: 0n, content: "", version: "" };

function seen(row: ListedRow | undefined): Seen {
  return row === undefined ? NOTHING_SEEN : { rows: BigInt(row.rows), content: row.row, version: row.version ?? "" };
}

function compareLists(sources: readonly ListedRow[], targets: readonly ListedRow[]): Difference[] {
  const there = new Map(targets.map((row) => [row.id, row]));
  const differences: Difference[] = [];
  for (const row of sources) {
    const other = there.get(row.id);
    there.delete(row.id);
    const [source, target] = [seen(row), seen(other)];
    if (source.rows !== target.rows || source.content !== target.content) {
      differences.push({ id: row.id, label: other !== undefined && target.rows > source.rows ? other.label : row.label, source, target });
    }
  }
  for (const row of there.values()) differences.push({ id: row.id, label: row.label, source: NOTHING_SEEN, target: seen(row) });
  return differences.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** A hash join: `= any(array)` compares one by one before 14. */
export function oneOf(expression: string, values: readonly string[]): Where {
  return (bind) => `${expression} in (select pg_catalog.unnest(${bind(values)}::pg_catalog.text[]))`;
}

export function both(a: Where, b: Where): Where {
  return a === undefined || b === undefined ? (a ?? b) : (bind) => `${a(bind)} and ${b(bind)}`;
}

/** Reads the same from both sides; a table that was readable a moment ago and is not now is an error. */
export async function onBoth<Row extends object>(lane: Lane, piece: Piece, build: (where: Where) => Statement): Promise<[readonly Row[], readonly Row[]]> {
  const [source, target] = await lane.both<Row>(build(piece.source), build(piece.target));
  return [rowsOf(source), rowsOf(target)];
}

/** Thrown within this room only: the table's difference then says why its keys are not named. */
export class KeysUnreadable extends Error {}

function rowsOf<Row>(answer: Answer<Row>): readonly Row[] {
  if ("unreadable" in answer) throw new KeysUnreadable(answer.unreadable.message, { cause: answer.unreadable });
  return answer.rows;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
