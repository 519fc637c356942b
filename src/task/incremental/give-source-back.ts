import { type Fence, lowerFence } from "../../complete/fence.ts";
import { restoreSource } from "../../complete/restore-source.ts";
import { Ledger } from "../../copy/ledger.ts";
import { PATIENCE } from "../../stream/lock-patiently.ts";
import type { Endpoint } from "../../wire/endpoint.ts";
import { type Session, openSession } from "../../wire/session.ts";
import { sourceSetupOf } from "./source-notes.ts";

/** How the fence's plan is noted in the ledger. */
export const FENCE = "fence";

/** Undoes at the source what a task that is given up has changed there: fence, slot, publication, replica identities. Returns what was done, as sentences. */
export async function giveSourceBack(endpoint: Endpoint, target: Session, taskId: string, signal: AbortSignal): Promise<string[]> {
  const ledger = await Ledger.open(target, taskId);
  const setup = sourceSetupOf(ledger);
  if (setup === undefined) return [];
  await using source = await openSession(endpoint, { signal });
  const fence = ledger.value(FENCE) as Fence | undefined;
  if (fence !== undefined) await lowerFence(source, fence);
  const { aligned, notes } = await restoreSource(source, setup, PATIENCE, signal);
  return [...(fence === undefined ? [] : [`database ${fence.database} of the source takes writes again`]), ...aligned.map(({ object, to }) => `${object}: ${to}`), ...notes];
}
