import type { Piece } from "./cut.ts";
import { fromTable, hashOf, statement } from "./digest.ts";
import { type Difference, type LocatedTable, both, findDifferences, identity, onBoth, oneOf } from "./find-rows.ts";
import type { Lane } from "./lane.ts";

const MOST_COLUMNS = 10;
const MOST_LABEL = 100;

/**
 * Names up to `limit` differing rows of a piece: the first in the key's order, or of a sample where very many differ (see findDifferences). One more scan
 * hashes the columns of the rows found.
 */
export async function locateDifferences(lane: Lane, table: LocatedTable, piece: Piece, pieceRows: number, limit: number): Promise<string[]> {
  const { differences } = await findDifferences(lane, table, piece, pieceRows, false);
  return await describeDifferences(lane, table, piece, differences, limit);
}

/** Names up to `limit` of these rows, in the key's order. */
export async function describeDifferences(lane: Lane, table: LocatedTable, piece: Piece, differences: readonly Difference[], limit: number): Promise<string[]> {
  const named = differences.toSorted((a, b) => compareLabels(a.label, b.label)).slice(0, limit);
  return table.key.length === 0 ? named.map(describeLoneRow) : await describeKeys(lane, table, piece, named);
}

function describeLoneRow({ label, source, target }: Difference): string {
  const surplus = source.rows - target.rows;
  const [here, there] = surplus > 0n ? ["source", "target"] : ["target", "source"];
  const more = (surplus < 0n ? -surplus : surplus) - 1n;
  return `ctid ${label[0]} on the ${here} has no equal row on the ${there}${more === 0n ? "" : ` (and ${more} more like it)`}`;
}

async function describeKeys(lane: Lane, table: LocatedTable, piece: Piece, differences: readonly Difference[]): Promise<string[]> {
  const changed = differences.filter(({ source, target }) => source.rows === 1n && target.rows === 1n).map(({ id }) => id);
  const columns = changed.length === 0 ? new Map<string, string[]>() : await differingColumns(lane, table, piece, changed);
  return differences.map(({ id, label, source, target }) => {
    const key = table.key.map((name, place) => `${name}=${shorten(label[place] ?? "")}`).join(", ");
    if (target.rows === 0n) return `${key}: only on the source`;
    if (source.rows === 0n) return `${key}: only on the target`;
    if (source.rows !== 1n || target.rows !== 1n) return `${key}: rows with this key: ${source.rows} on the source, ${target.rows} on the target`;
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
