import { setTimeout as sleep } from "node:timers/promises";
import { waitedFor } from "../catalog/lock-holders.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import { type Endpoint, describeEndpoint } from "../wire/endpoint.ts";
import { type Session, openSession } from "../wire/session.ts";
import type { Report } from "./events.ts";

/** Who waits longer than this wants to know for whom. */
const PATIENCE_MS = 5000;

export interface LockPatience {
  readonly signal: AbortSignal;
  /** Waiting longer than this for others' locks ends the work. */
  readonly forMs: number;
}

/** So long a plan waits before anything is written: what it has locked itself meanwhile is in the way of whoever changes the structure, and its snapshot in that of VACUUM. */
export const PLAN_PATIENCE_MS = 30_000;

/**
 * Does work that reads databases; while it waits for somebody's lock in one of them, tells whose, each once. Where patience has an end the work gets a signal to stop, and
 * this throws `lock-unavailable`, which names them.
 */
export async function tellingWhoBlocks<T>(
  endpoints: readonly Endpoint[],
  report: Report,
  work: (signal: AbortSignal | undefined) => Promise<T>,
  patience?: LockPatience,
): Promise<T> {
  const ended = new AbortController();
  const over = new AbortController();
  const everyMs = Math.min(PATIENCE_MS, patience?.forMs ?? PATIENCE_MS);
  const watching = Promise.allSettled(endpoints.map(async (endpoint) => await watch(endpoint, report, ended.signal, { everyMs, forMs: patience?.forMs ?? Infinity, over })));
  try {
    return await work(patience && AbortSignal.any([patience.signal, over.signal]));
  } catch (error) {
    patience?.signal.throwIfAborted();
    over.signal.throwIfAborted();
    throw error;
  } finally {
    ended.abort();
    await watching;
  }
}

interface Limit {
  readonly everyMs: number;
  readonly forMs: number;
  readonly over: AbortController;
}

/** Looks again and again, until the signal aborts. Whoever cannot look now tries again. */
async function watch(endpoint: Endpoint, report: Report, signal: AbortSignal, { everyMs, forMs, over }: Limit): Promise<void> {
  const told = new Set<string>();
  let since: number | undefined;
  const look = async (session: Session): Promise<void> => {
    const waits = (await waitedFor(session)).map(({ key, object, text }) => ({ key, object, text: `waits for a lock on ${object}: ${text}` }));
    for (const { key, object, text } of waits) {
      if (told.has(key)) continue;
      told.add(key);
      report({ event: "notice", level: "warning", message: `${describeEndpoint(endpoint)} ${text}; this goes on when that transaction ends`, object });
    }
    const [first] = waits;
    since = first === undefined ? undefined : (since ?? performance.now() - everyMs); // it began before it was seen
    if (first !== undefined && since !== undefined && performance.now() - since >= forMs) over.abort(unavailable(endpoint, first.object, waits, forMs));
  };
  await sleep(everyMs, undefined, { signal });
  while (!signal.aborted) {
    try {
      await using session = await openSession(endpoint, { applicationName: "godwit watch", settings: { statement_timeout: "5000" }, signal });
      for (;;) {
        await look(session);
        await sleep(everyMs, undefined, { signal });
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof GodwitError)) throw error;
      await sleep(everyMs, undefined, { signal });
    }
  }
}

/** No more than fit in a sentence. */
const MOST_NAMED = 5;

function unavailable(endpoint: Endpoint, object: string, waits: readonly { readonly text: string }[], forMs: number): GodwitError {
  const who = waits.slice(0, MOST_NAMED).map(({ text }) => text);
  return new GodwitError("lock-unavailable", `${describeEndpoint(endpoint)}: the structure could not be read within ${forMs / 1000} s: it ${who.join("; ")}`, {
    object,
    advice: "End the transactions that the message names, or wait for them, then do it again; a task tries again by itself. Nothing was written.",
  });
}
