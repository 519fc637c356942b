import { type Rule, targetBelow } from "./rule.ts";

/** https://www.postgresql.org/docs/12/queries-with.html: older majors materialize always; the result is the same. */
export const materializedCte: Rule = {
  id: "materialized-cte",
  about: "`AS [NOT] MATERIALIZED` of WITH queries (12) is a hint: written `AS` for older targets.",
  appliesTo: (context) => targetBelow(context, 12),
  concerns: ({ sql }) => sql.includes(" MATERIALIZED ("),
  rewrite: (text) => ({ sql: text.replaceOutside(/ AS (?:NOT )?MATERIALIZED \(/g, () => " AS (") }),
};
