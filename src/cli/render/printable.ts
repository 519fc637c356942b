/**
 * A text as a terminal may have it: characters that would move its cursor or change its colours are shown, as Unicode's pictures of them (␛ for ESC). Names of objects may hold
 * any, and whoever may create a table at the source would otherwise write what the report says. Line breaks stay where `lines` says so.
 */
export function printable(text: string, lines = true): string {
  return text.replaceAll(CONTROL, (letter) => {
    const code = letter.codePointAt(0)!;
    if (lines && letter === "\n") return letter;
    return code === 0x7f ? "␡" : code < 0x20 ? String.fromCodePoint(0x2400 + code) : "\uFFFD";
  });
}

// oxlint-disable-next-line no-control-regex -- they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;

/** What one line is for: a line break within would begin another. */
const LINES: ReadonlySet<string> = new Set(["evidence", "scope", "object", "table", "database", "name", "title"]);

/** All texts of a value, each as `printable` has it. */
export function printableEvent<E>(value: E, key = ""): E {
  if (typeof value === "string") return printable(value, !LINES.has(key)) as E;
  if (Array.isArray(value)) return value.map((one: unknown) => printableEvent(one, key)) as E;
  if (value === null || typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, printableEvent(one as unknown, name)])) as E;
}
