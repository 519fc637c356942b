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

const GRANTS_CREATE = /^GRANT (?:ALL|(?:\w+,\s*)*CREATE(?:,\s*\w+)*) ON SCHEMA .* TO ("(?:[^"]|"")*"|[^\s";]+)(?: WITH GRANT OPTION)?$/s;

/** Who is given CREATE on which schema before objects are given to their owners; `role` is undefined for PUBLIC. */
export function createGrantedFirst(entries: readonly Entry[]): { readonly schema: string; readonly role: string | undefined }[] {
  return entries
    .filter(({ type, name, section }) => type === "ACL" && section === "pre" && name.startsWith(NAMED))
    .flatMap((entry) =>
      splitStatements(entry.sql).flatMap((statement) => {
        const role = GRANTS_CREATE.exec(statement)?.[1];
        return role === undefined ? [] : [{ schema: schemaOf(entry), role: role === "PUBLIC" ? undefined : unquoted(role) }];
      }),
    );
}

/** Rights are headed `SCHEMA "Odd ""one"""`; what lies in the schema says `Odd "one"`. */
function schemaOf({ name }: Entry): string {
  return unquoted(name.slice(NAMED.length));
}

function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}
