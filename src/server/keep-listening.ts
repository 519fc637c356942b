import { setTimeout as sleep } from "node:timers/promises";
import type { Store } from "../engine/store.ts";

const AGAIN_MS = 500;

/** Hears the news of the store in a session of its own, also without a worker in this process; connects again when it is lost. Until the signal aborts. */
export async function keepListening(store: Store, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const session = await store.connect("godwit server");
      const ended = new Promise<void>((resolve) => session.once("end", () => resolve()));
      const stop = (): void => void session.end().catch(() => undefined);
      signal.addEventListener("abort", stop, { once: true });
      if (signal.aborted) stop();
      else await store.news.listenOn(session);
      await ended;
      signal.removeEventListener("abort", stop);
    } catch {
      // The store is back in a moment; until then everybody looks by themselves.
    }
    await sleep(AGAIN_MS, undefined, { signal }).catch(() => undefined);
  }
}
