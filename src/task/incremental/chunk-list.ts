import type { Chunk, CopyTable, TablePart } from "../../copy/chunk.ts";
import type { Ledger } from "../../copy/ledger.ts";
import type { FileNumbers } from "../../source/file-numbers.ts";
import type { Session } from "../../wire/session.ts";
import { tablesOf } from "../lanes/lane-job.ts";

const CHUNKS = "chunks";
const FILES = "files at ";

/** A chunk as it is kept: tables by their oids, as there may be very many. */
type KeptChunk = Pick<Chunk, "id"> & { readonly oids: readonly string[]; readonly part?: Pick<TablePart, "condition" | "range" | "bytes"> };

/** How the data was cut when it was first copied: the numbers of finished chunks mean this list. Replaces an older one, and what is known of its tables' files. */
export async function keepChunks(ledger: Ledger, target: Session, chunks: readonly Chunk[]): Promise<void> {
  const kept = chunks.map((chunk): KeptChunk => {
    const { id } = chunk;
    const oids = tablesOf(chunk).map(({ oid }) => oid);
    return chunk.kind === "whole" ? { id, oids } : { id, oids, part: { condition: chunk.condition, range: chunk.range, bytes: chunk.bytes } };
  });
  await ledger.forgetJobs(target, [CHUNKS]);
  await ledger.note(target, CHUNKS, kept);
}

/** The same list; undefined where none is kept, or it is not one of these tables (one was dropped and made again). */
export function keptChunks(ledger: Ledger, tables: readonly CopyTable[]): Chunk[] | undefined {
  const kept = ledger.value(CHUNKS) as readonly KeptChunk[] | undefined;
  if (kept === undefined) return undefined;
  const byOid = new Map(tables.map((table) => [table.oid, table]));
  const listed = new Set(kept.flatMap(({ oids }) => oids));
  if (listed.size !== byOid.size || [...listed].some((oid) => !byOid.has(oid))) return undefined;
  return kept.map(({ id, oids, part }): Chunk => {
    const held = oids.map((oid) => byOid.get(oid)!);
    return part === undefined ? { id, kind: "whole", tables: held } : { id, kind: "part", table: held[0]!, ...part };
  });
}

/** The numbers of the tables' files when the snapshot at `lsn` was about to be taken: another one since means that the rows copied under it may be gone (TRUNCATE is not MVCC-safe). */
export async function keepFiles(ledger: Ledger, target: Session, lsn: string, files: FileNumbers): Promise<void> {
  await ledger.forgetJobs(target, [FILES + lsn]);
  await ledger.note(target, FILES + lsn, files);
}

/** Undefined where none are kept. */
export function keptFiles(ledger: Ledger, lsn: string): FileNumbers | undefined {
  return ledger.value(FILES + lsn) as FileNumbers | undefined;
}

/** Once all is copied none of it is needed any more. */
export async function forgetChunks(ledger: Ledger, target: Session): Promise<void> {
  await ledger.forget(target, FILES);
  await ledger.forgetJobs(target, [CHUNKS]);
}
