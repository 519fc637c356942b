import type { EntryText } from "./entry-text.ts";
import { isOn } from "./partitioned-tables.ts";
import { type Rule, addedIn, targetBelow } from "./rule.ts";
import type { Scope } from "./scope.ts";

/** https://www.postgresql.org/docs/release/ (Partitioning, in each major's notes) */
export const partitionedLater: Rule = {
  id: "partitioned-later",
  about:
    "What partitioned tables learned later is impossible on older targets: foreign keys to them (12), BEFORE row triggers and publication (13), identity columns that partitions share " +
    "and exclusion constraints (17), foreign keys of theirs that are NOT VALID (18).",
  appliesTo: (context) => targetBelow(context, 18),
  types: new Set(["FK CONSTRAINT", "TRIGGER", "SEQUENCE", "CONSTRAINT", "PUBLICATION TABLE"]),
  concerns: ({ type, sql }, { partitionedTables }) => {
    if (partitionedTables.size === 0) return false;
    if (type === "TRIGGER") return sql.includes(" BEFORE ") && sql.includes(" FOR EACH ROW ");
    if (type === "SEQUENCE") return sql.includes(" AS IDENTITY (");
    return type !== "CONSTRAINT" || sql.includes(" EXCLUDE ");
  },
  rewrite: (text, scope) => {
    const found = find(text, scope);
    return found !== undefined && targetBelow(scope.context, found.since) ? addedIn(found.since, found.feature, found.why) : undefined;
  },
};

interface Found {
  readonly since: number;
  readonly feature: string;
  readonly why?: string;
}

function find(text: EntryText, scope: Scope): Found | undefined {
  const alter = text.nodes("AlterTableStmt")[0];
  switch (text.entry.type) {
    case "TRIGGER":
      return isOn(text.nodes("CreateTrigStmt")[0], scope) ? { since: 13, feature: "BEFORE row triggers on partitioned tables" } : undefined;
    case "SEQUENCE":
      if (targetBelow({ ...scope.context, targetVersionNum: scope.context.sourceVersionNum }, 17) || !isOn(alter, scope)) return undefined;
      return {
        since: 17,
        feature: "identity columns of partitioned tables",
        why: "On the older target only rows inserted through the partitioned table would be numbered, not those inserted into a partition.",
      };
    case "CONSTRAINT":
      return isOn(alter, scope) ? { since: 17, feature: "exclusion constraints of partitioned tables" } : undefined;
    case "PUBLICATION TABLE":
      return text.nodes("pubtable").some((table) => isOn(table, scope)) ? { since: 13, feature: "publication of partitioned tables" } : undefined;
    default:
      if (text.nodes("Constraint").some((constraint) => isOn(constraint, scope, "pktable"))) return { since: 12, feature: "foreign keys to partitioned tables" };
      return isOn(alter, scope) && / NOT VALID;/.test(text.masked) ? { since: 18, feature: "foreign keys of partitioned tables that are NOT VALID" } : undefined;
  }
}
