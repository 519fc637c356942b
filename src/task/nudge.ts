import { EventEmitter } from "node:events";

/**
 * Everybody who waits for something in the store looks there now and then, as it may come from any process. What comes from this process
 * need not be waited for: whoever writes it nudges.
 */
const nudges = new EventEmitter().setMaxListeners(0);
let count = 0;

export function nudge(): void {
  count++;
  nudges.emit("nudge");
}

/** To be taken before a look: a nudge during the look is not missed then. */
export function nudgesSoFar(): number {
  return count;
}

/** Until somebody nudges, or did so since the given count; at the latest after so many milliseconds, or when the signal aborts. Never throws. */
export async function nudgedOr(ms: number, since: number, signal?: AbortSignal): Promise<void> {
  if (count !== since || signal?.aborted === true) return;
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      nudges.off("nudge", end);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    nudges.on("nudge", end);
    signal?.addEventListener("abort", end);
  });
}
