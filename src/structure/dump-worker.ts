import { type MessagePort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { pgDump } from "@electric-sql/pglite-tools/pg_dump";
import { Bell } from "./bell.ts";
import { ProgramOutput } from "./program-output.ts";

/**
 * Runs pg_dump (WebAssembly) in a thread of its own. Its libpq is synchronous: each request it sends is posted to the
 * main thread, which owns the authenticated connection, and this thread sleeps until the answer is there.
 */
export interface DumpWorkerData {
  readonly port: MessagePort;
  /** The memory of a Bell, which the main thread rings when an answer was posted. */
  readonly bell: SharedArrayBuffer;
}

/** Main thread → worker, first of all: what to dump. */
export interface DumpJob {
  readonly args: string[];
  /** What the server would say on a fresh connection: parameter statuses and ReadyForQuery, as bytes. */
  readonly greeting: Uint8Array;
}

/** Main thread → worker: the bytes that answer a request, or that the connection is gone. */
export type DumpAnswer = { readonly bytes: ArrayBuffer } | { readonly lost: true };
/** Worker → main thread: bytes for the server; pieces of the dump, as they are written; at the end that it is whole, or pg_dump's words. */
export type DumpRequest = { readonly bytes: Uint8Array } | { readonly piece: Uint8Array } | { readonly whole: true } | { readonly failure: string };

const { port, ...given } = workerData as DumpWorkerData;
const bell = new Bell(given.bell);
const { args, greeting } = await new Promise<DumpJob>((resolve) => port.once("message", resolve));
const QUERY = 0x51;
const SYNC = 0x53;

/** Follows the frontend's messages: libpq may flush a long one in several writes. */
class OutgoingFrames {
  #startupSeen = false;
  #pending = Buffer.alloc(0);

  /** Takes what libpq wrote; says whether the server will now answer with ReadyForQuery. */
  take(bytes: Uint8Array): "startup" | "answered" | "silent" {
    if (!this.#startupSeen) {
      this.#startupSeen = true;
      return "startup"; // the startup packet has no tag, and libpq writes it at once
    }
    this.#pending = Buffer.concat([this.#pending, bytes]);
    let last = 0;
    while (this.#pending.length >= 5) {
      const length = this.#pending.readUInt32BE(1) + 1;
      if (this.#pending.length < length) break;
      last = this.#pending[0] ?? 0;
      this.#pending = this.#pending.subarray(length);
    }
    return this.#pending.length === 0 && (last === QUERY || last === SYNC) ? "answered" : "silent";
  }
}

const frames = new OutgoingFrames();

/** The surface of PGlite that pgDump() uses. */
const connection = {
  query: async () => ({ rows: [{ search_path: "" }] }),
  exec: async () => [],
  execProtocolRawStream: (bytes: Uint8Array, { onRawData }: { onRawData: (data: Uint8Array) => void }): void => {
    const kind = frames.take(bytes);
    if (kind === "startup") {
      onRawData(greeting);
      return;
    }
    bell.lower();
    port.postMessage({ bytes: bytes.slice() } satisfies DumpRequest);
    if (kind === "silent") return;
    bell.wait();
    const answer = receiveMessageOnPort(port)?.message as DumpAnswer | undefined;
    if (answer === undefined || "lost" in answer) throw new Error("the connection to the source broke");
    onRawData(answer.bytes as never); // taken as ArrayBuffer it is copied once, as the type that is declared, twice
    answer.bytes.transfer(0); // frees it now, not when the garbage collector gets to it
  },
};

const output = new ProgramOutput((piece) => port.postMessage({ piece } satisfies DumpRequest, [piece.buffer]));
// A listener keeps the thread alive until the main thread has read the result and ends it.
port.on("message", () => undefined);
try {
  await pgDump({ pg: connection as never, args });
  output.flush();
  port.postMessage({ whole: true } satisfies DumpRequest);
} catch (error) {
  port.postMessage({ failure: `${error instanceof Error ? error.message : String(error)}\n${output.messages}` } satisfies DumpRequest);
}
