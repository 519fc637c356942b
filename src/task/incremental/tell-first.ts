import type { Ledger } from "../../copy/ledger.ts";
import type { Session } from "../../wire/session.ts";
import { inTransaction } from "../../wire/transaction.ts";
import { failpoint } from "../../errors/failpoint.ts";
import { maskPasswords } from "../mask-passwords.ts";
import type { RunContext } from "../run-context.ts";

/** How the ledger calls what stops the task, before anybody is known to have heard of it. */
const TO_BE_TOLD = "to be told: ";

interface ToBeTold {
  /** What the other note is to say from then on. */
  readonly known: unknown;
  /** As the task's record will have it. */
  readonly message: string;
  /** What the task had failed with before. */
  readonly after: string | null;
}

/**
 * Keeps what a note of the ledger is to say as soon as somebody was told of it by an error with this message, which the caller throws. Until then the note stays as it is: whoever dies before the task's
 * record has the error, or is paused, or fails for another reason, has told nobody, so the next run finds it again.
 */
export async function tellFirst(ledger: Ledger, target: Session, note: string, known: unknown, message: string, { task }: RunContext): Promise<void> {
  await inTransaction(target, async () => {
    await ledger.forgetJobs(target, [`${TO_BE_TOLD}${note}`]);
    await ledger.note(target, `${TO_BE_TOLD}${note}`, { known, message: maskPasswords(message), after: task.failure?.id ?? null } satisfies ToBeTold);
  });
  failpoint("change kept");
}

/** When a run begins, before anything is looked at: what the task's record has as its last failure was told, and is known from here on. */
export async function learnTold(ledger: Ledger, target: Session, { task }: RunContext): Promise<void> {
  for (const job of ledger.jobs(TO_BE_TOLD)) {
    const { known, message, after } = ledger.value(job) as ToBeTold;
    const note = job.slice(TO_BE_TOLD.length);
    const isTold = task.failure !== undefined && task.failure.id !== after && task.failure.message === message;
    await inTransaction(target, async () => {
      await ledger.forgetJobs(target, isTold ? [job, note] : [job]);
      if (isTold) await ledger.note(target, note, known);
    });
  }
}
