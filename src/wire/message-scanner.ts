import { GodwitError } from "../errors/godwit-error.ts";

/** CopyData's tag (https://www.postgresql.org/docs/current/protocol-message-formats.html). */
const COPY_DATA = 0x64; // 'd'
/** Tag and length. */
const HEADER_BYTES = 5;

/**
 * Finds the messages in a stream of socket buffers. CopyData runs are handed on as slices of the buffer they came in;
 * any other message is collected whole (they are small). Exported for its test, which splits messages at every byte.
 */
export class MessageScanner {
  /** CopyData messages seen: the server sends one per row. */
  copyDataMessages = 0;
  readonly #onMessage: (tag: number, body: Buffer) => void;
  /** Bytes of the current CopyData message still to come. */
  #dataLeft = 0;
  /** The beginning of a message that the last buffer cut off. */
  #held: Buffer | undefined;

  constructor(onMessage: (tag: number, body: Buffer) => void) {
    this.#onMessage = onMessage;
  }

  /** How many bytes the CopyData message that was last passed on still lacks. */
  get missingDataBytes(): number {
    return this.#dataLeft;
  }

  /** Reads one buffer; returns how many bytes of it were CopyData. Throws `protocol` on a length that cannot be. */
  scan(buffer: Buffer, forward: (part: Buffer) => void): number {
    let chunk = buffer;
    let forwarded = 0;
    if (this.#held?.[0] === COPY_DATA) {
      // Only of its header: put together with the buffer, a row in twenty would cost a copy of a whole buffer, and the garbage collector's work.
      const header = Buffer.concat([this.#held, buffer.subarray(0, HEADER_BYTES - this.#held.length)]);
      if (header.length < HEADER_BYTES) {
        this.#held = header;
        return 0;
      }
      forward(this.#held);
      forwarded = this.#held.length;
      this.copyDataMessages++;
      this.#dataLeft = 1 + lengthAt(header, 1) - this.#held.length;
      this.#held = undefined;
    } else if (this.#held !== undefined) {
      chunk = Buffer.concat([this.#held, buffer]);
      this.#held = undefined;
    }
    const end = chunk.length;
    let runStart = 0;
    let at = 0;
    if (this.#dataLeft > 0) {
      at = Math.min(this.#dataLeft, end);
      this.#dataLeft -= at;
    }
    while (at < end) {
      if (end - at < HEADER_BYTES) break;
      const next = at + 1 + lengthAt(chunk, at + 1);
      if (chunk[at] === COPY_DATA) {
        this.copyDataMessages++;
        if (next > end) {
          this.#dataLeft = next - end;
          at = end;
        } else at = next;
        continue;
      }
      if (next > end) break;
      if (at > runStart) {
        forward(chunk.subarray(runStart, at));
        forwarded += at - runStart;
      }
      this.#onMessage(chunk[at]!, chunk.subarray(at + HEADER_BYTES, next));
      at = next;
      runStart = at;
    }
    if (at > runStart) {
      forward(chunk.subarray(runStart, at));
      forwarded += at - runStart;
    }
    if (at < end) this.#held = Buffer.from(chunk.subarray(at));
    return forwarded;
  }
}

function lengthAt(chunk: Buffer, at: number): number {
  const length = ((chunk[at]! << 24) | (chunk[at + 1]! << 16) | (chunk[at + 2]! << 8) | chunk[at + 3]!) >>> 0;
  if (length < 4 || length > 0x4000_0000) throw new GodwitError("protocol", `a message of ${length} bytes was announced`);
  return length;
}
