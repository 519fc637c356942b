import { argumentFor } from "../../plan/object-pattern.ts";
import { describeEntry } from "../../structure/apply-entries.ts";
import { ownerNamed, rolesGranted } from "../../structure/named-roles.ts";
import { missingRoles } from "../../structure/read-roles.ts";
import { quoteIdentifier } from "../../wire/quote.ts";
import { type Check, type CheckItem, found, listed, passed } from "../check.ts";
import type { CheckContext, DatabaseToCheck } from "../context.ts";
import { databaseScope, movesLargeObjects } from "../scope.ts";

/** Owners, grantees and roles of policies must be there when the objects are made: on the target already, or among the roles that move. */
export const ownersPresent: Check = {
  id: "owners-present",
  title: "Owners and grantees exist on the target",
  about: "Failed: owners, grantees, roles of policies and user mappings that neither exist on the target nor move.",
  run: async (context) => await Promise.all(context.databases.map(async (database) => await judge(database, context))),
};

async function judge(database: DatabaseToCheck, context: CheckContext): Promise<CheckItem> {
  const { plan } = database;
  const scope = databaseScope(plan);
  // Roles with the server's own prefix belong to a newer version, or to one before 9.6, where people could make them: nobody can create them.
  const moving = new Set(context.roles.filter(({ name }) => !name.startsWith("pg_")).map(({ name }) => name));
  const uses = await rolesInUse(database, context);
  const missing = (await missingRoles(context.target, [...uses.keys()])).filter((name) => !moving.has(name));
  if (missing.length === 0) return passed(ownersPresent, scope, [`${uses.size} roles are named: all of them exist or move`]);
  const creatable = missing.filter((name) => !name.startsWith("pg_"));
  const include = creatable.map((name) => `--include ${argumentFor("role", name)}`).slice(0, 5);
  return found(ownersPresent, scope, "failed", {
    evidence: listed(missing.map((name) => `role ${name}: ${(uses.get(name) ?? []).slice(0, 3).join(", ")}${(uses.get(name)?.length ?? 0) > 3 ? " …" : ""}`)),
    why: "The target has no such roles, and they do not move: objects cannot be given to them.",
    fix: [
      ...(creatable.length > 0 ? [`Move them (${context.options.include.length === 0 ? "--instance, or " : ""}${include.join(" ")}) or create them first.`] : []),
      ...(creatable.length < missing.length
        ? ["Nobody can create a role whose name begins with pg_: rename it at the source, or revoke these grants where it is the server's own and newer than the target."]
        : []),
      "Or leave ownership and grants out: --no-owner --no-privileges.",
    ].join(" "),
    fixSql: creatable.map((name) => `create role ${quoteIdentifier(name)};`).join("\n"),
    fixOn: context.target.endpoint,
  });
}

/** Role → what it is named for. */
async function rolesInUse({ plan, source }: DatabaseToCheck, { newDatabases, options }: CheckContext): Promise<Map<string, string[]>> {
  const uses = new Map<string, string[]>();
  const add = (role: string, use: string): void => {
    const known = uses.get(role);
    if (known === undefined) uses.set(role, [use]);
    else known.push(use);
  };
  for (const entry of plan.entries) {
    const owner = ownerNamed(entry);
    if (owner !== undefined) add(owner, `owner of ${describeEntry(entry)}`);
    for (const role of rolesGranted(entry)) add(role, describeEntry(entry));
  }
  for (const { role, policy } of await policyRoles(source, plan)) add(role, policy);
  if (movesLargeObjects(plan, options))
    for (const { role, owns } of await largeObjectRoles(source)) if (owns ? !options.noOwner : !options.noPrivileges) add(role, `${owns ? "owner of" : "grant on"} large objects`);
  const definition = newDatabases.find(({ name }) => name === plan.target.database);
  if (definition !== undefined && !options.noOwner) add(definition.owner, `owner of database ${definition.name}`);
  if (definition !== undefined && !options.noPrivileges)
    for (const { grantee } of definition.grants ?? []) if (grantee !== "") add(grantee, `grant on database ${definition.name}`);
  return uses;
}

/** https://www.postgresql.org/docs/current/catalog-pg-policy.html; 0 is PUBLIC. */
async function policyRoles(source: DatabaseToCheck["source"], plan: DatabaseToCheck["plan"]): Promise<{ role: string; policy: string }[]> {
  const policies = plan.entries.filter((entry) => entry.type === "POLICY");
  if (policies.length === 0) return [];
  return await source.query(
    `select r.rolname as role, 'policy ' || p.polname || ' on ' || n.nspname || '.' || c.relname as policy
       from pg_catalog.unnest($1::pg_catalog.oid[]) as w(oid)
       join pg_catalog.pg_policy p on p.oid = w.oid
       join pg_catalog.pg_class c on c.oid = p.polrelid
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       cross join lateral pg_catalog.unnest(p.polroles) as u(oid)
       join pg_catalog.pg_roles r on r.oid = u.oid`,
    [policies.map((entry) => entry.oid)],
  );
}

async function largeObjectRoles(source: DatabaseToCheck["source"]): Promise<{ role: string; owns: boolean }[]> {
  return await source.query(
    `select distinct pg_catalog.pg_get_userbyid(m.lomowner) as role, true as owns from pg_catalog.pg_largeobject_metadata m
     union all
     select distinct r.rolname, false from pg_catalog.pg_largeobject_metadata m cross join lateral pg_catalog.aclexplode(m.lomacl) a join pg_catalog.pg_roles r on r.oid = a.grantee`,
  );
}
