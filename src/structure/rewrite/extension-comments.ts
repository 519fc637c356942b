import type { Rule } from "./rule.ts";

/** pg_dump repeats the comment that every extension brings, which only the extension's owner may: not an account for which somebody else has created it. https://www.postgresql.org/docs/current/sql-comment.html */
export const extensionComments: Rule = {
  id: "extension-comments",
  about: "Comments on extensions are only attempted: where somebody else owns the extension on the target, it keeps the comment that it has there.",
  appliesTo: () => true,
  types: new Set(["COMMENT"]),
  concerns: ({ sql }) => sql.startsWith("COMMENT ON EXTENSION "),
  rewrite: ({ sql }) => {
    let tag = "$body$";
    while (sql.includes(tag)) tag = `${tag.slice(0, -1)}_$`;
    return { sql: `DO ${tag} BEGIN ${sql} EXCEPTION WHEN insufficient_privilege THEN NULL; END ${tag};` };
  },
};
