import { type Rule, targetBelow } from "./rule.ts";

/** https://www.postgresql.org/docs/11/sql-createoperator.html: FUNCTION is another way to write PROCEDURE since 11. */
export const operatorFunction: Rule = {
  id: "operator-function",
  about: "`FUNCTION = …` of CREATE OPERATOR is written `PROCEDURE = …` for targets older than 11.",
  appliesTo: (context) => targetBelow(context, 11),
  types: new Set(["OPERATOR"]),
  concerns: ({ sql }) => sql.includes("    FUNCTION = "),
  rewrite: (text) => ({ sql: text.replaceOutside(/^ {4}FUNCTION = /gm, () => "    PROCEDURE = ") }),
};
