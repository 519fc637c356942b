import { quoteIdentifier } from "../wire/quote.ts";
import type { Session } from "../wire/session.ts";

/**
 * SQL after which an account has the rights of these roles and may SET ROLE to them, also one that is NOINHERIT or a member without that: membership alone
 * gives rights by what the account (before 16) or the membership says (https://www.postgresql.org/docs/current/sql-grant.html#SQL-GRANT-DESCRIPTION-ROLES).
 */
export function membershipSql(roles: readonly string[], account: { readonly name: string; readonly inherits: boolean }, { versionNum }: Pick<Session, "versionNum">): string[] {
  const name = quoteIdentifier(account.name);
  const options = versionNum >= 160000 ? " with inherit true, set true" : "";
  const grants = roles.map((role) => `grant ${quoteIdentifier(role)} to ${name}${options};`);
  return versionNum >= 160000 || account.inherits || roles.length === 0 ? grants : [...grants, `alter role ${name} inherit;`];
}
