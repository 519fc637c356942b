import { type RoleFacts, readRoles } from "../../structure/read-roles.ts";
import { type Check, found, listed, passed } from "../check.ts";

/** Roles that move and exist on the target: they are left as they are there. The bootstrap superuser is on every server. */
export const accountConflict: Check = {
  id: "account-conflict",
  title: "Roles that exist on both sides",
  about:
    "Alarm: roles that move and exist on the target with other attributes, settings, limits or memberships, which are left as they are there; roles of a source before 9.6 whose names begin with pg_, which no later server lets anybody create.",
  appliesTo: ({ roles }) => roles.length > 0,
  run: async ({ roles, target }) => {
    const there = new Map((await readRoles(target)).map((role) => [role.name, role]));
    const made = roles.filter(({ isBootstrap }) => !isBootstrap);
    const reserved = made.filter(({ name }) => name.startsWith("pg_")).map(({ name }) => `role ${name}: the prefix pg_ is reserved since 9.6, it is not created`);
    const same: string[] = [];
    const different: string[] = [];
    for (const role of made) {
      const other = there.get(role.name);
      if (other === undefined) continue;
      const differences = compare(role, other);
      if (differences.length === 0) same.push(`role ${role.name}: the same on both sides`);
      else different.push(`role ${role.name}: ${differences.join(", ")}`);
    }
    if (different.length + reserved.length === 0) return [passed(accountConflict, "target", listed([`${made.length - same.length} roles are new on the target`, ...same]))];
    return [
      found(accountConflict, "target", "alarm", {
        evidence: listed([...different, ...reserved]),
        why: [
          ...(different.length > 0 ? ["A role that exists on the target is left as it is there, also its password: what it may do differs from the source."] : []),
          ...(reserved.length > 0 ? ["A role that is not created takes its memberships and rights with it."] : []),
        ].join(" "),
        fix: "Alter or rename these roles on one side, leave them out with --exclude role=NAME, or accept the alarm.",
      }),
    ];
  },
};

const ATTRIBUTES = ["superuser", "inherit", "createRole", "createDatabase", "login", "replication", "bypassRls"] as const;

function compare(source: RoleFacts, target: RoleFacts): string[] {
  const differences = ATTRIBUTES.filter((name) => source[name] !== target[name]).map((name) => `${name.toLowerCase()} ${yesNo(source[name])} → ${yesNo(target[name])}`);
  if (source.connectionLimit !== target.connectionLimit) differences.push(`connection limit ${limit(source)} → ${limit(target)}`);
  const until = ({ validUntil }: RoleFacts): string => (validUntil === null || validUntil === "infinity" ? "for ever" : validUntil);
  if (until(source) !== until(target)) differences.push(`password valid ${until(source)} → ${until(target)}`);
  // By name only: values may be secrets.
  const settings = [...new Set([...source.settings, ...target.settings].map(({ name }) => name))].toSorted((a, b) => (a < b ? -1 : 1));
  const valueOf = (role: RoleFacts, name: string): string | undefined => role.settings.find((setting) => setting.name === name)?.value;
  const other = settings.filter((name) => valueOf(source, name) !== valueOf(target, name));
  if (other.length > 0) differences.push(`other settings: ${other.join(", ")}`);
  // Those in which it is the member: the others are seen from the other role.
  const memberships = (role: RoleFacts): string =>
    [...new Set(role.memberships.filter(({ member }) => member === role.name).map((membership) => membership.role))].toSorted((a, b) => (a < b ? -1 : 1)).join(", ");
  if (memberships(source) !== memberships(target)) differences.push(`member of ${memberships(source) || "none"} → ${memberships(target) || "none"}`);
  return differences;
}

function limit({ connectionLimit }: RoleFacts): string {
  return connectionLimit === -1 ? "none" : String(connectionLimit);
}

function yesNo(value: boolean): string {
  return value ? "yes" : "no";
}
