import type { Ledger } from "../../copy/ledger.ts";
import type { Session } from "../../wire/session.ts";
import { inTransaction } from "../../wire/transaction.ts";
import type { Followed } from "./followed.ts";

/** How the ledger notes that the database may be written to. */
const HANDED_OVER = "handed over";

/**
 * The target holds everything, and its applications may write: said only once this is on its disk. Whatever dies behind this line, nothing of the source is brought there any
 * more: it would overwrite what was written since. `work`: what comes into being with it, in the same transaction; returns the task's account so far.
 */
export async function keepHandOver(ledger: Ledger, target: Session, work: () => Promise<Followed>): Promise<void> {
  await inTransaction(target, async () => {
    await target.query("set local synchronous_commit = on");
    await ledger.note(target, HANDED_OVER, await work());
  });
}

/** Undefined before the line. */
export function handOverOf(ledger: Ledger): Followed | undefined {
  return ledger.value(HANDED_OVER) as Followed | undefined;
}
