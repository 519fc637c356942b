import { StringDecoder } from "node:string_decoder";

/** Bytes of the dump that leave together. */
const PIECE_BYTES = 256 * 1024;
/** With --verbose pg_dump writes a line for every object: only its last words are of use. */
export const KEPT_MESSAGE_CHARACTERS = 8192;
const STDERR = 2;

/** What the types of TypeScript's library say for browsers only; see https://webassembly.github.io/spec/js-api/ */
interface Imports {
  readonly env: { readonly memory: { readonly buffer: ArrayBuffer } };
  readonly wasi_snapshot_preview1: object;
}
interface WebAssemblyApi {
  instantiate(program: unknown, imports: Imports): Promise<unknown>;
}

/**
 * Takes what a WebAssembly program writes to files at the one function through which it does so,
 * https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#fd_write, for every program that this thread loads from now on.
 *
 * The package that brings pg_dump would keep the dump in a file in memory and copy it three times, and keep every message at 32 bytes per character (more than
 * a gigabyte with 200,000 tables). It would also strip all lines that begin with \restrict, even inside function bodies. It finds an empty file now.
 */
export class ProgramOutput {
  readonly #onPiece: (piece: Uint8Array<ArrayBuffer>) => void;
  readonly #messageDecoder = new StringDecoder("utf8");
  #piece = new Uint8Array(PIECE_BYTES);
  #filled = 0;
  #messages = "";

  constructor(onPiece: (piece: Uint8Array<ArrayBuffer>) => void) {
    this.#onPiece = onPiece;
    const { WebAssembly: api } = globalThis as unknown as { WebAssembly: WebAssemblyApi };
    const instantiate = api.instantiate.bind(api);
    api.instantiate = async (program, imports) => {
      const { memory } = imports.env;
      const fd_write = (file: number, vectors: number, count: number, written: number): number => this.#write(memory.buffer, file, vectors, count, written);
      return await instantiate(program, { ...imports, wasi_snapshot_preview1: { ...imports.wasi_snapshot_preview1, fd_write } });
    };
  }

  /** The end of what it wrote to its standard error. */
  get messages(): string {
    return this.#messages;
  }

  /** Hands over the last piece. */
  flush(): void {
    if (this.#filled > 0) this.#onPiece(this.#piece.subarray(0, this.#filled));
    this.#piece = new Uint8Array(PIECE_BYTES);
    this.#filled = 0;
  }

  /** Each of `count` vectors is an address and a length; the number of bytes goes to `written`. */
  #write(memory: ArrayBuffer, file: number, vectors: number, count: number, written: number): number {
    const words = new DataView(memory);
    let total = 0;
    for (let at = vectors; at < vectors + 8 * count; at += 8) {
      const bytes = new Uint8Array(memory, words.getUint32(at, true), words.getUint32(at + 4, true));
      if (file > STDERR) this.#append(bytes);
      else if (file === STDERR) this.#tell(this.#messageDecoder.write(bytes));
      total += bytes.length;
    }
    words.setUint32(written, total, true);
    return 0;
  }

  #tell(text: string): void {
    this.#messages += text;
    if (this.#messages.length > 2 * KEPT_MESSAGE_CHARACTERS) this.#messages = this.#messages.slice(-KEPT_MESSAGE_CHARACTERS);
  }

  #append(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length;) {
      const part = bytes.subarray(from, from + PIECE_BYTES - this.#filled);
      this.#piece.set(part, this.#filled);
      this.#filled += part.length;
      from += part.length;
      if (this.#filled === PIECE_BYTES) this.flush();
    }
  }
}
