import type { StreamProgress } from "../../task/events.ts";
import { countOf, formatBytes, formatSeconds } from "./figures.ts";

/** How the following of changes stands, the most important first; nothing is said that was not measured. */
export function streamFigures(stream: StreamProgress): string[] {
  const { lagBytes, lagSeconds, changes, transactions, skipped } = stream;
  const lag =
    lagBytes === undefined || lagSeconds === undefined ? "lag not measured yet" : lagBytes === 0 ? "caught up" : `lag ${formatBytes(lagBytes)}, ${formatSeconds(lagSeconds)}`;
  return [lag, `${countOf(changes, "change")} in ${countOf(transactions, "transaction")}`, ...(skipped === 0 ? [] : [`${countOf(skipped, "change")} skipped`])];
}
