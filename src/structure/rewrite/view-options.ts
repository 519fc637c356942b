import { type Rule, addedIn, targetBelow } from "./rule.ts";

/** https://www.postgresql.org/docs/15/sql-createview.html: who may read what depends on it, so it cannot be left out. */
export const viewOptions: Rule = {
  id: "view-options",
  about: "Views with `security_invoker` (15) are impossible on older targets: they would give rights away.",
  appliesTo: (context) => targetBelow(context, 15),
  types: new Set(["VIEW"]),
  concerns: ({ sql }) => sql.includes("security_invoker="),
  rewrite: ({ sql }) =>
    /^CREATE (?:OR REPLACE )?VIEW [^\n]* WITH \([^\n]*security_invoker='(?:true|on|yes|1|t)/i.test(sql) ? addedIn(15, "views with security_invoker") : withoutOption(sql),
};

/** `security_invoker='false'` says what older majors do anyway. */
function withoutOption(sql: string): { sql: string } {
  return {
    sql: sql
      .replace(/security_invoker='[^']*'(?:, )?/, "")
      .replace(", )", ")")
      .replace(" WITH () AS", " AS"),
  };
}
