import type { Output } from "./output.ts";

/** A terminal for tests: understands the few escape sequences that the renderers use, and wraps long lines as terminals do. */
export class FakeTerminal implements Output {
  readonly isTTY = true;
  columns: number;
  rows: number;
  cursorHidden = false;
  /** All bytes ever written. */
  written = "";
  #lines: string[] = [""];
  #at = 0;
  #onResize: (() => void) | undefined;

  constructor(columns = 80, rows = 24) {
    this.columns = columns;
    this.rows = rows;
  }

  /** What a person sees, scrollback included, without trailing blanks. */
  get screen(): string {
    return this.#lines.map((line) => line.trimEnd()).join("\n");
  }

  write(text: string): boolean {
    this.written += text;
    // eslint-disable-next-line no-control-regex
    for (const token of text.match(/\u001b\[[?\d;]*[A-Za-z]|\n|\r|[^\u001b\n\r]+/g) ?? []) this.#apply(token);
    return true;
  }

  on(_event: "resize", listener: () => void): void {
    this.#onResize = listener;
  }

  off(): void {
    this.#onResize = undefined;
  }

  /** A narrower window wraps what is there, as terminals do. */
  resize(columns: number): void {
    this.columns = columns;
    const cut = (line: string): string[] => (line.length <= columns ? [line] : [line.slice(0, columns), ...cut(line.slice(columns))]);
    this.#lines = this.#lines.flatMap(cut);
    this.#at = this.#lines.length - 1;
    this.#onResize?.();
  }

  #apply(token: string): void {
    const up = /^.\[(\d+)A$/.exec(token);
    if (token === "\n") {
      this.#at++;
      this.#lines[this.#at] ??= "";
    } else if (up !== null) this.#at = Math.max(0, this.#at - Number(up[1]));
    else if (token === "\u001b[J") this.#lines = [...this.#lines.slice(0, this.#at), ""];
    else if (token === "\u001b[?25l") this.cursorHidden = true;
    else if (token === "\u001b[?25h") this.cursorHidden = false;
    else if (!token.startsWith("\u001b") && token !== "\r") this.#lines[this.#at] += token;
  }
}
