import { majorOf } from "../../wire/session.ts";
import type { Entry } from "../entry.ts";
import type { RewriteContext } from "./rule.ts";

/**
 * Since 15 schema public belongs to the database's owner, and only they may create in it; pg_dump says nothing about a schema public that
 * is like that. A new database of an older target lets everybody create there, so it is told what pg_dump takes for granted. (Upwards
 * pg_dump writes what an older source's schema public is like.) https://www.postgresql.org/docs/15/ddl-schemas.html#DDL-SCHEMAS-PUBLIC
 */
export const PUBLIC_SCHEMA_ABOUT =
  "A new database of a target older than 15 gets schema public as the newer source has it: nobody but the database's owner may create in it, unless the source grants it.";

export function publicSchemaEntry(entries: readonly Entry[], context: RewriteContext): Entry | undefined {
  if (context.wholeDatabase !== true || majorOf(context.sourceVersionNum) < 15 || majorOf(context.targetVersionNum) >= 15) return undefined;
  const ownerIsWritten = entries.some((entry) => entry.type === "SCHEMA" && entry.name === "public");
  const statements: string[] = [];
  if (context.noOwner !== true && !ownerIsWritten) statements.push(giveToDatabaseOwner(majorOf(context.targetVersionNum) >= 14));
  if (context.noPrivileges !== true) statements.push("REVOKE CREATE ON SCHEMA public FROM PUBLIC;");
  if (statements.length === 0) return undefined;
  const dumpId = entries.reduce((highest, entry) => Math.max(highest, entry.dumpId), 0) + 1;
  return {
    dumpId,
    catalogOid: "0",
    oid: "0",
    name: "SCHEMA public",
    type: "ACL",
    schema: "-",
    owner: "-",
    dependencies: [],
    section: "post",
    settings: "",
    sql: statements.join("\n"),
  };
}

/** Role pg_database_owner exists since 14. An account that may not change the owner leaves it as it is: rights do not grow by that. */
function giveToDatabaseOwner(hasRole: boolean): string {
  const owner = hasRole ? "'pg_database_owner'" : "(SELECT pg_catalog.pg_get_userbyid(datdba) FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())";
  return `DO $body$ BEGIN EXECUTE pg_catalog.format('ALTER SCHEMA public OWNER TO %I', ${owner}); EXCEPTION WHEN insufficient_privilege THEN NULL; END $body$;`;
}
