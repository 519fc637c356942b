import type { Entry } from "./entry.ts";
import { splitStatements } from "./sql-text.ts";

const ROLE = String.raw`("(?:[^"]|"")*"|[^\s";]+)`;
const OWNER = new RegExp(String.raw` OWNER TO ${ROLE};$`);
const GRANTEE = new RegExp(String.raw` (?:TO|FROM) ${ROLE}(?: WITH GRANT OPTION)?$`);
const DEFAULT_OF = new RegExp(String.raw`^ALTER DEFAULT PRIVILEGES FOR ROLE ${ROLE} `);
const GRANTOR = new RegExp(String.raw`^SET SESSION AUTHORIZATION ${ROLE}$`);
const MAPPED = new RegExp(String.raw`^CREATE USER MAPPING FOR ${ROLE} SERVER `);

/** The role that an entry makes the owner; pg_dump writes that last. Entries without such a statement have none of their own. */
export function ownerNamed(entry: Entry): string | undefined {
  const role = OWNER.exec(entry.sql.slice(Math.max(0, entry.sql.lastIndexOf(" OWNER TO "))))?.[1];
  return role === undefined ? undefined : unquoted(role);
}

/** The roles that an entry names otherwise: grantees, grantors, those with default privileges or a user mapping. Without PUBLIC. Policies: see pg_policy. */
export function rolesGranted(entry: Entry): string[] {
  const patterns = entry.type === "ACL" || entry.type === "DEFAULT ACL" ? [GRANTEE, DEFAULT_OF, GRANTOR] : entry.type === "USER MAPPING" ? [MAPPED] : [];
  if (patterns.length === 0) return [];
  const roles = splitStatements(entry.sql).flatMap((statement) => patterns.flatMap((pattern) => pattern.exec(statement)?.[1] ?? []));
  // PUBLIC and DEFAULT are words here, not names; pg_dump writes the first in small letters for user mappings.
  return [...new Set(roles.filter((role) => !/^(?:public|default)$/i.test(role)).map(unquoted))];
}

/** Grants by somebody else than the owner: only a superuser may speak for another (https://www.postgresql.org/docs/current/sql-set-session-authorization.html). */
export function actsAsOther(entry: Entry): boolean {
  return entry.type === "ACL" && entry.sql.includes("SET SESSION AUTHORIZATION ");
}

function unquoted(role: string): string {
  return role.startsWith('"') ? role.slice(1, -1).replaceAll('""', '"') : role;
}
