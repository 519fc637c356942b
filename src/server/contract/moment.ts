import { z } from "zod";

/** A moment in ISO 8601, UTC, as answers tell it. */
export const moment = z.iso.datetime();

/** A moment that someone types: with any offset. */
export const typedMoment = z.iso.datetime({ offset: true });

/** Names are printed as they are: a line break would tear a table, an escape sequence do things to somebody's terminal. */
export const printable = z.string().regex(/^\P{Cc}*$/u, "Control characters, as line breaks, are not allowed.");
