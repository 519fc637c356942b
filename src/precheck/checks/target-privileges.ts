import { movesData } from "../../plan/migration-type.ts";
import { describeEntry } from "../../structure/apply-entries.ts";
import { actsAsOther, ownerNamed } from "../../structure/named-roles.ts";
import { missingRoles } from "../../structure/read-roles.ts";
import { createGrantedFirst } from "../../structure/schema-rights.ts";
import { publicOwnerAttempted } from "../../structure/rewrite/public-schema-owner.ts";
import { describeEndpoint } from "../../wire/endpoint.ts";
import { quoteIdentifier } from "../../wire/quote.ts";
import type { Session } from "../../wire/session.ts";
import { type Check, type CheckItem, found, listed, passed } from "../check.ts";
import type { CheckContext, DatabaseToCheck } from "../context.ts";
import { membershipSql } from "../membership.ts";
import { databaseScope, movesLargeObjects } from "../scope.ts";
import { unreachableItems } from "../unreachable.ts";

/** What the target account must be allowed besides the objects that only superusers make (superuser-objects, extensions). */
export const targetPrivileges: Check = {
  id: "target-privileges",
  title: "The target account may create what moves",
  about:
    "Failed: a target that takes no writes (a standby, default_transaction_read_only); no CONNECT on one of several databases that exist already; no CREATE on the database or on schemas that exist, for the account or for those who will own what is made in them; no CREATEDB or CREATEROLE where databases or roles are created; no membership in the roles that will own objects; grants that only a superuser can repeat. Alarm: schema public of a source before 15 that cannot be given to its owner there, unless that is the superuser of the source's initdb, whom nobody chose.",
  run: async (context) => {
    const readOnly = await judgeReadOnly(context);
    if (readOnly !== undefined) return [readOnly];
    return [
      ...unreachableItems(targetPrivileges, "target", context),
      ...judgeServer(context),
      ...(await Promise.all(context.databases.map(async (database) => await judgeDatabase(database, context)))).flat(),
    ];
  },
};

/** https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-DEFAULT-TRANSACTION-READ-ONLY */
async function judgeReadOnly({ target, databases }: CheckContext): Promise<CheckItem | undefined> {
  const sessions = [target, ...databases.flatMap((database) => database.target ?? [])];
  const evidence: string[] = [];
  for (const session of sessions) {
    // Every transaction begins with what the default says: that of one alone cannot be set from outside.
    const [row] = await session.query<{ recovery: boolean; readOnly: boolean }>(
      `select pg_catalog.pg_is_in_recovery() as recovery, pg_catalog.current_setting('default_transaction_read_only') = 'on' as "readOnly"`,
    );
    const reason = row?.recovery === true ? "the server is a standby (pg_is_in_recovery)" : row?.readOnly === true ? "default_transaction_read_only is on" : undefined;
    if (reason !== undefined) evidence.push(`database ${session.endpoint.database}: ${reason}`);
  }
  if (evidence.length === 0) return undefined;
  return found(targetPrivileges, describeEndpoint(target.endpoint), "failed", {
    evidence: [...new Set(evidence)],
    why: "read-only target: nothing can be written to it.",
    fix: "Name the primary instead of a standby; else switch default_transaction_read_only off for the server, the database or the role.",
  });
}

function judgeServer({ account, newDatabases, roles, target }: CheckContext): CheckItem[] {
  if (account.superuser) return [];
  const lacks: string[] = [];
  const fixes: string[] = [];
  if (newDatabases.length > 0 && !account.createDatabase) {
    lacks.push(`no CREATEDB, for ${listed(newDatabases.map(({ name }) => name)).join(", ")}`);
    fixes.push("createdb");
  }
  if (roles.length > 0 && !account.createRole) {
    lacks.push(`no CREATEROLE, for ${roles.length} roles`);
    fixes.push("createrole");
  }
  if (lacks.length === 0) return [];
  return [
    found(targetPrivileges, describeEndpoint(target.endpoint), "failed", {
      evidence: lacks,
      why: `The account ${account.name} may not create databases or roles.`,
      fix: "Give it these attributes, or create the databases and roles before.",
      fixSql: `alter role ${quoteIdentifier(account.name)} ${fixes.join(" ")};`,
      fixOn: target.endpoint,
    }),
  ];
}

