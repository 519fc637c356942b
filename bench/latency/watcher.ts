import { parentPort as port, workerData } from "node:worker_threads";
import { Client } from "pg";
import { nowMs } from "./clock.ts";

/** The thread that looks at the target, over and over, on one connection. */
export interface WatcherRequest {
  readonly uri: string;
  readonly clients: number;
}

/** Sent by the thread when it begins to look. */
export type WatcherReady = "ready";

/** Sent to the thread when the writing is over: it ends when it has seen that many rows of each client, or at the deadline. */
export interface WatcherEnd {
  readonly totals: readonly number[];
  readonly deadlineMs: number;
}

export interface Watched {
  /** Per client, by number: when the row was first seen. The answer's arrival counts, so a value is late by one look at most and never early. */
  readonly seenMs: readonly (readonly number[])[];
  /** Time between the arrivals of two answers: what a value can be late by. */
  readonly gapsMs: readonly number[];
}

/** Between an answer and the next question. A timer of Node has a millisecond at least; this is a wait of the thread itself. */
const REST_MS = 0.3;
const restCell = new Int32Array(new SharedArrayBuffer(4));

const request = workerData as WatcherRequest;
let end: WatcherEnd | undefined;
port?.on("message", (message: WatcherEnd) => (end = message));

const client = new Client(request.uri);
await client.connect();
const seenMs: number[][] = Array.from({ length: request.clients }, () => []);
const gapsMs: number[] = [];
port?.postMessage("ready" satisfies WatcherReady);
for (let before = nowMs(); !isOver();) {
  const { rows } = await client.query<[number, number | null]>({
    name: "look",
    text: "select c, (select max(number) from ticks where client = c) from generate_series(0, $1::int - 1) as c",
    values: [request.clients],
    rowMode: "array",
  } as never);
  const now = nowMs();
  gapsMs.push(now - before);
  before = now;
  for (const [of, highest] of rows) {
    const seen = seenMs[of] ?? [];
    for (let number = seen.length; number <= (highest ?? -1); number++) seen.push(now);
  }
  Atomics.wait(restCell, 0, 0, REST_MS);
}
await client.end();
const watched = { seenMs, gapsMs };
port?.postMessage(watched satisfies Watched);
port?.close();

function isOver(): boolean {
  if (end === undefined) return false;
  return nowMs() > end.deadlineMs || end.totals.every((total, of) => (seenMs[of]?.length ?? 0) >= total);
}
