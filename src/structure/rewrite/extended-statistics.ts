import { majorOf } from "../../wire/session.ts";
import type { EntryText } from "./entry-text.ts";
import { type Outcome, type Rule, crossesUp, targetBelow } from "./rule.ts";

const KINDS = /^(CREATE STATISTICS (?:"(?:[^"]|"")*"|[^\s".])+\.(?:"(?:[^"]|"")*"|[^\s".])+)(?: \(([a-z, ]+)\))? ON /;

/** https://www.postgresql.org/docs/current/sql-createstatistics.html: hints to the planner, all of it. */
export const extendedStatistics: Rule = {
  id: "extended-statistics",
  about:
    "Extended statistics are hints to the planner: their target (13), the kind `mcv` (12) and statistics on expressions (14) are left out for older targets, with a note. " +
    "Upwards over 12 the kinds are written out, because leaving them out would now mean `mcv` too.",
  appliesTo: (context) => targetBelow(context, 14) || crossesUp(context, 12),
  types: new Set(["STATISTICS"]),
  concerns: () => true,
  rewrite: (text, { context }) => {
    if (crossesUp(context, 12)) return writeKinds(text.sql);
    if (targetBelow(context, 14) && hasExpressions(text)) return { drop: true, note: "statistics on expressions left out" };
    let { sql } = text;
    const notes: string[] = [];
    if (targetBelow(context, 13)) {
      const without = text.replaceOutside(/^ALTER STATISTICS [^\n]* SET STATISTICS \d+;\n?/gm, () => "");
      if (without !== sql) notes.push("statistics target left out");
      sql = without;
    }
    if (targetBelow(context, 12)) {
      const kinds = KINDS.exec(sql)?.[2]?.split(", ");
      const known = kinds?.filter((kind) => kind !== "mcv");
      if (known?.length === 0) return { drop: true, note: "most-common-values statistics left out" };
      const hadMcv = known === undefined ? majorOf(context.sourceVersionNum) >= 12 : known.length < (kinds?.length ?? 0);
      if (hadMcv) notes.push("kind mcv left out");
      if (known !== undefined) sql = sql.replace(KINDS, (_, head: string) => `${head} (${known.join(", ")}) ON `);
    }
    return { sql, ...(notes.length > 0 ? { note: notes.join(", ") } : {}) };
  },
};

function writeKinds(sql: string): Outcome {
  return { sql: sql.replace(KINDS, (all, head: string, kinds: string | undefined) => (kinds === undefined ? `${head} (ndistinct, dependencies) ON ` : all)) };
}

function hasExpressions(text: EntryText): boolean {
  return text.nodes("StatsElem").some((element) => element["expr"] !== undefined);
}
