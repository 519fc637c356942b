import { CHUNK_NOTE, chunkNote } from "../../copy/copy-chunk.ts";
import type { Ledger } from "../../copy/ledger.ts";
import type { DatabasePlan } from "../../plan/database-plan.ts";
import { copyTables } from "../../plan/plan-chunks.ts";
import { readFileNumbers } from "../../source/file-numbers.ts";
import { readSlotHealth } from "../../source/slot-health.ts";
import { createSourceSlot } from "../../source/slot.ts";
import { currentLsn } from "../../source/source-position.ts";
import { earlierSource } from "../../source/source-server.ts";
import { identityCandidates } from "../../source/source-setup.ts";
import { type Lsn, ZERO_LSN, formatLsn, parseLsn } from "../../wire/lsn.ts";
import { type Session, openSession } from "../../wire/session.ts";
import { discardLargeObjects, emptyTables, LARGE_OBJECTS_NOTE } from "../discard-data.ts";
import type { CopyPlan } from "../plan-copy.ts";
import type { RunContext } from "../run-context.ts";
import { refuseReshaped } from "../structure-of-then.ts";
import { keepFiles, keptChunks, keptFiles } from "./chunk-list.ts";
import { type DividedChunks, divideChunks } from "./divide-chunks.ts";
import { rememberFiles } from "./guard-source.ts";
import { type BegunSlot, begunSlotOf, tellingWait } from "./source-notes.ts";

/** A snapshot to copy from until this is disposed of, and what. */
export interface BegunCopy extends AsyncDisposable {
  readonly snapshot: string;
  readonly copy: CopyPlan;
}

/**
 * Goes on with a copy whose snapshot is gone, without losing what is there: the slot is kept, a temporary one gives another snapshot and the exact LSN that it holds everything before. Each chunk knows the LSN
 * of its snapshot, and the stream passes over what the copy holds (`stream/copied-changes.ts`). Undefined where nothing can be kept: nothing is done then.
 */
export async function goOnCopying(plan: DatabasePlan, ledger: Ledger, target: Session, context: RunContext): Promise<BegunCopy | undefined> {
  const slot = begunSlotOf(ledger);
  const tables = copyTables(plan.catalog, plan.selection.isSelected);
  const chunks = keptChunks(ledger, tables);
  // test_decoding does not tell where a transaction was committed before it has ended.
  if (slot === undefined || chunks === undefined || slot.setup.plugin !== "pgoutput") return undefined;
  const done = new Map(ledger.jobs(CHUNK_NOTE).map((job) => [Number(job.slice(CHUNK_NOTE.length)), ledger.value(job) as string]));
  await using source = await openSession(plan.source, { signal: context.signal });
  // Before the snapshot: what is truncated in between shows by another number the next time, and at the end of the copy.
  const oids = tables.map(({ oid }) => oid);
  const files = await readFileNumbers(source, oids);
  const divided = divideChunks(chunks, done, ({ oid }, lsn) => keptFiles(ledger, lsn)?.[oid] === files[oid]);
  if (divided.kept.length === 0 || (await isLost(slot, source, newest([...done.values()]), plan, context))) return undefined;
  tell(divided, plan, context);
  await discard(divided, done, plan, ledger, target, context.signal);

  await using stack = new AsyncDisposableStack();
  const name = `${slot.setup.slot.slice(0, 58)}_copy`;
  const { plugin, receiver } = slot.setup;
  const snapshot = stack.use(await createSourceSlot(source, { name, plugin, receiver, isTemporary: true, onWait: tellingWait(context) }, context.signal));
  await refuseReshaped(source, ledger); // behind the snapshot: it tells of all that is before
  const lsn = formatLsn(snapshot.consistentPoint);
  await keepFiles(ledger, target, lsn, files);
  await rememberFiles(source, ledger, target, identityCandidates(plan.catalog, plan.selection.isSelected));
  const copy: CopyPlan = { tables, kept: divided.kept, chunks: divided.again.map((chunk) => ({ ...chunk, lsn })) };
  const kept = stack.move();
  return { snapshot: snapshot.snapshot, copy, [Symbol.asyncDispose]: async () => await kept.disposeAsync() };
}

function newest(lsns: readonly string[]): Lsn {
  return lsns.map(parseLsn).reduce((latest, lsn) => (lsn > latest ? lsn : latest), ZERO_LSN);
}

async function isLost({ setup, from }: BegunSlot, source: Session, copied: Lsn, { catalog }: DatabasePlan, { report }: RunContext): Promise<boolean> {
  const { state, problems } = await readSlotHealth(source, setup.slot, parseLsn(from));
  const earlier = earlierSource(await currentLsn(source), copied);
  if (state !== "lost" && earlier === undefined) return false;
  const message = `database ${catalog.database.name}: what was copied cannot stay, as the changes since are lost: ${earlier ?? problems.join("; ")}`;
  report({ event: "notice", level: "warning", message });
  return true;
}

function tell({ kept, again, torn }: DividedChunks, { catalog }: DatabasePlan, { report }: RunContext): void {
  const names = torn.slice(0, 10).map(({ display }) => display);
  const emptied =
    torn.length === 0
      ? ""
      : `; ${torn.length} tables are emptied and copied again (truncated or rewritten since, or not cut by key): ${names.join(", ")}${torn.length > 10 ? " …" : ""}`;
  const message = `database ${catalog.database.name}: the snapshot that the data was copied from is gone; ${kept.length} of ${kept.length + again.length} chunks stay, the others are copied under a new one${emptied}. The figures are without what stays`;
  report({ event: "notice", level: "info", message });
}

/** Tables first, then the notes: who is cut off here finds them, and begins here again. Large objects come in several transactions, so all of them or none. */
async function discard({ again, torn }: DividedChunks, done: ReadonlyMap<number, string>, plan: DatabasePlan, ledger: Ledger, target: Session, signal: AbortSignal): Promise<void> {
  await emptyTables(plan, torn, target, signal);
  await ledger.forgetJobs(
    target,
    again.filter(({ id }) => done.has(id)).map((chunk) => chunkNote(chunk)),
  );
  if (!ledger.has(LARGE_OBJECTS_NOTE)) await discardLargeObjects(target, ledger, signal);
}
