import { setTimeout as sleep } from "node:timers/promises";
import { parentPort as port, workerData } from "node:worker_threads";
import { Client } from "pg";
import { nowMs } from "./clock.ts";

/** The thread that writes: several clients, one row per transaction each, at a rate or as fast as the server answers. */
export interface WritersRequest {
  readonly uri: string;
  readonly clients: number;
  /** Of all clients together; undefined: each sends the next one as soon as it has the answer. */
  readonly transactionsPerSecond: number | undefined;
  readonly seconds: number;
}

export interface Written {
  /** When the writing began, as all other times in `nowMs()`. */
  readonly startedMs: number;
  readonly endedMs: number;
  /** Per client, by number: when the transaction was sent, and when its COMMIT was acknowledged. */
  readonly sentMs: readonly (readonly number[])[];
  readonly committedMs: readonly (readonly number[])[];
}

const BODY = "some bytes, as a row of a table would have them: ".repeat(2);

const request = workerData as WritersRequest;
const clients = await Promise.all(
  Array.from({ length: request.clients }, async () => {
    const client = new Client(request.uri);
    await client.connect();
    return client;
  }),
);
const startedMs = nowMs();
const series = await Promise.all(clients.map(write));
const written = { startedMs, endedMs: nowMs(), sentMs: series.map(({ sent }) => sent), committedMs: series.map(({ committed }) => committed) };
await Promise.all(clients.map(async (client) => await client.end()));
port?.postMessage(written satisfies Written);

async function write(connection: Client, client: number): Promise<{ sent: number[]; committed: number[] }> {
  const sent: number[] = [];
  const committed: number[] = [];
  const gapMs = request.transactionsPerSecond === undefined ? 0 : (request.clients * 1000) / request.transactionsPerSecond;
  const end = startedMs + request.seconds * 1000;
  for (let number = 0; ; number++) {
    // The clients are spread over the gap. A client that is late sends at once: the rate is kept as long as the server can.
    const due = startedMs + (number + client / request.clients) * gapMs;
    const wait = due - nowMs();
    if (wait > 0) await sleep(wait);
    if (nowMs() >= end) return { sent, committed };
    sent.push(nowMs());
    await connection.query({ name: "tick", text: "insert into ticks (client, number, body) values ($1, $2, $3)", values: [client, number, BODY] });
    committed.push(nowMs());
  }
}
