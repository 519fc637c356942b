const ERROR_RESPONSE = 0x45; // 'E'
const READY_FOR_QUERY = 0x5a; // 'Z'
const FIRST_BYTES = 64 * 1024;

/** Collects what a server sends up to its next ReadyForQuery, in one piece of memory: the answers to pg_dump hold whole catalogs. */
export class ServerAnswer {
  readonly #onError: (body: Buffer) => void;
  #bytes = Buffer.from(new ArrayBuffer(FIRST_BYTES));
  #filled = 0;
  /** Where the first message begins that is not complete. */
  #next = 0;

  /** `onError` gets the body of each ErrorResponse. */
  constructor(onError: (body: Buffer) => void) {
    this.#onError = onError;
  }

  /** Takes what was read from the socket; returns the whole answer when this completes it. */
  take(chunk: Uint8Array): ArrayBuffer | undefined {
    const needed = this.#filled + chunk.length;
    if (needed > this.#bytes.length) this.#resize(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.set(chunk, this.#filled);
    this.#filled = needed;
    // https://www.postgresql.org/docs/current/protocol-message-formats.html: a tag, then the length of all but the tag
    while (this.#filled - this.#next >= 5) {
      const tag = this.#bytes[this.#next];
      const end = this.#next + 1 + this.#bytes.readUInt32BE(this.#next + 1);
      if (end > this.#filled) return undefined;
      if (tag === ERROR_RESPONSE) this.#onError(this.#bytes.subarray(this.#next + 5, end));
      this.#next = end;
      if (tag === READY_FOR_QUERY) return this.#finish();
    }
    return undefined;
  }

  #finish(): ArrayBuffer {
    const answer = this.#bytes.buffer.transfer(this.#filled);
    this.#bytes = Buffer.from(new ArrayBuffer(FIRST_BYTES));
    this.#filled = 0;
    this.#next = 0;
    return answer;
  }

  /** Moves the memory where it can, rather than copying it. */
  #resize(length: number): void {
    this.#bytes = Buffer.from(this.#bytes.buffer.transfer(length));
  }
}
