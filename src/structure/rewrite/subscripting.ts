import { type Rule, addedIn, targetBelow } from "./rule.ts";

/** https://www.postgresql.org/docs/14/sql-createtype.html */
export const subscripting: Rule = {
  id: "subscripting",
  about: "Base types with a `SUBSCRIPT` function (14) are impossible on older targets.",
  appliesTo: (context) => targetBelow(context, 14),
  types: new Set(["TYPE"]),
  concerns: ({ sql }) => sql.includes("    SUBSCRIPT = "),
  rewrite: (text) => (/^ {4}SUBSCRIPT = /m.test(text.masked) ? addedIn(14, "base types with subscripting") : undefined),
};
