import { type Rule, addedIn, targetBelow } from "./rule.ts";

/** https://www.postgresql.org/docs/current/ddl-generated-columns.html */
export const generatedColumns: Rule = {
  id: "generated-columns",
  about: "Generated columns, stored (12) and virtual (18), are impossible on older targets.",
  appliesTo: (context) => targetBelow(context, 18),
  types: new Set(["TABLE", "FOREIGN TABLE"]),
  concerns: ({ sql }) => sql.includes(" GENERATED ALWAYS AS ("),
  rewrite: ({ masked }, { context }) => {
    const all = masked.match(/ GENERATED ALWAYS AS \(/g)?.length ?? 0;
    if (all > 0 && targetBelow(context, 12)) return addedIn(12, "generated columns");
    const stored = masked.match(/\) STORED\b/g)?.length ?? 0;
    return all > stored ? addedIn(18, "virtual generated columns") : undefined;
  },
};
