import { setTimeout as sleep } from "node:timers/promises";
import { GodwitError } from "./godwit-error.ts";

const PAUSE_MS = 250;

/** Does again, until the signal says otherwise, what fails with an error that passes by itself. */
export async function patiently<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof GodwitError) || error.retry !== "automatic" || signal.aborted) throw error;
      await sleep(PAUSE_MS, undefined, { signal });
    }
  }
}
