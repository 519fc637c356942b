import { type Rule, addedIn, targetBelow } from "./rule.ts";

const CLAUSE = /,\n {4}M?FINALFUNC_MODIFY = (\w+)/g;

/** https://www.postgresql.org/docs/11/sql-createaggregate.html: before 11 a plain aggregate's final function must leave the state alone. */
export const aggregateModify: Rule = {
  id: "aggregate-modify",
  about: "`FINALFUNC_MODIFY` (11): `SHAREABLE` and `READ_ONLY` are left out for older targets (note); a plain aggregate with `READ_WRITE` is impossible there.",
  appliesTo: (context) => targetBelow(context, 11),
  types: new Set(["AGGREGATE"]),
  concerns: ({ sql }) => sql.includes("FINALFUNC_MODIFY"),
  rewrite: (text) => {
    if (/FINALFUNC_MODIFY = READ_WRITE/.test(text.masked)) return addedIn(11, "aggregates whose final function changes the state");
    return { sql: text.replaceOutside(CLAUSE, () => ""), note: "FINALFUNC_MODIFY left out" };
  },
};
