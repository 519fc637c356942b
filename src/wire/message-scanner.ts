import { GodwitError } from "../errors/godwit-error.ts";

/** CopyData's tag (https://www.postgresql.org/docs/current/protocol-message-formats.html). */
const COPY_DATA = 0x64; // 'd'

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
    if (this.#held !== undefined) {
      chunk = Buffer.concat([this.#held, buffer]);
      this.#held = undefined;
    }
    const end = chunk.length;
    let runStart = 0;
    let at = 0;
    let forwarded = 0;
    if (this.#dataLeft > 0) {
      at = Math.min(this.#dataLeft, end);
      this.#dataLeft -= at;
    }
    while (at < end) {
      if (end - at < 5) break;
      const length = ((chunk[at + 1]! << 24) | (chunk[at + 2]! << 16) | (chunk[at + 3]! << 8) | chunk[at + 4]!) >>> 0;
      if (length < 4 || length > 0x4000_0000) throw new GodwitError("protocol", `a message of ${length} bytes was announced`);
      const next = at + 1 + length;
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
      this.#onMessage(chunk[at]!, chunk.subarray(at + 5, next));
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
