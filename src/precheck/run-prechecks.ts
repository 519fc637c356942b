import type { CheckItem } from "./check.ts";
import type { PrecheckContext } from "./context.ts";

/** Runs every check; the order of the answer is the order of the table. */
export async function runPrechecks(_context: PrecheckContext): Promise<CheckItem[]> {
  return [];
}
