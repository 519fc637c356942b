import type { Rule } from "./rule.ts";

/** An account that may not create an extension has somebody create it before, and with it its schema; see the check "extensions". https://www.postgresql.org/docs/current/sql-createextension.html */
export const extensionSchemas: Rule = {
  id: "extension-schemas",
  about: "Schemas that extensions are created in get `IF NOT EXISTS`, as extensions have it: both may have been created before.",
  appliesTo: () => true,
  types: new Set(["SCHEMA"]),
  concerns: ({ name, sql }, scope) => scope.extensionSchemas.has(name) && sql.startsWith("CREATE SCHEMA "),
  rewrite: ({ sql }) => ({ sql: sql.replace("CREATE SCHEMA ", "CREATE SCHEMA IF NOT EXISTS ") }),
};
