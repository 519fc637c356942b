/** A unit of copying: one transaction on the target, recorded in its ledger. */
export type Chunk = (WholeTables | TablePart) & {
  /** The LSN of the snapshot that it is copied under, where changes are followed: it holds what was committed before. */
  readonly lsn?: string;
};

/** Rows whose value in a column lies in a range: `from` <= value < `to`; null: without a bound. The column is an integer, and part of the replica identity. */
export interface KeyRange {
  readonly column: string;
  readonly from: string | null;
  readonly to: string | null;
}

/** One or more tables copied whole; small ones share a chunk so that they share its round trip and commit. */
export interface WholeTables {
  readonly id: number;
  readonly kind: "whole";
  readonly tables: readonly CopyTable[];
}

/** A slice of a large table, selected by a condition on the source. */
export interface TablePart {
  readonly id: number;
  readonly kind: "part";
  readonly table: CopyTable;
  /** SQL condition over the table's columns or ctid; the conditions of a table's parts cover every row exactly once. */
  readonly condition: string;
  /** What the condition says, where a row of the stream can be told to belong to this part. */
  readonly range?: KeyRange | undefined;
  /** Estimated bytes, for order and progress. */
  readonly bytes: number;
}

/** What copying needs to know of a table. */
export interface CopyTable {
  readonly oid: string;
  /** As people read it. */
  readonly display: string;
  /** Quoted, for SQL: what is read, and what is written (the partition root where rows must be routed again). */
  readonly from: string;
  readonly into: string;
  /** Quoted column list, "" for none. */
  readonly columns: string;
  /** Condition on the rows that move at all ("" for all): extension configuration tables. */
  readonly where: string;
  readonly bytes: number;
  readonly format: "text" | "binary";
  /** May be written with COPY … FREEZE after a TRUNCATE in the same transaction. */
  readonly freeze: boolean;
}

export function chunkBytes(chunk: Chunk): number {
  return chunk.kind === "part" ? chunk.bytes : chunk.tables.reduce((sum, table) => sum + table.bytes, 0);
}
