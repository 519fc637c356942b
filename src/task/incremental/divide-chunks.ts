import type { Chunk, CopyTable } from "../../copy/chunk.ts";
import { tablesOf } from "../lanes/lane-job.ts";

/** What becomes of chunks whose snapshot is gone. */
export interface DividedChunks {
  /** They stay as they are. */
  readonly kept: readonly Chunk[];
  /** To be copied under another snapshot. */
  readonly again: readonly Chunk[];
  /** Tables of which something was copied that cannot stay: to be emptied. */
  readonly torn: readonly CopyTable[];
}

/**
 * Divides the chunks of a copy that was cut off. A finished one stays, unless one of its tables must begin again: because it was truncated or rewritten since (`isUnchanged` by the chunk's
 * own `lsn`); or because only some of its parts are there and are not cut by ranges of its key, so that nobody could tell which rows of the stream they hold. `done` tells finished chunks by
 * their lsn.
 */
export function divideChunks(chunks: readonly Chunk[], done: ReadonlyMap<number, string>, isUnchanged: (table: CopyTable, lsn: string) => boolean): DividedChunks {
  const finished = chunks.flatMap((chunk): Chunk[] => (done.has(chunk.id) ? [{ ...chunk, lsn: done.get(chunk.id)! }] : []));
  const partial = new Set(chunks.flatMap((chunk) => (done.has(chunk.id) || (chunk.kind === "part" && chunk.range !== undefined) ? [] : tablesOf(chunk).map(({ oid }) => oid))));
  const torn = new Map<string, CopyTable>();
  for (const chunk of finished) for (const table of tablesOf(chunk)) if (partial.has(table.oid) || !isUnchanged(table, chunk.lsn!)) torn.set(table.oid, table);
  // Tables of one chunk go together, and those whose rows went into one table of the target: there nobody knows whose they are.
  for (let before = -1; before !== torn.size;) {
    before = torn.size;
    const shared = new Set([...torn.values()].flatMap(({ into, from }) => (into === from ? [] : [into])));
    for (const chunk of finished) {
      const tables = tablesOf(chunk);
      if (tables.some(({ oid, into }) => torn.has(oid) || shared.has(into))) for (const table of tables) torn.set(table.oid, table);
    }
  }
  const isKept = (chunk: Chunk): boolean => done.has(chunk.id) && !tablesOf(chunk).some(({ oid }) => torn.has(oid));
  return { kept: finished.filter(isKept), again: chunks.filter((chunk) => !isKept(chunk)), torn: [...torn.values()] };
}
