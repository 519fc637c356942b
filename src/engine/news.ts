import { EventEmitter } from "node:events";
import type { Client } from "pg";

/** What the store tells on, in every process that listens. */
export const NEWS_CHANNEL = "godwit";
/** A topic: something waits in the default queue. */
export const ENQUEUED = "enqueued";
/** A topic: executors came or went. */
export const EXECUTORS = "executors";
/** How often those look who hear nothing. */
const DEAF_MS = 500;
const ALL = "*";

/** Whoever waits for news. */
export interface Subscription extends Disposable {
  /** Until something of it has changed since the last call; at the latest after so many milliseconds (sooner while the store cannot be heard), or when the signal aborts. Never throws. */
  changed(atMostMs: number, signal?: AbortSignal): Promise<void>;
}

/**
 * Everybody who waits for something in the store looks there now and then, as it may come from any process. What the store tells of (by NOTIFY:
 * https://www.postgresql.org/docs/current/sql-notify.html) is seen at once. A topic is a word, or a word and an id: who waits for the word alone
 * hears of every id.
 */
export class StoreNews {
  readonly #rings = new EventEmitter().setMaxListeners(0);
  #isHeard = false;

  /** Hears what the store tells through this session, until it ends. */
  async listenOn(session: Client): Promise<void> {
    session.on("notification", ({ payload = "" }) => this.ring(payload));
    session.once("end", () => this.#turn(false));
    await session.query(`listen ${NEWS_CHANNEL}`);
    this.#turn(true);
  }

  /** News for this process, which has found it out by itself. */
  ring(topic: string): void {
    this.#rings.emit(topic);
    const [word = ""] = topic.split(" ", 1);
    if (word !== topic) this.#rings.emit(word);
  }

  /** News of these topics, from now on. */
  subscribe(...topics: readonly string[]): Subscription {
    let isNew = false;
    let wake = (): void => undefined;
    const onRing = (): void => {
      isNew = true;
      wake();
    };
    for (const topic of [...topics, ALL]) this.#rings.on(topic, onRing);
    return {
      changed: async (atMostMs, signal) => {
        if (!isNew && signal?.aborted !== true) {
          await new Promise<void>((resolve) => {
            const end = (): void => {
              clearTimeout(timer);
              signal?.removeEventListener("abort", end);
              resolve();
            };
            const timer = setTimeout(end, this.#isHeard ? atMostMs : Math.min(atMostMs, DEAF_MS));
            signal?.addEventListener("abort", end);
            wake = end;
          });
        }
        isNew = false;
      },
      [Symbol.dispose]: () => {
        for (const topic of [...topics, ALL]) this.#rings.off(topic, onRing);
      },
    };
  }

  /** Whoever waits looks: for what was told while nobody heard it, or more often from now on. */
  #turn(isHeard: boolean): void {
    this.#isHeard = isHeard;
    this.#rings.emit(ALL);
  }
}
