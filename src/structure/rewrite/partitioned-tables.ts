import type { EntryText, Node } from "./entry-text.ts";
import { type Outcome, type Rule, addedIn, targetBelow } from "./rule.ts";
import { type Scope, keyOf } from "./scope.ts";

/** https://www.postgresql.org/docs/11/ddl-partitioning.html */
export const partitionedTables: Rule = {
  id: "partitioned-tables",
  about:
    "What partitioned tables learned in 11 is impossible on 10: hash and default partitions, keys, foreign keys and row triggers on the partitioned table. " +
    "A plain index on it is left out with a note: its partitions keep theirs.",
  appliesTo: (context) => targetBelow(context, 11),
  types: new Set(["TABLE", "TABLE ATTACH", "INDEX", "INDEX ATTACH", "CONSTRAINT", "FK CONSTRAINT", "TRIGGER"]),
  concerns: (_, { partitionedTables: tables }) => tables.size > 0,
  rewrite: (text, scope) => {
    switch (text.entry.type) {
      case "TABLE":
        return /^PARTITION BY HASH /m.test(text.masked) ? addedIn(11, "hash partitioning") : undefined;
      case "TABLE ATTACH":
        return text.masked.endsWith(" DEFAULT;") ? addedIn(11, "default partitions") : undefined;
      case "INDEX":
        if (!/ ON ONLY /.test(text.masked)) return undefined;
        if (text.masked.startsWith("CREATE UNIQUE")) return addedIn(11, "unique indexes on partitioned tables");
        return { drop: true, note: "index on a partitioned table left out; its partitions keep theirs" };
      case "INDEX ATTACH":
        return { drop: true };
      default:
        return ofPartitioned(text, scope);
    }
  },
};

function ofPartitioned(text: EntryText, scope: Scope): Outcome | undefined {
  if (text.entry.type === "TRIGGER")
    return isOn(text.nodes("CreateTrigStmt")[0], scope) && / FOR EACH ROW /.test(text.masked) ? addedIn(11, "row triggers on partitioned tables") : undefined;
  if (!isOn(text.nodes("AlterTableStmt")[0], scope)) return undefined;
  return addedIn(11, text.entry.type === "FK CONSTRAINT" ? "foreign keys of partitioned tables" : "keys of partitioned tables");
}

/** Whether a statement's relation is a partitioned table. */
export function isOn(statement: Node | undefined, scope: Scope, relation = "relation"): boolean {
  const name = statement?.[relation] as { schemaname?: string; relname?: string } | undefined;
  return name !== undefined && scope.partitionedTables.has(keyOf(name.schemaname ?? "", name.relname ?? ""));
}
