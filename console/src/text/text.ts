import type { en } from "./en.ts";

/** Every word of the console. Another language that lacks one does not compile. */
export type Text = typeof en;
