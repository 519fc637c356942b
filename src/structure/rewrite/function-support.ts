import { type Rule, targetBelow } from "./rule.ts";

/** https://www.postgresql.org/docs/12/xfunc-optimization.html: a planner hint. */
export const functionSupport: Rule = {
  id: "function-support",
  about: "`SUPPORT` functions (12) are hints to the planner: left out for older targets, with a note.",
  appliesTo: (context) => targetBelow(context, 12),
  types: new Set(["FUNCTION"]),
  concerns: ({ sql }) => sql.includes(" SUPPORT "),
  rewrite: (text) => {
    const sql = text.replaceOutside(/ SUPPORT (?:"[^"]*"|[^\s"])+/g, () => "");
    return sql === text.sql ? undefined : { sql, note: "planner support function left out" };
  },
};
