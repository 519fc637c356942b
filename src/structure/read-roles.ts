import { type Grant, grantsExpression } from "../catalog/acl.ts";
import type { Session } from "../wire/session.ts";
import { type Setting, settingsExpression } from "./setting.ts";
import { readSettingsOfAll } from "./settings-of-all.ts";

/** A role with all that is global about it. Holds the password hash: never print a whole one. */
export interface RoleFacts {
  readonly name: string;
  /** The superuser that initdb made. */
  readonly isBootstrap: boolean;
  readonly superuser: boolean;
  readonly inherit: boolean;
  readonly createRole: boolean;
  readonly createDatabase: boolean;
  readonly login: boolean;
  readonly replication: boolean;
  readonly bypassRls: boolean;
  /** -1: no limit. */
  readonly connectionLimit: number;
  readonly validUntil: string | null;
  /** The stored hash; null when the role has none; undefined when the account may not read it. */
  readonly password: string | null | undefined;
  readonly comment: string | null;
  /** `ALTER ROLE … SET`; those `IN DATABASE` belong to the database. */
  readonly settings: readonly Setting[];
  /** `ALTER ROLE ALL SET`; these stand with the bootstrap superuser. */
  readonly settingsOfAll?: readonly Setting[];
  /** The roles that it is a member of. */
  readonly memberships: readonly Membership[];
  /** Rights on configuration parameters, from version 15 on. Those of PUBLIC stand with the bootstrap superuser. */
  readonly parameterGrants: readonly ParameterGrant[];
}

/** A row of pg_auth_members (https://www.postgresql.org/docs/current/catalog-pg-auth-members.html). */
export interface Membership {
  readonly role: string;
  readonly member: string;
  /** null when that role is gone: before version 16 nothing kept it. */
  readonly grantor: string | null;
  readonly admin: boolean;
  /** undefined before version 16. */
  readonly inherit?: boolean;
  readonly set?: boolean;
}

interface ParameterGrant extends Grant {
  readonly parameter: string;
}

/** Objects below this oid come with the server (https://www.postgresql.org/docs/current/system-catalog-initial-data.html#SYSTEM-CATALOG-OID-ASSIGNMENT). */
const FIRST_USER_OID = 16384;
const BOOTSTRAP_OID = 10;

/**
 * All roles of a server by name, without the predefined ones (pg_monitor …). Password hashes come only where the account may read
 * pg_authid (https://www.postgresql.org/docs/current/catalog-pg-authid.html).
 */
export async function readRoles(session: Session): Promise<RoleFacts[]> {
  const [access] = await session.query<{ readable: boolean }>("select pg_catalog.has_table_privilege('pg_catalog.pg_authid', 'select') as readable");
  const hashes = access?.readable === true;
  const bypassRls = session.versionNum >= 90500 ? "r.rolbypassrls" : "false";
  const rows = await session.query<Omit<RoleFacts, "memberships" | "parameterGrants" | "password"> & { password: string | null }>(
    `select r.rolname as name, r.oid = ${BOOTSTRAP_OID} as "isBootstrap", r.rolsuper as superuser, r.rolinherit as inherit, r.rolcreaterole as "createRole",
       r.rolcreatedb as "createDatabase", r.rolcanlogin as login, r.rolreplication as replication, ${bypassRls} as "bypassRls",
       r.rolconnlimit as "connectionLimit", r.rolvaliduntil::pg_catalog.text as "validUntil", ${hashes ? "r.rolpassword" : "null"} as password,
       pg_catalog.shobj_description(r.oid, 'pg_authid') as comment, ${settingsExpression("d.setconfig")} as settings
     from ${hashes ? "pg_catalog.pg_authid" : "pg_catalog.pg_roles"} r
     left join pg_catalog.pg_db_role_setting d on d.setrole = r.oid and d.setdatabase = 0
     where r.oid = ${BOOTSTRAP_OID} or r.oid >= ${FIRST_USER_OID}
     order by r.rolname`,
  );
  const memberships = Map.groupBy(await readMemberships(session), (row) => row.holder);
  const parameterGrants = Map.groupBy(await readParameterGrants(session), (grant) => grant.grantee);
  const settingsOfAll = await readSettingsOfAll(session);
  return rows.map((row) => ({
    ...row,
    ...(row.isBootstrap ? { settingsOfAll } : {}),
    password: hashes ? row.password : undefined,
    memberships: (memberships.get(row.name) ?? []).map(({ membership }) => membership),
    parameterGrants: [...(parameterGrants.get(row.name) ?? []), ...(row.isBootstrap ? (parameterGrants.get("") ?? []) : [])],
  }));
}

/**
 * Memberships that people made: those between two predefined roles come with the server. They stand with the member; what was granted to a
 * predefined role has no other holder than the role that was granted.
 */
async function readMemberships(session: Session): Promise<{ holder: string; membership: Membership }[]> {
  const options = session.versionNum >= 160000 ? ", 'inherit', m.inherit_option, 'set', m.set_option" : "";
  return await session.query(
    `select case when m.member < ${FIRST_USER_OID} and m.member <> ${BOOTSTRAP_OID} then r.rolname else u.rolname end as holder,
       pg_catalog.json_build_object('role', r.rolname, 'member', u.rolname, 'grantor', g.rolname, 'admin', m.admin_option${options}) as membership
     from pg_catalog.pg_auth_members m
     join pg_catalog.pg_roles r on r.oid = m.roleid
     join pg_catalog.pg_roles u on u.oid = m.member
     left join pg_catalog.pg_roles g on g.oid = m.grantor
     where m.member >= ${FIRST_USER_OID} or m.roleid >= ${FIRST_USER_OID} or m.member = ${BOOTSTRAP_OID}
     order by r.rolname, u.rolname, g.rolname`,
  );
}

/** https://www.postgresql.org/docs/current/catalog-pg-parameter-acl.html; the owner of every parameter is the bootstrap superuser. */
async function readParameterGrants(session: Session): Promise<ParameterGrant[]> {
  if (session.versionNum < 150000) return [];
  const rows = await session.query<{ parameter: string; grants: Grant[] }>(
    `select p.parname as parameter, ${grantsExpression("p.paracl")} as grants from pg_catalog.pg_parameter_acl p order by p.parname collate "C"`,
  );
  const [bootstrap] = await session.query<{ name: string }>(`select pg_catalog.pg_get_userbyid(${BOOTSTRAP_OID}) as name`);
  return rows.flatMap(({ parameter, grants }) => grants.filter((grant) => grant.grantee !== bootstrap?.name).map((grant) => ({ ...grant, parameter })));
}

/** Those of `names` (owners and grantees of what is to be created) that are no roles of the target, in their order, each once. */
export async function missingRoles(target: Session, names: readonly string[]): Promise<string[]> {
  const wanted = [...new Set(names)].filter((name) => name !== "" && name !== "public");
  if (wanted.length === 0) return [];
  const rows = await target.query<{ name: string }>("select r.rolname as name from pg_catalog.pg_roles r where r.rolname = any($1::pg_catalog.text[])", [wanted]);
  const present = new Set(rows.map((row) => row.name));
  return wanted.filter((name) => !present.has(name));
}
