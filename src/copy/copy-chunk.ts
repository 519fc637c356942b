import { GodwitError } from "../errors/godwit-error.ts";
import { mutation } from "../errors/mutation.ts";
import { type RelayCounters, relayCopy } from "../wire/copy-relay.ts";
import type { Session } from "../wire/session.ts";
import type { Chunk, CopyTable } from "./chunk.ts";
import type { Ledger } from "./ledger.ts";

/** How chunks are noted in the ledger: `chunk 17`. */
export const CHUNK_NOTE = "chunk ";

export function chunkNote({ id }: Chunk): string {
  return `${CHUNK_NOTE}${id}`;
}

/**
 * Copies one chunk: every table's COPY in one message to each server, rows and ledger entry in one target transaction.
 * Returns the rows of each table as the target counted them. Throws a coded error naming the tables; nothing of the chunk is
 * then on the target.
 */
export async function copyChunk(source: Session, target: Session, chunk: Chunk, ledger: Ledger, counters: RelayCounters, signal: AbortSignal): Promise<readonly number[]> {
  const tables = chunk.kind === "part" ? [chunk.table] : chunk.tables;
  const condition = chunk.kind === "part" ? chunk.condition : "";
  const job = {
    sourceSql: tables.map((table) => copyOutSql(table, condition)).join("; "),
    targetSql: [
      "begin",
      ...tables.flatMap((table) => copyInSql(table, chunk.kind === "whole" || mutation("resume truncates"))),
      ledger.noteSql(chunkNote(chunk), chunk.lsn ?? null),
      "commit",
    ].join("; "),
    objects: tables.map((table) => table.display),
  };
  try {
    const { readRows, copiedRows } = await relayCopy(source, target, job, counters, signal);
    for (const [at, table] of tables.entries()) {
      // It is committed by now, so this must stop everything: it cannot be, unless somebody between us drops bytes.
      if (readRows[at] !== copiedRows[at])
        throw new GodwitError("internal", `${table.display}: ${readRows[at]} rows were read and ${copiedRows[at]} written`, { object: table.display });
    }
    return copiedRows;
  } catch (error) {
    if (!target.socket.destroyed) await target.query("rollback").catch(() => undefined);
    throw ledger.explain(error);
  }
}

/** https://www.postgresql.org/docs/current/sql-copy.html */
export function copyOutSql(table: CopyTable, condition: string): string {
  const conditions = [table.where, condition].filter((part) => part !== "");
  // A plain table is cheaper to copy than a query, and a query without FROM columns cannot express "no columns".
  const what =
    conditions.length === 0
      ? `${table.from}${columnList(table)}`
      : `(select ${table.columns} from only ${table.from} where ${conditions.map((part) => `(${part})`).join(" and ")})`;
  return `copy ${what} to stdout${options(table, false)}`;
}

/** The statements that take a table in, without a transaction around them. */
export function copyInSql(table: CopyTable, isWhole: boolean): string[] {
  const freeze = table.freeze && isWhole;
  const copy = `copy ${table.into}${columnList(table)} from stdin${options(table, freeze)}`;
  // FREEZE asks that the table was truncated (or created) in the same transaction; this also lets the server skip WAL where it may.
  return freeze ? [`truncate only ${table.into}`, copy] : [copy];
}

function columnList(table: CopyTable): string {
  return table.columns === "" ? "" : ` (${table.columns})`;
}

function options(table: CopyTable, freeze: boolean): string {
  const list = [...(table.format === "binary" ? ["format binary"] : []), ...(freeze ? ["freeze"] : [])];
  return list.length === 0 ? "" : ` with (${list.join(", ")})`;
}
