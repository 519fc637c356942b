import type { Rule } from "./rule.ts";
import { exclusionKey, keyOf, splitQualified } from "./scope.ts";

const ATTACHED = /ATTACH PARTITION (.*);/;

/**
 * `ALTER INDEX … ATTACH PARTITION` refuses indexes of exclusion constraints in every version (CompareIndexInfo does not compare them), so that
 * what pg_dump writes cannot be restored. https://www.postgresql.org/docs/17/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-LIMITATIONS
 */
export const partitionedExclusion: Rule = {
  id: "partitioned-exclusion",
  about:
    "Exclusion constraints of partitioned tables are made on the partitioned table for all its partitions at once, because PostgreSQL cannot attach those that pg_dump writes one by one.",
  appliesTo: () => true,
  types: new Set(["CONSTRAINT", "INDEX ATTACH"]),
  concerns: (_, { attachedExclusions }) => attachedExclusions.children.size > 0,
  rewrite: ({ entry, sql }, { attachedExclusions: { parents, children } }) => {
    if (entry.type === "INDEX ATTACH") return children.has(keyOf(...splitQualified(ATTACHED.exec(sql)?.[1] ?? ""))) ? { drop: true } : undefined;
    const key = exclusionKey(entry);
    if (key === undefined) return undefined;
    if (children.has(key)) return { drop: true };
    return parents.has(key) ? { sql: sql.replace(/^ALTER TABLE ONLY /, "ALTER TABLE ") } : undefined;
  },
};
