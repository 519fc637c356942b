import { type Rule, targetBelow } from "./rule.ts";

/** https://www.postgresql.org/docs/14/sql-createtype.html */
export const rangeMultirangeName: Rule = {
  id: "range-multirange-name",
  about: "`multirange_type_name` (14) is left out of `CREATE TYPE … AS RANGE` for older targets, which have no multiranges; uses of such a type are named by `new-types`.",
  appliesTo: (context) => targetBelow(context, 14),
  types: new Set(["TYPE"]),
  concerns: (entry) => entry.sql.includes("multirange_type_name"),
  rewrite: (text) => ({ sql: text.replaceOutside(/,\n {4}multirange_type_name = [^\n]*?(?=,?\n)/g, () => "") }),
};
