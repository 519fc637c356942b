import { z } from "zod";

/** A moment in ISO 8601, UTC, as answers tell it. */
export const moment = z.iso.datetime();

/** A moment that someone types: with any offset. */
export const typedMoment = z.iso
  .datetime({ offset: true })
  // Before the year 0 and after 9999, which an offset may lead to, ISO 8601 has other forms: no answer that holds such a moment could be written.
  .refine((text) => isWritable(new Date(text)), "A moment from 1970 to 9999 (UTC) is wanted.");

function isWritable(at: Date): boolean {
  return !Number.isNaN(at.getTime()) && at.getUTCFullYear() >= 1970 && at.getUTCFullYear() <= 9999;
}

/** Names are printed as they are: a line break would tear a table, an escape sequence do things to somebody's terminal, another direction of writing show another name. */
export const printable = z.string().regex(/^[^\p{Cc}\p{Bidi_Control}]*$/u, "Control characters, as line breaks, are not allowed.");
