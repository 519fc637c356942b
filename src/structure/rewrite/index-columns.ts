import { EntryText } from "./entry-text.ts";
import { type Rule, addedIn, targetBelow } from "./rule.ts";

const MULTI = /\b\w+_(?:minmax_multi|bloom)_ops\b/;
const COLUMN_STATISTICS = /^ALTER INDEX [^\n]* ALTER COLUMN \d+ SET STATISTICS \d+;\n?/gm;
/** Parameters stand behind the operator class's name: `t gist_trgm_ops (siglen='32')`. */
const CLASS_PARAMETERS = /(?<=[\w"])(?<!\bWITH) \((?:\w+='[^']*'(?:, )?)+\)/g;

/** https://www.postgresql.org/docs/current/sql-createindex.html */
export const indexColumns: Rule = {
  id: "index-columns",
  about:
    "Statistics targets of index columns (11) and operator class parameters (13) are left out for older targets, with a note; the BRIN classes minmax_multi and bloom (14) are impossible there.",
  appliesTo: (context) => targetBelow(context, 14),
  types: new Set(["INDEX", "CONSTRAINT"]),
  concerns: ({ sql }) => sql.includes(" SET STATISTICS ") || sql.includes("='") || sql.includes("_multi_ops") || sql.includes("_bloom_ops"),
  rewrite: (text, { context }) => {
    if (MULTI.test(text.masked) && text.masked.includes(" USING brin ")) return addedIn(14, "BRIN operator classes minmax_multi and bloom");
    const notes: string[] = [];
    let { sql } = text;
    if (targetBelow(context, 11) && sql.includes(" SET STATISTICS ")) {
      sql = text.replaceOutside(COLUMN_STATISTICS, () => "");
      notes.push("statistics targets of index columns left out");
    }
    if (targetBelow(context, 13) && sql.includes("='")) {
      const before = sql;
      sql = new EntryText({ ...text.entry, sql }).replaceOutside(CLASS_PARAMETERS, () => "");
      if (sql !== before) notes.push("operator class parameters left out");
    }
    return sql === text.sql ? undefined : { sql, note: notes.join(", ") };
  },
};
