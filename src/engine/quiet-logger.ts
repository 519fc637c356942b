import type { DLogger } from "@dbos-inc/dbos-sdk";

/** Where the engine tells of what it overcame: lost connections, tries that will be repeated. */
export type EngineLog = (sentence: string) => void;

/** What DBOS says whenever a run is given back or taken over, which is how things go here. */
const USUAL = /no longer owned by this execution|was cancelled during execution/;

/** DBOS prints to the console by itself; its warnings and errors go to our log instead, and nothing else anywhere. */
export function loggerInto(log: EngineLog): DLogger {
  const tell = (entry: unknown): void => {
    const sentence = entry instanceof Error ? entry.message : String(entry);
    if (!USUAL.test(sentence)) log(sentence);
  };
  return { debug: () => undefined, info: () => undefined, warn: tell, error: tell };
}

export const QUIET_LOGGER = loggerInto(() => undefined);

const AGAIN_AFTER_MS = 60_000;
const MOST_KNOWN = 1000;

/** A store that is away is missed by everybody, many times a second: each sentence is told once a minute. */
export function withoutRepeats(log: EngineLog): EngineLog {
  const toldAt = new Map<string, number>();
  return (sentence) => {
    const now = performance.now();
    if (now - (toldAt.get(sentence) ?? -AGAIN_AFTER_MS) < AGAIN_AFTER_MS) return;
    if (toldAt.size >= MOST_KNOWN) toldAt.clear();
    toldAt.set(sentence, now);
    log(sentence);
  };
}
