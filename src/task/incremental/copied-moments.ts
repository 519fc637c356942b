import type { Chunk } from "../../copy/chunk.ts";
import type { Ledger } from "../../copy/ledger.ts";
import type { DatabasePlan } from "../../plan/database-plan.ts";
import type { CopiedRange, CopiedTable } from "../../stream/copied-changes.ts";
import type { Session } from "../../wire/session.ts";
import { tablesOf } from "../lanes/lane-job.ts";
import type { CopyPlan } from "../plan-copy.ts";
import { begunSlotOf } from "./source-notes.ts";

/** At which moments the rows of a database were copied. Plain data. */
export interface CopiedMoments {
  /** Not all rows are of one moment: foreign keys between them need not hold before the stream is behind the newest. */
  readonly areSeveral: boolean;
  /** Tables that were copied, all or in part, later than the slot begins. */
  readonly tables: readonly CopiedTable[];
}

const NOTE = "copied moments";

/** When all is there, before that is noted. */
export async function keepMoments(ledger: Ledger, target: Session, { catalog }: DatabasePlan, { chunks, kept }: CopyPlan): Promise<void> {
  const byOid = new Map<string, Chunk[]>();
  for (const chunk of [...kept, ...chunks]) for (const { oid } of tablesOf(chunk)) byOid.set(oid, [...(byOid.get(oid) ?? []), chunk]);
  const begin = begunSlotOf(ledger)?.from;
  const tables = catalog.relations.flatMap(({ oid, schema, name }): CopiedTable[] => {
    const copied = momentsOf(byOid.get(oid) ?? []);
    return copied === undefined || ("lsn" in copied && copied.lsn === begin) ? [] : [{ schema, name, copied }];
  });
  const moments: CopiedMoments = { areSeveral: new Set([...kept, ...chunks].map(({ lsn }) => lsn)).size > 1, tables };
  await ledger.forgetJobs(target, [NOTE]);
  await ledger.note(target, NOTE, moments);
}

export function copiedMoments(ledger: Ledger): CopiedMoments {
  return (ledger.value(NOTE) as CopiedMoments | undefined) ?? { areSeveral: false, tables: [] };
}

/** Undefined for a table of which there is no chunk. */
function momentsOf(chunks: readonly Chunk[]): CopiedTable["copied"] | undefined {
  const [first] = chunks;
  if (first?.lsn === undefined) return undefined;
  if (chunks.every(({ lsn }) => lsn === first.lsn)) return { lsn: first.lsn };
  const parts = chunks.flatMap((chunk) => (chunk.kind === "part" && chunk.range !== undefined ? [{ ...chunk.range, lsn: chunk.lsn! }] : []));
  parts.sort((left, right) => compare(left.from, right.from));
  const ranges: CopiedRange[] = [];
  for (const { from, to, lsn } of parts) {
    const last = ranges.at(-1);
    if (last?.lsn === lsn) ranges[ranges.length - 1] = { ...last, to };
    else ranges.push({ from, to, lsn });
  }
  return { column: parts[0]!.column, ranges };
}

/** null is less than all. */
function compare(left: string | null, right: string | null): number {
  if (left === null || right === null) return left === right ? 0 : left === null ? -1 : 1;
  const difference = BigInt(left) - BigInt(right);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}
