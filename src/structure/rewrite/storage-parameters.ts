import { type RewriteContext, type Rule, targetBelow } from "./rule.ts";

/** https://www.postgresql.org/docs/current/sql-createtable.html#SQL-CREATETABLE-STORAGE-PARAMETERS and sql-createindex.html, by the major that added them. */
const SINCE: readonly (readonly [since: number, name: string])[] = [
  [11, "toast_tuple_target"],
  [12, "vacuum_index_cleanup"],
  [12, "vacuum_truncate"],
  [13, "autovacuum_vacuum_insert_threshold"],
  [13, "autovacuum_vacuum_insert_scale_factor"],
  [13, "deduplicate_items"],
  [18, "autovacuum_vacuum_max_threshold"],
  [18, "vacuum_max_eager_freeze_failure_rate"],
];
const HINT = new RegExp(SINCE.map(([, name]) => name).join("|"));

export const storageParameters: Rule = {
  id: "storage-parameters",
  about:
    "Storage parameters that the target does not know are left out, with a note: toast_tuple_target (11), vacuum_* (12), insert thresholds and deduplicate_items (13), those of 18; `vacuum_index_cleanup = auto` (14) too.",
  appliesTo: (context) => targetBelow(context, 18),
  types: new Set(["TABLE", "MATERIALIZED VIEW", "INDEX", "CONSTRAINT"]),
  concerns: ({ sql }) => HINT.test(sql),
  rewrite: (text, { context }) => {
    const left: string[] = [];
    const sql = text.replaceOutside(/ ?\bWITH \((?:[\w.]+=(?:'[^']*'|\w+)(?:, )?)+\)/g, (clause) => {
      const kept = clause
        .replace(/^ ?WITH \(/, "")
        .slice(0, -1)
        .split(/, (?=[\w.]+=)/)
        .filter((item) => {
          const known = isKnown(item, context);
          if (!known) left.push(item.slice(0, item.indexOf("=")));
          return known;
        });
      return kept.length === 0 ? "" : `${clause.startsWith(" ") ? " " : ""}WITH (${kept.join(", ")})`;
    });
    return left.length === 0 ? undefined : { sql, note: `${left.join(", ")} left out` };
  },
};

/** `item` as in "toast.vacuum_truncate='false'". */
function isKnown(item: string, context: RewriteContext): boolean {
  const [name = "", value = ""] = item.replace(/^toast\./, "").split("=");
  if (name === "vacuum_index_cleanup" && value.replaceAll("'", "") === "auto" && targetBelow(context, 14)) return false;
  const since = SINCE.find(([, parameter]) => parameter === name)?.[0];
  return since === undefined || !targetBelow(context, since);
}
