import { rehearseRoles } from "../../structure/apply-roles.ts";
import { missingRoles } from "../../structure/read-roles.ts";
import { describeEndpoint } from "../../wire/endpoint.ts";
import { quoteIdentifier } from "../../wire/quote.ts";
import { openSession } from "../../wire/session.ts";
import { type Check, type CheckItem, found, passed } from "../check.ts";
import type { CheckContext } from "../context.ts";
import { settingsFix } from "../provider.ts";

/** What the account may give, and what the target knows, the target itself says best: all roles are created in a transaction that is rolled back. */
export const roleRehearsal: Check = {
  id: "role-rehearsal",
  title: "Roles arrive with all that they have",
  about:
    "Alarm: what roles that will be created do not get on the target, because it has no such thing or the account may not give it: attributes (SUPERUSER, REPLICATION, BYPASSRLS …), settings, memberships, rights on parameters. All of them are created there in one transaction, which is rolled back; no password is sent. Alarm, too: roles that may log in at the source and will not at the target, as the source account cannot read their password hashes.",
  appliesTo: ({ roles, account }) => roles.length > 0 && (account.superuser || account.createRole),
  run: async (context) => {
    const { roles, target, options, signal } = context;
    const locked = await withoutHash(context);
    // The checks' own session is shared.
    await using session = await openSession(target.endpoint, { signal });
    const notes = await rehearseRoles(session, roles, { joinCreated: !options.noOwner, tablespaceMap: options.tablespaceMap });
    if (notes.length === 0) return locked.length === 0 ? [passed(roleRehearsal, "target")] : locked;
    return [
      ...locked,
      found(roleRehearsal, "target", "alarm", {
        // Not shortened: each of them is a right, or a behaviour.
        evidence: notes,
        why: "These roles can do less on the target than at the source, or behave otherwise, until somebody gives them what is missing.",
        fix: "Write with a superuser, or with an account that has these attributes itself; or let a superuser give them to the roles afterwards, and accept the alarm.",
      }),
    ];
  },
};

/** Roles that will be created NOLOGIN, as nobody gives us their hashes. */
async function withoutHash({ roles, source, target, providers }: CheckContext): Promise<CheckItem[]> {
  const unread = roles.filter(({ login, password, isBootstrap }) => login && password === undefined && !isBootstrap).map(({ name }) => name);
  const missing = unread.length === 0 ? [] : await missingRoles(target, unread);
  if (missing.length === 0) return [];
  return [
    found(roleRehearsal, describeEndpoint(source.endpoint), "alarm", {
      // Not shortened: whoever connects as one of them does so no longer.
      evidence: missing.map((name) => `role ${name}: may log in at the source; its password hash cannot be read`),
      why: "They are created without LOGIN: applications that connect as them cannot connect to the target until somebody sets a password there.",
      ...settingsFix(
        providers.source,
        "Let the source account read pg_authid for the time of the migration (it holds the hashes of all roles: REVOKE it behind it), or connect with a superuser; or accept the alarm, and behind the migration set passwords and ALTER ROLE … LOGIN on the target.",
        `grant select on pg_catalog.pg_authid to ${quoteIdentifier(source.endpoint.user)};`,
      ),
      fixOn: source.endpoint,
    }),
  ];
}