async function judgeDatabase({ plan, source, target }: DatabaseToCheck, { account, options, roles, target: server }: CheckContext): Promise<CheckItem[]> {
  const scope = databaseScope(plan);
  const publicStays = await publicOwnerLeft(source, server, plan, roles);
  if (account.superuser) return [publicStays ?? passed(targetPrivileges, scope, [`${account.name} is a superuser`])];
  const name = quoteIdentifier(account.name);
  const evidence: string[] = [];
  const fixSql: string[] = [];
  if (target !== undefined) {
    // The ledger of a full migration is a schema of its own.
    if (movesData(options.type) || plan.entries.some((entry) => entry.type === "SCHEMA")) {
      const [row] = await target.query<{ may: boolean }>("select pg_catalog.has_database_privilege(pg_catalog.current_database(), 'create') as may");
      if (row?.may !== true) {
        evidence.push(`no CREATE on database ${plan.target.database}`);
        fixSql.push(`grant create on database ${quoteIdentifier(plan.target.database)} to ${name};`);
      }
    }
    for (const schema of await schemasWithoutCreate(target, plan)) {
      evidence.push(`no CREATE on schema ${schema}`);
      fixSql.push(`grant create on schema ${quoteIdentifier(schema)} to ${name};`);
    }
  }
  const moving = new Set(roles.map((role) => role.name));
  const publicOwner = target === undefined ? undefined : await ownerOfPublic(target);
  // Giving schema public to the owner that it has already asks for no right.
  const given = plan.entries.filter((entry) => !(entry.type === "SCHEMA" && entry.name === "public" && ownerNamed(entry) === publicOwner));
  const superusers: string[] = [];
  const ofLargeObjects = movesLargeObjects(plan, options) && !options.noOwner ? await largeObjectOwners(source) : [];
  const owners = new Set([...given.flatMap((entry) => ownerNamed(entry) ?? []), ...ofLargeObjects]);
  const notActedFor = await ownersNotActedFor(
    server,
    [...owners].filter((role) => role !== account.name && !moving.has(role)),
  );
  for (const { name: owner, superuser } of notActedFor) {
    evidence.push(`not a member of ${owner}, which owns some of the objects`);
    if (superuser) superusers.push(owner);
  }
  fixSql.push(
    ...membershipSql(
      notActedFor.map((owner) => owner.name),
      account,
      server,
    ),
  );
  for (const { schema, owner } of target === undefined ? [] : await ownersWithoutCreate(target, plan, account.name)) {
    evidence.push(`no CREATE on schema ${schema} for ${owner}, which will own objects in it`);
    fixSql.push(`grant create on schema ${quoteIdentifier(schema)} to ${quoteIdentifier(owner)};`);
  }
  const foreignGrants = plan.entries.filter(actsAsOther).map((entry) => `${describeEntry(entry)}: granted by another role than the owner, which only a superuser can repeat`);
  const items: CheckItem[] = [];
  if (evidence.length > 0) {
    // A member of a superuser can act as one: that is the operator's to hand out, not ours. https://www.postgresql.org/docs/current/role-membership.html
    const safe = superusers.length === 0;
    items.push(
      found(targetPrivileges, scope, "failed", {
        evidence: listed(evidence),
        why: `The account ${account.name} lacks rights on the target.`,
        fix: safe
          ? "Grant them, or write with a superuser; ownership can be left out with --no-owner."
          : `Whoever is a member of ${superusers.join(", ")} can act as a superuser: rather leave ownership out with --no-owner, or write with a superuser.`,
        fixSql: safe ? fixSql.join("\n") : undefined,
        fixOn: (target ?? server).endpoint,
      }),
    );
  }
  if (foreignGrants.length > 0) {
    items.push(
      found(targetPrivileges, scope, "failed", {
        evidence: listed(foreignGrants),
        why: `The account ${account.name} cannot speak for other roles.`,
        fix: "Write with a superuser, or have the owners grant these rights at the source; grants can be left out with --no-privileges.",
      }),
    );
  }
  return items.length > 0 ? items : [publicStays ?? passed(targetPrivileges, scope)];
}

/**
 * An alarm where schema public cannot be given to the owner it has at the source; see the rewrite rule `public-schema-owner`. Before 15 every database
 * has it from the bootstrap superuser: nobody chose that owner (https://www.postgresql.org/docs/current/ddl-schemas.html#DDL-SCHEMAS-PATTERNS,
 * https://www.postgresql.org/docs/15/release-15.html).
 */
async function publicOwnerLeft(source: Session, server: Session, plan: DatabaseToCheck["plan"], roles: CheckContext["roles"]): Promise<CheckItem | undefined> {
  const owner = plan.entries.map(publicOwnerAttempted).find((role) => role !== undefined);
  if (owner === undefined || roles.some(({ name }) => name === owner)) return undefined;
  const missing = (await missingRoles(server, [owner])).length > 0;
  if (!missing && (await ownersNotActedFor(server, [owner])).length === 0) return undefined;
  const evidence = [
    `schema public: owner ${owner} at the source, ${missing ? "a role that the target does not have" : `for which the account ${server.endpoint.user} may not act`}`,
  ];
  if (await isBootstrap(source, owner)) return passed(targetPrivileges, databaseScope(plan), evidence);
  return found(targetPrivileges, databaseScope(plan), "alarm", {
    evidence,
    why: "Schema public stays with the owner of the target database (pg_database_owner). Its rights move, and so do the objects in it with their owners.",
    fix: "Accept the alarm; most databases want it so since PostgreSQL 15. Else let a superuser change the owner of schema public afterwards.",
  });
}

