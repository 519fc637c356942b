import type { Ledger } from "../../copy/ledger.ts";
import type { Session } from "../../wire/session.ts";
import type { Followed } from "./followed.ts";

/** How the ledger notes that the database may be written to. */
const HANDED_OVER = "handed over";

/**
 * The target holds everything, and its applications may write: said only once this is on its disk. Whatever dies behind this line, nothing of the source is brought there any
 * more: it would overwrite what was written since. `followed`: the task's account so far.
 */
export async function keepHandOver(ledger: Ledger, target: Session, followed: Followed): Promise<void> {
  await ledger.noteOnDisk(target, HANDED_OVER, followed);
}

/** Undefined before the line. */
export function handOverOf(ledger: Ledger): Followed | undefined {
  return ledger.value(HANDED_OVER) as Followed | undefined;
}
