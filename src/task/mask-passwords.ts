import type { MigrationEvent } from "./events.ts";

/** What stands for a password in all that is printed. */
const MASK = "***";

/**
 * The text without the passwords of URIs (`scheme://user:secret@host`) and of parameters (`password=secret`, `password='se cret'`). A secret with blanks or
 * an @ of its own must not come out in part: a URI's goes up to the last @ of the line.
 * https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING
 */
export function maskPasswords(text: string): string {
  return maskUris(text).replaceAll(
    /(password\s*=\s*)('(?:[^'\\]|\\.)*(?:'|$)|"[^"]*(?:"|$)|(?:\\.?|[^\s\\])*)/gis,
    // What an unquoted one stands in, as a bracket behind it, is none of it.
    (_, name: string, value: string) => `${name}${MASK}${/^['"]/.test(value) ? "" : (/(?<!\\)['")]*$/.exec(value.slice(-LONGEST_END))?.[0] ?? "")}`,
  );
}

/** Quotes and brackets behind a password; a bound, as texts may be as long as a request. */
const LONGEST_END = 10;

/** Line by line, in one pass: whoever may choose a text must not choose how long this takes. */
function maskUris(text: string): string {
  return text.replaceAll(/.+/g, (line) => {
    const end = line.lastIndexOf("@");
    const begin = /:\/\/[^\s:@/]*:/.exec(line.slice(0, Math.max(end, 0)));
    return begin === null ? line : `${line.slice(0, begin.index)}${begin[0]}${MASK}${line.slice(end)}`;
  });
}

/** An argument that the message of a wrong command line or plan quotes may also be a URI without its scheme, as `app:secret@host/shop`. */
export function maskArguments(text: string): string {
  return maskPasswords(text).replaceAll(/(?<!\/)\b[^\s:'"/]+:[^\s'"]*@/g, `${MASK}@`);
}

/** The event as it may be shown: every reporter gets its events through this. What tells of rows and objects (tables, differences) stays as it is. */
export function maskEvent<E extends MigrationEvent>(event: E): E {
  if (event.event === "error") return maskTexts(event, event.code === "usage" || event.code === "plan-invalid" ? maskArguments : maskPasswords);
  return event.event === "notice" || event.event === "check" ? maskTexts(event, maskPasswords) : event;
}

function maskTexts<T>(value: T, mask: (text: string) => string): T {
  if (typeof value === "string") return mask(value) as T;
  if (Array.isArray(value)) return value.map((item: unknown) => maskTexts(item, mask)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]: [string, unknown]) => [key, maskTexts(inner, mask)])) as T;
}
