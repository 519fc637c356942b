import { judgeMemberships } from "../../structure/grant-memberships.ts";
import { missingRoles } from "../../structure/read-roles.ts";
import { type Check, found, passed } from "../check.ts";

/** Memberships of roles that will be created; those of roles that exist on the target are account-conflict's. */
export const roleMemberships: Check = {
  id: "role-memberships",
  title: "Memberships give the same rights on the target",
  about:
    "Alarm: memberships of roles that will be created which get wider or narrower (`inherit` and `set` of each membership are new in 16: before, every member may SET ROLE, and its own INHERIT attribute decides), or which are left out because the target has no such role (pg_read_all_data is new in 14, …). Every one is named.",
  appliesTo: ({ roles }) => roles.length > 0,
  run: async ({ roles, target }) => {
    const missing = await missingRoles(
      target,
      roles.map(({ name }) => name),
    );
    // Nobody can create roles with the server's own prefix.
    const created = new Set(missing.filter((name) => !name.startsWith("pg_")));
    const { possible, changes } = await judgeMemberships(target, roles, created);
    if (changes.length === 0) return [passed(roleMemberships, "target", [`${possible.length} memberships will be made`])];
    return [
      found(roleMemberships, "target", "alarm", {
        // Not shortened: each of them is a right.
        evidence: changes,
        why: "These memberships give other rights on the target than at the source: some more, some less.",
        fix: "Change or revoke these memberships at the source, create the missing roles on the target, leave roles out with --exclude role=NAME, or accept the alarm when you know who gets which rights.",
      }),
    ];
  },
};
