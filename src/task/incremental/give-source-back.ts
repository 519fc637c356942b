import { type Fence, lowerFence, tellReadOnly } from "../../complete/fence.ts";
import { notesOfLook } from "../../complete/fence-proof.ts";
import { restoreSource } from "../../complete/restore-source.ts";
import { Ledger } from "../../copy/ledger.ts";
import { PATIENCE } from "../../source/lock-patiently.ts";
import { namedSetup } from "../../source/source-setup.ts";
import type { Endpoint } from "../../wire/endpoint.ts";
import { type Session, openSession } from "../../wire/session.ts";
import { handOverOf } from "./hand-over.ts";
import { lookLast } from "./last-look.ts";
import { begunSlotOf, sourceSetupOf } from "./source-notes.ts";
import { streamPlanOf } from "./stream-plan.ts";

/** How the fence's plan is noted in the ledger. */
export const FENCE = "fence";

/**
 * Undoes at the source what a task that is given up has changed there: fence, slot, publication, replica identities. Without its ledger (`target` is undefined) slot and publication,
 * which its id names. Returns what was done, as sentences.
 */
export async function giveSourceBack(endpoint: Endpoint, target: Session | undefined, taskId: string, signal: AbortSignal): Promise<string[]> {
  const ledger = target === undefined ? undefined : await Ledger.open(target, taskId);
  const noted = ledger === undefined ? undefined : sourceSetupOf(ledger);
  if (ledger !== undefined && noted === undefined) return [];
  await using source = await openSession(endpoint, { signal });
  const isHandedOver = ledger !== undefined && handOverOf(ledger) !== undefined;
  const fence = isHandedOver ? undefined : (ledger?.value(FENCE) as Fence | undefined);
  const lowered = fence === undefined ? [] : await lowerNotedFence(source, fence);
  const late = isHandedOver ? await lateNotes(ledger, source, target!, signal) : [];
  const { aligned, notes } = await restoreSource(source, noted ?? (await namedSetup(source, taskId)), PATIENCE, signal);
  return [
    ...lowered,
    ...aligned.map(({ object, to }) => `${object}: ${to}`),
    ...notes,
    ...late,
    ...(isHandedOver ? [FENCE_STAYS] : []),
    ...(ledger === undefined && aligned.length > 0 ? [NOTES_GONE] : []),
  ];
}

const FENCE_STAYS = "the database was handed over to the target before: a fence at the source stays, so that nobody writes where nobody reads any more";
const NOTES_GONE = "the task's notes on the target are gone: replica identities that it has changed at the source, and a fence, stay as they are";

async function lowerNotedFence(source: Session, fence: Fence): Promise<string[]> {
  const { outcome, readOnly } = await lowerFence(source, fence);
  if (outcome === "elsewise") return [`default_transaction_read_only of database ${fence.database} of the source was changed by somebody meanwhile, and stays`];
  return [`database ${fence.database} of the source takes writes again`, ...(readOnly.length === 0 ? [] : [tellReadOnly(readOnly)])];
}

/** What was committed at the source since the hand-over is on no target, and nobody sees it again. */
async function lateNotes(ledger: Ledger, source: Session, target: Session, signal: AbortSignal): Promise<string[]> {
  const [plan, slot] = [streamPlanOf(ledger), begunSlotOf(ledger)];
  if (plan === undefined || slot === undefined) return [];
  const isFenced = ledger.value(FENCE) !== undefined;
  return notesOfLook(await lookLast({ plan, slot, ledger }, isFenced, source, target, signal), isFenced);
}
