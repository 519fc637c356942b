import { type Rule, targetBelow } from "./rule.ts";

/** https://www.postgresql.org/docs/14/sql-altertable.html */
export const columnCompression: Rule = {
  id: "column-compression",
  about: "A column's compression method (14) is left out for older targets, which compress with pglz; a note says so.",
  appliesTo: (context) => targetBelow(context, 14),
  types: new Set(["TABLE", "MATERIALIZED VIEW"]),
  concerns: ({ sql }) => sql.includes(" SET COMPRESSION "),
  rewrite: (text) => {
    const sql = text.replaceOutside(/^ALTER (?:TABLE|MATERIALIZED VIEW) [^\n]* SET COMPRESSION \w+;\n?/gm, () => "");
    return sql === text.sql ? undefined : { sql, note: "column compression left out" };
  },
};
