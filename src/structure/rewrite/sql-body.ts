import type { Entry } from "../entry.ts";
import { type Rule, targetBelow } from "./rule.ts";

const ATOMIC = /^ {4}BEGIN ATOMIC\n/m;
const RETURN = /^ {4}RETURN /m;

/**
 * pg_dump reads with an empty search_path, so the deparsed body qualifies every name: as a string it means the same, wherever it is run.
 * https://www.postgresql.org/docs/14/sql-createfunction.html
 */
export const sqlBody: Rule = {
  id: "sql-body",
  about: "SQL-standard bodies (`BEGIN ATOMIC`, `RETURN`; 14) become string bodies for older targets, which then no longer record what the body depends on (note).",
  appliesTo: (context) => targetBelow(context, 14),
  types: new Set(["FUNCTION", "PROCEDURE"]),
  concerns: ({ sql }) => sql.includes("    BEGIN ATOMIC\n") || sql.includes("\n    RETURN "),
  rewrite: ({ sql, masked }) => {
    const atomic = ATOMIC.exec(masked);
    const found = atomic ?? RETURN.exec(masked);
    if (found === null) return undefined;
    const from = found.index + found[0].length;
    // The closing END stands at the beginning of a line, which nothing inside the body does.
    const to = atomic === null ? masked.indexOf(";", from) : masked.indexOf("\nEND;", from - 1);
    const end = atomic === null ? to : to + "\nEND".length;
    const body = atomic === null ? `SELECT ${sql.slice(from, to)}` : sql.slice(from, to).trim();
    const note = "body becomes a string: what it depends on is no longer recorded";
    return { sql: `${sql.slice(0, found.index)}    AS ${dollarQuote(body)}${sql.slice(end)}`, note };
  },
};

/** Whether an entry's body was turned into a string by this rule; pg_dump itself never uses this tag. */
export function hasConvertedBody({ type, sql }: Entry): boolean {
  return (type === "FUNCTION" || type === "PROCEDURE") && /^ {4}AS \$body\d*\$/m.test(sql);
}

function dollarQuote(body: string): string {
  let tag = "$body$";
  for (let n = 1; body.includes(tag); n++) tag = `$body${n}$`;
  return `${tag}${body}${tag}`;
}
