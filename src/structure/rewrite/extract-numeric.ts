import { argumentsFrom } from "./arguments.ts";
import type { EntryText } from "./entry-text.ts";
import { type Rule, crossesDown } from "./rule.ts";

const CALL = "EXTRACT(";
/**
 * Decimal places of the fields that have any, besides epoch: that has more digits than the cast to numeric keeps (15), so that its microseconds
 * are counted whole. The epoch of a date has none, but what is a column of type date is not known here: equal numbers then differ in trailing zeros.
 */
const SCALE: Readonly<Record<string, number>> = { second: 6, milliseconds: 3 };

/** https://www.postgresql.org/docs/14/release-14.html: EXTRACT returns numeric; before it was another way to write date_part, which is double precision. */
export const extractNumeric: Rule = {
  id: "extract-numeric",
  about:
    "`EXTRACT`, which is numeric since 14 and double precision before, is made numeric again for older targets, with the decimal places that the field has; `julian` keeps 15 significant digits there (note). " +
    "A column of an index that is nothing but `EXTRACT` stays as it is: queries on the older target are written like it.",
  appliesTo: (context) => crossesDown(context, 14),
  concerns: ({ sql }) => sql.includes(CALL),
  rewrite: (text) => {
    const sql = rewriteSpan(text, 0, text.sql.length);
    if (sql === text.sql) return undefined;
    return text.masked.includes("EXTRACT(julian ") ? { sql, note: "EXTRACT(julian …) is computed as double precision there: 15 significant digits" } : { sql };
  },
};

function rewriteSpan(text: EntryText, start: number, end: number): string {
  const { sql, masked, entry } = text;
  let result = "";
  let from = start;
  for (let at = masked.indexOf(CALL, start); at >= 0 && at < end; at = masked.indexOf(CALL, from)) {
    const open = at + CALL.length;
    const { close } = argumentsFrom(masked, open);
    const inner = rewriteSpan(text, open, close);
    result += sql.slice(from, at);
    result += entry.type === "INDEX" && isOutermost(masked, at) ? `${CALL}${inner})` : numeric(inner);
    from = close + 1;
  }
  return result + sql.slice(from, end);
}

/** `inner`: "epoch FROM ts". */
function numeric(inner: string): string {
  const call = `${CALL}${inner})`;
  const field = /^\w+/.exec(inner)?.[0] ?? "";
  if (field === "epoch" && !/::date\)?$/.test(inner)) return `((((${call} * (1000000)::double precision))::bigint)::numeric * 0.000001)`;
  const scale = SCALE[field];
  return scale === undefined ? `((${call})::numeric)` : `round((${call})::numeric, ${scale})`;
}

/** Inside of the one pair of parentheses around an index's columns, or around its condition, and of no other. */
function isOutermost(masked: string, at: number): boolean {
  let depth = 0;
  for (let before = 0; before < at; before++) {
    if (masked[before] === "(") depth++;
    else if (masked[before] === ")") depth--;
  }
  return depth === 1;
}
