import { type Outcome, type Rule, addedIn, targetBelow } from "./rule.ts";

const ALL_BUT_TRUNCATE = "publish = 'insert, update, delete'";

/** https://www.postgresql.org/docs/current/sql-createpublication.html */
export const publications: Rule = {
  id: "publications",
  about:
    "Publications for older targets: `truncate` (11) leaves the full list, with a note; a shorter list with it, `publish_via_partition_root` (13), row filters, column lists and schemas (15), " +
    "and published generated columns (18) are impossible.",
  appliesTo: (context) => targetBelow(context, 18),
  types: new Set(["PUBLICATION", "PUBLICATION TABLE", "PUBLICATION TABLES IN SCHEMA"]),
  concerns: () => true,
  rewrite: ({ entry, sql, masked }, { context }): Outcome | undefined => {
    if (entry.type === "PUBLICATION TABLES IN SCHEMA") return targetBelow(context, 15) ? addedIn(15, "publications of schemas") : undefined;
    if (entry.type === "PUBLICATION TABLE")
      return targetBelow(context, 15) && /(?: \(| WHERE \()/.test(masked) ? addedIn(15, "publications with row filters or column lists") : undefined;
    if (/publish_generated_columns = stored/.test(masked)) return addedIn(18, "publications of generated columns");
    if (targetBelow(context, 13) && /publish_via_partition_root = true/.test(masked)) return addedIn(13, "publications via the partition root");
    const published = targetBelow(context, 11) ? /publish = '([^']*)'/.exec(sql)?.[1] : undefined;
    if (published?.includes("truncate") !== true) return undefined;
    if (published !== "insert, update, delete, truncate") return addedIn(11, "publications of truncate");
    return { sql: sql.replace(/publish = '[^']*'/, ALL_BUT_TRUNCATE), note: "truncate is not published" };
  },
};