/** The role that initdb made. */
async function isBootstrap(source: Session, role: string): Promise<boolean> {
  return (await source.query("select from pg_catalog.pg_roles r where r.rolname = $1 and r.oid = 10", [role])).length > 0;
}

async function largeObjectOwners(source: Session): Promise<string[]> {
  const rows = await source.query<{ owner: string }>("select distinct pg_catalog.pg_get_userbyid(m.lomowner) as owner from pg_catalog.pg_largeobject_metadata m");
  return rows.map(({ owner }) => owner);
}

async function ownerOfPublic(target: Session): Promise<string | undefined> {
  const [row] = await target.query<{ owner: string }>("select pg_catalog.pg_get_userbyid(n.nspowner) as owner from pg_catalog.pg_namespace n where n.nspname = 'public'");
  return row?.owner;
}

/** Schemas that exist already and will hold something new. */
async function schemasWithoutCreate(target: Session, plan: DatabaseToCheck["plan"]): Promise<string[]> {
  const used = [...new Set(plan.entries.filter(({ type, schema }) => schema !== "-" && type !== "ACL" && type !== "COMMENT").map(({ schema }) => schema))];
  const rows = await target.query<{ name: string }>(
    "select n.nspname as name from pg_catalog.pg_namespace n where n.nspname = any($1::pg_catalog.text[]) and not pg_catalog.has_schema_privilege(n.oid, 'create') order by 1",
    [used],
  );
  return rows.map(({ name }) => name);
}

/**
 * Who is given an object must be allowed to create in its schema, unless a superuser gives it (https://www.postgresql.org/docs/current/sql-altertable.html, OWNER TO). Only of
 * schemas and roles that exist: what will be made has the rights that it has at the source. Rights that the migration itself grants first (see schema-rights) count where the account can grant them.
 */
async function ownersWithoutCreate(target: Session, { entries }: DatabaseToCheck["plan"], account: string): Promise<{ schema: string; owner: string }[]> {
  const pairs = new Map<string, readonly [schema: string, owner: string]>();
  for (const entry of entries) {
    const owner = entry.schema === "-" ? undefined : ownerNamed(entry);
    if (owner !== undefined && owner !== account) pairs.set(JSON.stringify([entry.schema, owner]), [entry.schema, owner]);
  }
  // Whoever gets the schema itself may create in it.
  for (const entry of entries.filter(({ type }) => type === "SCHEMA")) pairs.delete(JSON.stringify([entry.name, ownerNamed(entry) ?? publicOwnerAttempted(entry)]));
  const wanted = [...pairs.values()];
  const granted = createGrantedFirst(entries);
  return await target.query<{ schema: string; owner: string }>(
    `select n.nspname as schema, r.rolname as owner
       from rows from (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])) as w(schema, owner)
       join pg_catalog.pg_namespace n on n.nspname = w.schema
       join pg_catalog.pg_roles r on r.rolname = w.owner
      where not pg_catalog.has_schema_privilege(r.oid, n.oid, 'create')
        and not (pg_catalog.has_schema_privilege(n.oid, 'create with grant option')
                 and exists (select from rows from (pg_catalog.unnest($3::pg_catalog.text[]), pg_catalog.unnest($4::pg_catalog.text[])) as g(schema, role)
                               left join pg_catalog.pg_roles t on t.rolname = g.role
                              where g.schema = w.schema and (g.role is null or (t.oid is not null and pg_catalog.pg_has_role(r.oid, t.oid, 'usage')))))
      order by 1, 2`,
    [wanted.map(([schema]) => schema), wanted.map(([, owner]) => owner), granted.map(({ schema }) => schema), granted.map(({ role }) => role ?? null)],
  );
}

/**
 * To give an object away one must be able to SET ROLE to the new owner, and to fill it afterwards one must have inherited its rights
 * (https://www.postgresql.org/docs/current/role-membership.html; before 16 every member may SET ROLE).
 */
async function ownersNotActedFor(target: Session, owners: readonly string[]): Promise<{ name: string; superuser: boolean }[]> {
  const set = target.versionNum >= 160000 ? "set" : "member";
  return await target.query<{ name: string; superuser: boolean }>(
    `select r.rolname as name, r.rolsuper as superuser from pg_catalog.pg_roles r
      where r.rolname = any($1::pg_catalog.text[]) and not (pg_catalog.pg_has_role(r.oid, '${set}') and pg_catalog.pg_has_role(r.oid, 'usage')) order by 1`,
    [owners],
  );
}
