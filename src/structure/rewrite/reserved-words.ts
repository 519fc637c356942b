import { type Rule, crossesUp } from "./rule.ts";

/** https://www.postgresql.org/docs/16/sql-keywords-appendix.html: the only word that became fully reserved since 10. */
export const reservedWords: Rule = {
  id: "reserved-words",
  about: "The name system_user, reserved since 16, is quoted where an older source wrote it without quotes.",
  appliesTo: (context) => crossesUp(context, 16),
  concerns: ({ sql }) => sql.includes("system_user"),
  rewrite: (text) => ({ sql: text.replaceOutside(/(?<![\w$])system_user(?![\w$])/g, (name) => `"${name}"`) }),
};
