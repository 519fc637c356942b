import { isAscii } from "node:buffer";
import type { Lsn } from "../wire/lsn.ts";
import type { StreamHandler } from "../wire/replication-stream.ts";
import type { Session } from "../wire/session.ts";

/** So much of what waits is read ahead at most. */
const MOST_WAITING_BYTES = 4 * 1024 * 1024;

/** A message with a copy of its bytes; without, a keepalive. */
interface Waiting {
  readonly walEnd: Lsn;
  body: Buffer | undefined;
}

/** Whoever reads the stream. */
export interface Reads {
  pause(): void;
  resume(): void;
}

/**
 * Stands before the handler of a stream whose messages are text in the encoding of the source's database, and hands them on as UTF-8, in their order. A server converts no message of an output
 * plugin by itself: pgoutput does so for its own values, test_decoding does not. So the source is asked to convert what is more than ASCII, which it does exactly as it did for the copy. What comes
 * meanwhile waits, and is converted together. https://www.postgresql.org/docs/current/multibyte.html#MULTIBYTE-AUTOMATIC-CONVERSION
 */
export class ConvertedText implements StreamHandler {
  /** Rejects with what the source or the handler throws; does not resolve. */
  readonly failed: Promise<never>;
  readonly #fail: (error: unknown) => void;
  readonly #source: Session;
  readonly #handler: StreamHandler;
  readonly #reads: Reads;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #isConverting = false;
  #isEnded = false;

  constructor(source: Session, handler: StreamHandler, reads: Reads) {
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => undefined); // whoever reads hears of it
    this.failed = promise;
    this.#fail = reject;
    this.#source = source;
    this.#handler = handler;
    this.#reads = reads;
  }

  onMessage(bytes: Buffer, start: number, end: number, walEnd: Lsn): void {
    const body = bytes.subarray(start, end);
    if (!this.#isConverting && isAscii(body)) return this.#handler.onMessage(bytes, start, end, walEnd);
    this.#wait({ body: Buffer.from(body), walEnd });
    this.#waitingBytes += body.length;
    if (this.#waitingBytes > MOST_WAITING_BYTES) this.#reads.pause();
  }

  onKeepalive(walEnd: Lsn): void {
    if (this.#isConverting) this.#wait({ body: undefined, walEnd });
    else this.#handler.onKeepalive(walEnd);
  }

  /** Nothing is handed on any more. */
  end(): void {
    this.#isEnded = true;
  }

  #wait(waiting: Waiting): void {
    this.#waiting.push(waiting);
    if (!this.#isConverting) void this.#convertAll();
  }

  async #convertAll(): Promise<void> {
    this.#isConverting = true;
    try {
      while (this.#waiting.length > 0 && !this.#isEnded) {
        const taken = this.#waiting;
        this.#waiting = [];
        this.#waitingBytes = 0;
        await convert(this.#source, taken);
        this.#reads.resume();
        for (const { body, walEnd } of taken) {
          if (this.#isEnded) return;
          if (body === undefined) this.#handler.onKeepalive(walEnd);
          else this.#handler.onMessage(body, 0, body.length, walEnd);
        }
      }
      this.#isConverting = false;
    } catch (error) {
      this.#isEnded = true;
      this.#fail(error);
    }
  }
}

/** As text, the server sends it in the encoding of the client, which is UTF-8. */
async function convert(source: Session, taken: readonly Waiting[]): Promise<void> {
  const foreign = taken.filter(({ body }) => body !== undefined && !isAscii(body));
  const rows = await source.query<{ text: string }>(
    `select pg_catalog.convert_from(w.message, pg_catalog.getdatabaseencoding()) as text
       from pg_catalog.unnest($1::pg_catalog.bytea[]) with ordinality as w (message, at) order by w.at`,
    [foreign.map(({ body }) => body)],
  );
  for (const [at, { text }] of rows.entries()) foreign[at]!.body = Buffer.from(text);
}
