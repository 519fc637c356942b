import type { MigrationEvent } from "./events.ts";

/** What stands for a password in all that is printed. */
const MASK = "***";

/**
 * The text without the passwords of URIs (`scheme://user:secret@host`) and of parameters (`password=secret`, `password='se cret'`). A secret with blanks or
 * an @ of its own must not come out in part: a URI's goes up to the last @ of the line.
 * https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING
 */
export function maskPasswords(text: string): string {
  return text
    .replaceAll(/(:\/\/[^\s:@/]*:).*@/g, `$1${MASK}@`)
    .replaceAll(/(password\s*=\s*)('(?:[^'\\]|\\.)*(?:'|$)|"[^"]*(?:"|$)|(?:\\.|[^\s\\])*?(?=['")]*(?:\s|$)))/gis, `$1${MASK}`);
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
