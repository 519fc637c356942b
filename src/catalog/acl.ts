import { quoteIdentifier } from "../wire/quote.ts";

/** One privilege of an access control list (https://www.postgresql.org/docs/current/ddl-priv.html). */
export interface Grant {
  /** "" is PUBLIC. */
  readonly grantee: string;
  readonly grantor: string;
  readonly privilege: string;
  readonly grantable: boolean;
}

/**
 * An SQL expression that reads an `aclitem[]` expression as JSON for `Grant[]`, in the list's own order (a later grant may rest on
 * the grant option of an earlier one); null when the list is null, which means the built-in defaults.
 */
export function grantsExpression(acl: string): string {
  return `case when ${acl} is not null then coalesce((
    select pg_catalog.json_agg(pg_catalog.json_build_object(
      'grantee', case g.grantee when 0 then '' else pg_catalog.pg_get_userbyid(g.grantee) end,
      'grantor', pg_catalog.pg_get_userbyid(g.grantor), 'privilege', g.privilege, 'grantable', g.grantable) order by g.n)
    from pg_catalog.aclexplode(${acl}) with ordinality as g(grantor, grantee, privilege, grantable, n)), '[]') end`;
}

interface GrantTarget {
  /** What stands behind ON: `database "shop"`, `large object 1, 2`. */
  readonly object: string;
  /** Who owns it: grants by anybody else are made under that role. undefined: make every grant as the account that is connected. */
  readonly owner: string | undefined;
  /** Whose built-in privileges are taken away first ("" is PUBLIC): then the grants make the list, whatever the defaults are. */
  readonly revokeFrom: readonly string[];
}

/** The statements that give an object its list. Run them in a transaction: grants by another role use SET LOCAL ROLE. */
export function grantStatements(target: GrantTarget, grants: readonly Grant[]): string[] {
  const statements = target.revokeFrom.map((role) => `revoke all on ${target.object} from ${quoteGrantee(role)}`);
  for (let at = 0; at < grants.length;) {
    const first = grants[at]!;
    let end = at + 1;
    while (end < grants.length && isSameGrant(first, grants[end]!)) end++;
    const privileges = grants.slice(at, end).map((grant) => grant.privilege);
    const grant = `grant ${privileges.join(", ")} on ${target.object} to ${quoteGrantee(first.grantee)}${first.grantable ? " with grant option" : ""}`;
    const asOther = target.owner !== undefined && first.grantor !== target.owner;
    statements.push(asOther ? `set local role ${quoteIdentifier(first.grantor)}; ${grant}; set local role none` : grant);
    at = end;
  }
  return statements;
}

function isSameGrant(one: Grant, other: Grant): boolean {
  return one.grantee === other.grantee && one.grantor === other.grantor && one.grantable === other.grantable;
}

function quoteGrantee(name: string): string {
  return name === "" ? "public" : quoteIdentifier(name);
}
