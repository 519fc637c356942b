import { type LastLook, NOTHING_MISSING } from "../../complete/fence-proof.ts";
import { lastWriters } from "../../complete/fence.ts";
import { GodwitError } from "../../errors/godwit-error.ts";
import { type LateChanges, readLateChanges } from "../../stream/late-changes.ts";
import { storedPosition } from "../../stream/position.ts";
import { readSlot, readSlotHealth } from "../../source/slot-health.ts";
import { formatLsn } from "../../wire/lsn.ts";
import type { Session } from "../../wire/session.ts";
import type { HandedOver } from "./followed-database.ts";
import { followedNames } from "./watch-tables.ts";
import { sourceServerOf } from "./source-notes.ts";

type Looked = Pick<HandedOver, "plan" | "slot" | "ledger">;

/** How the ledger notes what was seen. */
const LAST_LOOK = "last look";

/**
 * Looks for what was committed at the source behind the hand-over, just before the slot is dropped: it is not on the target, which belongs to its applications then, and nobody will ever see it
 * again. Noted on the target's disk before the slot goes, so that a run which finds it gone still knows. Never fails for what will not pass: a task that cannot look says so, and ends.
 */
export async function lookLast(database: Looked, isFenced: boolean, source: Session, target: Session, signal: AbortSignal): Promise<LastLook> {
  const { ledger, slot } = database;
  const isThere = (await readSlot(source, slot.setup.slot)) !== undefined;
  const noted = ledger.value(LAST_LOOK) as LastLook | undefined;
  if (!isThere && noted !== undefined) return noted;
  let writers: readonly string[] = [];
  const lookForWriters = async (): Promise<void> => void (writers = await lastWriters(source, isFenced));
  const { late, problem } = isThere ? await tryToRead(database, source, target, lookForWriters, signal) : {};
  if (late === undefined) await lookForWriters();
  const look: LastLook = {
    watchedTo: late === undefined ? null : formatLsn(late.watchedTo),
    ...(problem === undefined ? {} : { problem }),
    missing: late === undefined ? NOTHING_MISSING : { transactions: late.transactions, changes: late.changes, tables: late.tables },
    writers,
  };
  await ledger.forgetJobs(target, [LAST_LOOK]); // of a run that died before it dropped the slot
  await ledger.noteOnDisk(target, LAST_LOOK, look);
  return look;
}

async function tryToRead(
  { plan, ledger, slot: { setup } }: Looked,
  source: Session,
  target: Session,
  onNearEnd: () => Promise<void>,
  signal: AbortSignal,
): Promise<{ late?: LateChanges; problem?: string }> {
  const from = await storedPosition(target, setup.slot);
  if (from === undefined) return {};
  const { state, problems } = await readSlotHealth(source, setup.slot, from);
  if (state === "lost") return { problem: problems.join("; ") };
  const followed = followedNames(ledger, plan.followed);
  try {
    return { late: await readLateChanges(source, { setup, followed, from, server: sourceServerOf(ledger), onNearEnd }, signal) };
  } catch (error) {
    signal.throwIfAborted();
    // A lost connection is tried again; a slot that was invalidated, or whose decoding breaks, stays so.
    if (!(error instanceof GodwitError) || error.retry === "automatic") throw error;
    return { problem: error.message };
  }
}
