import { type Rule, targetBelow } from "./rule.ts";

/** https://www.postgresql.org/docs/11/indexes-index-only-scans.html: payload columns take no part in the key. */
export const includeColumns: Rule = {
  id: "include-columns",
  about: "`INCLUDE` columns of indexes and keys (11) only serve index-only scans: left out for older targets, with a note.",
  appliesTo: (context) => targetBelow(context, 11),
  types: new Set(["INDEX", "CONSTRAINT"]),
  concerns: ({ sql }) => sql.includes(" INCLUDE ("),
  rewrite: (text) => {
    const sql = text.replaceOutside(/ INCLUDE \([^()]*\)/g, () => "");
    return sql === text.sql ? undefined : { sql, note: "INCLUDE columns left out" };
  },
};
