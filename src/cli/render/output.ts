import { stripVTControlCharacters, styleText } from "node:util";

/** Where a renderer writes: process.stdout, or a test's stand-in. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  on?(event: "resize", listener: () => void): unknown;
  off?(event: "resize", listener: () => void): unknown;
}

/**
 * Keeps a reader that went away (`godwit … | head`) from ending a migration: what cannot be written is dropped.
 * Every other error of the stream is too: there is nobody left to tell.
 */
export function tolerateClosedOutput(stream: NodeJS.WriteStream): void {
  stream.on("error", () => undefined);
}

/** Colour words of all renderers; without colour they return the text as it is. */
export interface Paint {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly accent: (text: string) => string;
  readonly strong: (text: string) => string;
  readonly dim: (text: string) => string;
}

export function paintWith(colour: boolean): Paint {
  const style = (format: Parameters<typeof styleText>[0]) => (text: string) => (colour ? styleText(format, text, { validateStream: false }) : text);
  return { good: style("green"), bad: style("red"), warn: style("yellow"), accent: style("cyan"), strong: style("bold"), dim: style("dim") };
}

/** A terminal that understands colours and wants them (https://no-color.org). */
export function wantsColour(output: Output, environment: Readonly<Record<string, string | undefined>>): boolean {
  return output.isTTY === true && (environment["NO_COLOR"] ?? "") === "" && environment["TERM"] !== "dumb";
}

/** A terminal on which lines can be redrawn. */
export function canRedraw(output: Output, environment: Readonly<Record<string, string | undefined>>): boolean {
  return output.isTTY === true && environment["TERM"] !== "dumb";
}

/** Columns a text takes on a terminal: escape sequences none, East Asian wide letters and emoji two. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const letter of stripVTControlCharacters(text)) width += /\p{Mark}/u.test(letter) ? 0 : WIDE.test(letter) ? 2 : 1;
  return width;
}

const WIDE = /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}]/u;

/** Cuts a text without escape sequences to a number of columns, with "…" where something is missing. */
export function cutTo(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  let kept = "";
  let width = 0;
  for (const letter of text) {
    width += displayWidth(letter);
    if (width > columns - 1) break;
    kept += letter;
  }
  return columns < 1 ? "" : `${kept}…`;
}

/** Pads or cuts a text without escape sequences to exactly this many columns. */
export function fitTo(text: string, columns: number): string {
  const cut = cutTo(text, columns);
  return cut + " ".repeat(Math.max(0, columns - displayWidth(cut)));
}

/** Words of a text in lines of at most `columns`; line breaks of the text stay. */
export function wrap(text: string, columns: number): string[] {
  return text.split("\n").flatMap((paragraph) => {
    const lines = [""];
    for (const word of paragraph.split(" ")) {
      const line = lines.at(-1)!;
      if (line === "") lines[lines.length - 1] = word;
      else if (displayWidth(line) + 1 + displayWidth(word) <= columns) lines[lines.length - 1] = `${line} ${word}`;
      else lines.push(word);
    }
    return lines;
  });
}
