import type { Entry } from "./entry.ts";
import { actsAsOther, ownerNamed } from "./named-roles.ts";
import { splitStatements } from "./sql-text.ts";

const NAMED = "SCHEMA ";

/**
 * Who is given an object must be allowed to create in its schema (https://www.postgresql.org/docs/current/sql-altertable.html, OWNER TO), where no superuser gives it. pg_dump
 * grants rights last of all, so every owner in a schema of somebody else (schema public, mostly) would be refused. What is granted on such schemas is therefore granted right
 * behind the schemas, and once more where pg_dump has it: the rights in the end are the same.
 */
export function grantSchemasFirst(entries: readonly Entry[]): readonly Entry[] {
  const rights = entries.filter((entry) => entry.type === "ACL" && entry.name.startsWith(NAMED) && !actsAsOther(entry));
  if (rights.length === 0) return entries;
  const inSchemas = Map.groupBy(entries, ({ schema }) => schema);
  let dumpId = entries.reduce((highest, entry) => Math.max(highest, entry.dumpId), 0);
  const first = rights.flatMap((entry): Entry[] => {
    const isShared = inSchemas.get(schemaOf(entry))?.some((inside) => (ownerNamed(inside) ?? entry.owner) !== entry.owner);
    // All of them, so that they come in the same order at the end.
    const grants = isShared === true ? splitStatements(entry.sql).filter((statement) => statement.startsWith("GRANT ")) : [];
    return !grants.some((statement) => /^GRANT (?:ALL|CREATE)\b/.test(statement))
      ? []
      : [{ ...entry, dumpId: ++dumpId, section: "pre", settings: "", sql: grants.map((statement) => `${statement};`).join("\n") }];
  });
  return first.length === 0 ? entries : entries.toSpliced(entries.findLastIndex(({ type }) => type === "SCHEMA") + 1, 0, ...first);
}

/** Rights are headed `SCHEMA "Odd ""one"""`; what lies in the schema says `Odd "one"`. */
function schemaOf({ name }: Entry): string {
  const written = name.slice(NAMED.length);
  return written.startsWith('"') ? written.slice(1, -1).replaceAll('""', '"') : written;
}
