import { type Rule, addedIn, targetBelow } from "./rule.ts";

const SET_METHOD = /^ALTER TABLE [^\n]* SET ACCESS METHOD [^\n]*;\n*/gm;

/** https://www.postgresql.org/docs/current/tableam.html */
export const tableAccessMethod: Rule = {
  id: "table-access-method",
  about: "A table access method of one's own (12) is named as impossible; the access method that a partitioned table gives to new partitions (17) is left out, with a note.",
  appliesTo: (context) => targetBelow(context, 17),
  types: new Set(["ACCESS METHOD", "TABLE"]),
  concerns: (entry) => entry.sql.includes(" TYPE TABLE ") || entry.sql.includes(" SET ACCESS METHOD "),
  rewrite: (text, { context }) => {
    if (text.entry.type === "ACCESS METHOD") return targetBelow(context, 12) ? addedIn(12, "table access methods") : undefined;
    const sql = text.replaceOutside(SET_METHOD, () => "");
    return sql === text.sql ? undefined : { sql, note: "access method for new partitions left out" };
  },
};
