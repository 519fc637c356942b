import { setTimeout as sleep } from "node:timers/promises";
import { GodwitError } from "../errors/godwit-error.ts";

/** For a server with 200,000 tables, over a slow network. */
const PATIENCE_MS = 120_000;

/**
 * What a server that somebody has named answers; it may also take a connection and say nothing any more, where neither connect_timeout nor statement_timeout helps. The
 * answer is not waited for beyond that, also where the session cannot be ended. Throws `connection-timeout`.
 */
export async function inTime<T>(object: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>, patienceMs = PATIENCE_MS): Promise<T> {
  const over = new AbortController();
  const working = work(AbortSignal.any([signal, over.signal]));
  working.catch(() => undefined); // told by the race, if it comes first
  const ended = new AbortController();
  try {
    return await Promise.race([working, tooLate(object, patienceMs, ended.signal)]);
  } finally {
    ended.abort();
    over.abort();
  }
}

async function tooLate(object: string, patienceMs: number, signal: AbortSignal): Promise<never> {
  await sleep(patienceMs, undefined, { signal });
  throw new GodwitError("connection-timeout", `${object} has not answered within ${Math.round(patienceMs / 1000)} s`, { object });
}
