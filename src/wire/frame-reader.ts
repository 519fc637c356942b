import { GodwitError } from "../errors/godwit-error.ts";

const HEADER_BYTES = 5;
/** PostgreSQL makes no message larger than this (MaxAllocSize). */
const LONGEST_BYTES = 0x4000_0000;

/** A message's tag, and where its body lies: valid until the receiver returns. */
export type FrameReceiver = (tag: number, bytes: Buffer, start: number, end: number) => void;

/**
 * Cuts a stream of socket buffers into whole messages (https://www.postgresql.org/docs/current/protocol-message-formats.html): a tag, an int32 length
 * that counts itself, the body. A message that lies whole in a buffer is handed on where it lies; only one that a buffer's end cuts is collected.
 */
export class FrameReader {
  readonly #receive: FrameReceiver;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerBytes = 0;
  /** The body of a message that was cut, and how much of it has come. */
  #body: Buffer | undefined;
  #bodyBytes = 0;

  constructor(receive: FrameReceiver) {
    this.#receive = receive;
  }

  /** Hands on every message that this buffer completes. What the receiver throws ends the reading; throws `protocol` on a length that cannot be. */
  read(chunk: Buffer): void {
    const size = chunk.length;
    let at = this.#headerBytes > 0 || this.#body !== undefined ? this.#complete(chunk) : 0;
    while (size - at >= HEADER_BYTES) {
      const end = at + 1 + lengthAt(chunk, at + 1);
      if (end > size) break;
      this.#receive(chunk[at]!, chunk, at + HEADER_BYTES, end);
      at = end;
    }
    if (at < size) this.#complete(chunk.subarray(at));
  }

  /** Adds to the message that was cut, and hands it on if that makes it whole; returns how much of the buffer it took. */
  #complete(chunk: Buffer): number {
    let at = 0;
    if (this.#body === undefined) {
      at = chunk.copy(this.#header, this.#headerBytes);
      this.#headerBytes += at;
      if (this.#headerBytes < HEADER_BYTES) return at;
      this.#body = Buffer.allocUnsafeSlow(lengthAt(this.#header, 1) + 1 - HEADER_BYTES);
      this.#bodyBytes = 0;
    }
    const body = this.#body;
    const taken = chunk.copy(body, this.#bodyBytes, at);
    this.#bodyBytes += taken;
    if (this.#bodyBytes === body.length) {
      this.#body = undefined;
      this.#headerBytes = 0;
      this.#receive(this.#header[0]!, body, 0, body.length);
    }
    return at + taken;
  }
}

function lengthAt(bytes: Buffer, at: number): number {
  const length = ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
  if (length < 4 || length > LONGEST_BYTES) throw new GodwitError("protocol", `a message of ${length} bytes was announced`);
  return length;
}
