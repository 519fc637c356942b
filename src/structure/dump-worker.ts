import { type MessagePort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { pgDump } from "@electric-sql/pglite-tools/pg_dump";

/**
 * Runs pg_dump (WebAssembly) in a thread of its own. Its libpq is synchronous: each request it sends is posted to the
 * main thread, which owns the authenticated connection, and this thread sleeps until the answer is there.
 */
export interface DumpWorkerData {
  readonly port: MessagePort;
  /** One Int32: raised by the main thread when an answer was posted. */
  readonly bell: SharedArrayBuffer;
  readonly args: string[];
  /** What the server would say on a fresh connection: parameter statuses and ReadyForQuery, as bytes. */
  readonly greeting: Uint8Array;
}

/** Main thread → worker: the bytes that answer a request, or that the connection is gone. */
export type DumpAnswer = { readonly bytes: Uint8Array } | { readonly lost: true };
/** Worker → main thread: bytes for the server; `answered` when an answer is awaited. At the end the dump or pg_dump's words. */
export type DumpRequest = { readonly bytes: Uint8Array; readonly answered: boolean } | { readonly dump: string } | { readonly failure: string };

const { port, bell, args, greeting } = workerData as DumpWorkerData;
const bellView = new Int32Array(bell);
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
    Atomics.store(bellView, 0, 0);
    port.postMessage({ bytes: bytes.slice(), answered: kind === "answered" } satisfies DumpRequest);
    if (kind === "silent") return;
    Atomics.wait(bellView, 0, 0);
    const answer = receiveMessageOnPort(port)?.message as DumpAnswer | undefined;
    if (answer === undefined || "lost" in answer) throw new Error("the connection to the source broke");
    onRawData(answer.bytes);
  },
};

/**
 * The package strips every line that begins with \\restrict or \\unrestrict from the finished text, also inside function
 * bodies and comments, which would change them. This thread runs nothing but that package, so its replacement is made to
 * do nothing here; the two lines that pg_dump itself wrote are outside of all entries and fall away when these are parsed.
 */
const original = Object.getOwnPropertyDescriptor(String.prototype, "replace")?.value as (pattern: unknown, by: unknown) => string;
// oxlint-disable-next-line no-extend-native -- see above
Object.defineProperty(String.prototype, "replace", {
  value(this: string, pattern: unknown, by: unknown): string {
    return pattern instanceof RegExp && pattern.source.includes("restrict") ? this.valueOf() : original.call(this, pattern, by);
  },
});

// A listener keeps the thread alive until the main thread has read the result and ends it.
port.on("message", () => undefined);
try {
  const file = await pgDump({ pg: connection as never, args });
  port.postMessage({ dump: await file.text() } satisfies DumpRequest);
} catch (error) {
  port.postMessage({ failure: error instanceof Error ? error.message : String(error) } satisfies DumpRequest);
}
