import type { Socket } from "node:net";

const CHUNK_BYTES = 1024 * 1024;
/** What is passed to the socket at once: the server then begins while the rest is still being written. */
const SEND_BYTES = 128 * 1024;
/** Chunks kept for the next flight. */
const KEPT_CHUNKS = 8;

/**
 * Bytes on their way to a server, written in place: one message after the other, whose lengths are filled in when they end. What is written goes to the
 * socket in runs of some 128 kB; a chunk of memory is used again when `reuse` says that the server has answered to all of it.
 */
export class Outgoing {
  /** Where the next byte goes: `bytes[at++] = …` after `ensure`. */
  bytes: Buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  at = 0;
  readonly #socket: Socket;
  #sentTo = 0;
  /** The message being written: its tag's offset; -1 between messages. */
  #messageAt = -1;
  readonly #used: Buffer[] = [];
  #free: Buffer[] = [];
  /** What is kept back; undefined when nothing is. */
  #held: Buffer[] | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Makes room for so many bytes of the current message. May move it: offsets into `bytes` are relative to `messageStart` then. */
  ensure(size: number): void {
    if (this.at + size > this.bytes.length) this.#grow(size);
  }

  #grow(size: number): void {
    const from = this.#messageAt < 0 ? this.at : this.#messageAt;
    if (from > this.#sentTo) this.#send(from);
    const kept = this.at - from;
    const needed = kept + size;
    // A long message doubles its room, so that it is moved a few times and not for each value.
    const next = (needed <= CHUNK_BYTES ? this.#free.pop() : undefined) ?? Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, needed <= CHUNK_BYTES ? 0 : 2 * needed));
    this.bytes.copy(next, 0, from, this.at);
    if (this.bytes.length === CHUNK_BYTES) this.#used.push(this.bytes);
    this.bytes = next;
    this.at = kept;
    this.#sentTo = 0;
    if (this.#messageAt >= 0) this.#messageAt = 0;
  }

  /** Begins a message; `end` fills in its length. https://www.postgresql.org/docs/current/protocol-message-formats.html */
  begin(tag: number): void {
    this.ensure(5);
    this.#messageAt = this.at;
    this.bytes[this.at] = tag;
    this.at += 5;
  }

  end(): void {
    this.#int32At(this.#messageAt + 1, this.at - this.#messageAt - 1);
    this.#messageAt = -1;
    if (this.at - this.#sentTo >= SEND_BYTES) this.#send(this.at);
  }

  /** Bytes of the message being written. */
  get messageBytes(): number {
    return this.at - this.#messageAt;
  }

  /** Leaves four bytes for a length within the message; returns the place, counted from the message's start. */
  beginLength(): number {
    this.ensure(4);
    const place = this.at - this.#messageAt;
    this.at += 4;
    return place;
  }

  /** Fills in how many bytes were written since `beginLength` gave this place. */
  endLength(place: number): void {
    const at = this.#messageAt + place;
    this.#int32At(at, this.at - at - 4);
  }

  byte(value: number): void {
    this.ensure(1);
    this.bytes[this.at++] = value;
  }

  int16(value: number): void {
    this.ensure(2);
    this.bytes[this.at++] = (value >>> 8) & 0xff;
    this.bytes[this.at++] = value & 0xff;
  }

  int32(value: number): void {
    this.ensure(4);
    this.#int32At(this.at, value);
    this.at += 4;
  }

  /** UTF-8 without an end mark. */
  text(value: string): void {
    this.ensure(3 * value.length);
    this.at += this.bytes.write(value, this.at, "utf8");
  }

  /** UTF-8 and a NUL, as the protocol's String. */
  cstring(value: string): void {
    this.text(value);
    this.byte(0);
  }

  copy(from: Buffer, start: number, end: number): void {
    this.ensure(end - start);
    from.copy(this.bytes, this.at, start, end);
    this.at += end - start;
  }

  /** Keeps back what is written from now on, until `flush`. */
  hold(): void {
    this.#held ??= [];
  }

  /** Passes what is written, whole messages, to the socket. */
  flush(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const bytes of held) this.#socket.write(bytes);
    if (this.at > this.#sentTo) this.#send(this.at);
  }

  /** The server has answered to all that was sent, or nothing of it shall be sent: the memory is ours again. */
  reuse(): void {
    this.#held = undefined;
    this.#free = [...this.#free, ...this.#used.splice(0)].slice(0, KEPT_CHUNKS);
    if (this.bytes.length > CHUNK_BYTES) this.bytes = this.#free.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
    this.at = 0;
    this.#sentTo = 0;
    this.#messageAt = -1;
  }

  #send(to: number): void {
    const bytes = this.bytes.subarray(this.#sentTo, to);
    if (this.#held === undefined) this.#socket.write(bytes);
    else this.#held.push(bytes);
    this.#sentTo = to;
  }

  #int32At(at: number, value: number): void {
    this.bytes[at] = (value >>> 24) & 0xff;
    this.bytes[at + 1] = (value >>> 16) & 0xff;
    this.bytes[at + 2] = (value >>> 8) & 0xff;
    this.bytes[at + 3] = value & 0xff;
  }
}
