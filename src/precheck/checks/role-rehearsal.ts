import { rehearseRoles } from "../../structure/apply-roles.ts";
import { openSession } from "../../wire/session.ts";
import { type Check, found, passed } from "../check.ts";

/** What the account may give, and what the target knows, the target itself says best: all roles are created in a transaction that is rolled back. */
export const roleRehearsal: Check = {
  id: "role-rehearsal",
  title: "Roles arrive with all that they have",
  about:
    "Alarm: what roles that will be created do not get on the target, because it has no such thing or the account may not give it: attributes (SUPERUSER, REPLICATION, BYPASSRLS …), settings, memberships, rights on parameters. All of them are created there in one transaction, which is rolled back; no password is sent.",
  appliesTo: ({ roles, account }) => roles.length > 0 && (account.superuser || account.createRole),
  run: async ({ roles, target, options, signal }) => {
    // The checks' own session is shared.
    await using session = await openSession(target.endpoint, { signal });
    const notes = await rehearseRoles(session, roles, { joinCreated: !options.noOwner, tablespaceMap: options.tablespaceMap });
    if (notes.length === 0) return [passed(roleRehearsal, "target")];
    return [
      found(roleRehearsal, "target", "alarm", {
        // Not shortened: each of them is a right, or a behaviour.
        evidence: notes,
        why: "These roles can do less on the target than at the source, or behave otherwise, until somebody gives them what is missing.",
        fix: "Write with a superuser, or with an account that has these attributes itself; or let a superuser give them to the roles afterwards, and accept the alarm.",
      }),
    ];
  },
};
