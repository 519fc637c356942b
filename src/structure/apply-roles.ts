import { grantStatements } from "../catalog/acl.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import { describeEndpoint } from "../wire/endpoint.ts";
import { quoteIdentifier, quoteLiteral } from "../wire/quote.ts";
import { inTransaction } from "../wire/transaction.ts";
import type { Session } from "../wire/session.ts";
import { type Attempt, attemptAll, refusalNote } from "./attempt.ts";
import { grantMemberships, judgeMemberships } from "./grant-memberships.ts";
import { mapTablespaceSettings } from "./map-tablespaces.ts";
import { type RoleFacts, missingRoles } from "./read-roles.ts";
import { settingNote, settingSql } from "./setting.ts";
import { applySettingsOfAll } from "./settings-of-all.ts";

export interface ApplyRolesOptions {
  /**
   * Make the account a member of every role it creates, where it is no superuser: without that it could not give objects to them.
   * https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-CREATEROLE-SELF-GRANT
   */
  readonly joinCreated: boolean;
  /** The target's tablespaces for those of the source that settings name. */
  readonly tablespaceMap?: Readonly<Record<string, string>>;
}

export interface AppliedRoles {
  readonly created: string[];
  /** Roles of this name were there before: left as they are. Without the bootstrap superuser. */
  readonly existing: string[];
  /** Created NOLOGIN although they may log in at the source: their password could not be read. */
  readonly withoutLogin: string[];
  /** What the target cannot hold or this account may not give, one sentence each. */
  readonly notes: string[];
}

/** What the connected account may give to others. */
interface Rights {
  readonly account: string;
  readonly superuser: boolean;
  readonly createDatabase: boolean;
  readonly replication: boolean;
  readonly bypassRls: boolean;
}

/**
 * Creates the roles that the target lacks, with attributes, password hashes, comments, settings, memberships and rights on
 * parameters, and the settings of all roles, in one transaction. A role that exists is left as it is; it only becomes a member of roles that
 * are new.
 * Throws `privilege-missing` when the account may not create roles.
 */
export async function applyRoles(target: Session, roles: readonly RoleFacts[], options: ApplyRolesOptions): Promise<AppliedRoles> {
  const rights = await readRights(target);
  const missing = new Set(
    await missingRoles(
      target,
      roles.map((role) => role.name),
    ),
  );
  const notes: string[] = [];
  const created = roles.filter((role) => missing.has(role.name) && !isReserved(role, notes));
  const withoutLogin = created.filter((role) => role.login && role.password === undefined).map((role) => role.name);
  await inTransaction(target, async () => {
    await keepOutOfTheLog(target, notes);
    await createAll(target, { roles, created, rights }, options, notes);
  });
  for (const name of withoutLogin) notes.push(`role ${name}: created NOLOGIN, its password could not be read; at the source it may log in (LOGIN).`);
  const md5 = created.filter((role) => role.password?.startsWith("md5") === true);
  if (md5.length > 0 && (await prefersScram(target))) {
    for (const { name } of md5) {
      notes.push(
        `role ${name}: its password is an md5 hash: it opens the target only where pg_hba.conf says md5, not scram-sha-256, and later versions not at all; set the password anew.`,
      );
    }
  }
  const existing = roles.filter((role) => !missing.has(role.name) && !role.isBootstrap).map((role) => role.name);
  return { created: created.map((role) => role.name), existing, withoutLogin, notes };
}

/** What `applyRoles` would note of what the target does not hold or let the account give; nothing stays. No password is sent. Without what `judgeMemberships` tells. Throws as it does. */
export async function rehearseRoles(target: Session, roles: readonly RoleFacts[], options: ApplyRolesOptions): Promise<string[]> {
  const rights = await readRights(target);
  const missing = new Set(
    await missingRoles(
      target,
      roles.map((role) => role.name),
    ),
  );
  const created = roles.filter(({ name }) => missing.has(name) && !name.startsWith(RESERVED)).map((role) => ({ ...role, password: undefined }));
  const { changes } = await judgeMemberships(target, roles, new Set(created.map(({ name }) => name)));
  const notes: string[] = [];
  await target.query("begin");
  try {
    await createAll(target, { roles, created, rights }, options, notes);
  } finally {
    await target.query("rollback").catch(() => undefined); // a lost connection has rolled back by itself
  }
  return notes.filter((note) => !changes.includes(note));
}

interface RolesToCreate {
  readonly roles: readonly RoleFacts[];
  readonly created: readonly RoleFacts[];
  readonly rights: Rights;
}

async function createAll(target: Session, { roles, created, rights }: RolesToCreate, options: ApplyRolesOptions, notes: string[]): Promise<void> {
  if (!rights.superuser && options.joinCreated && target.versionNum >= 160000) await target.query("set local createrole_self_grant = 'set, inherit'");
  for (const role of created) await createRole(target, role, rights, notes);
  if (!rights.superuser && options.joinCreated && target.versionNum < 160000) notes.push(...(await joinRoles(target, created, rights)));
  const settings = created.flatMap((role) => settingAttempts(role, options.tablespaceMap ?? {}, notes));
  for (const refusal of await attemptAll(target, settings)) notes.push(settingNote(refusal));
  for (const refusal of await attemptAll(target, created.flatMap(commentAttempts))) notes.push(refusalNote(refusal));
  notes.push(...(await grantMemberships(target, roles, new Set(created.map((role) => role.name)), rights.superuser)));
  notes.push(...(await grantParameters(target, roles, created)));
  notes.push(...(await applySettingsOfAll(target, roles.find((role) => role.isBootstrap)?.settingsOfAll ?? [], options.tablespaceMap ?? {})));
}

/** Who hashes new passwords by SCRAM (the default since 14) mostly asks for SCRAM too; 18 warns of md5. https://www.postgresql.org/docs/current/auth-password.html */
async function prefersScram(target: Session): Promise<boolean> {
  const [row] = await target.query<{ encryption: string }>("select pg_catalog.current_setting('password_encryption') as encryption");
  return target.versionNum >= 180000 || row?.encryption === "scram-sha-256";
}

async function readRights(target: Session): Promise<Rights> {
  const [row] = await target.query<Rights & { createRole: boolean }>(
    `select r.rolname as account, r.rolsuper as superuser, r.rolcreaterole as "createRole", r.rolcreatedb as "createDatabase", r.rolreplication as replication,
       r.rolbypassrls as "bypassRls"
     from pg_catalog.pg_roles r where r.rolname = current_user`,
  );
  if (row === undefined || !(row.superuser || row.createRole)) {
    throw new GodwitError("privilege-missing", `${describeEndpoint(target.endpoint)}: the account may not create roles`, {
      advice: `Give it the right on the target: alter role ${quoteIdentifier(target.endpoint.user)} createrole. Or create the roles by hand first.`,
    });
  }
  return row;
}

const RESERVED = "pg_";

/** Before version 9.6 people could make roles with the prefix that is now the server's own. */
function isReserved(role: RoleFacts, notes: string[]): boolean {
  if (!role.name.startsWith(RESERVED)) return false;
  notes.push(`role ${role.name}: not created, the prefix "pg_" is reserved since PostgreSQL 9.6; rename it at the source.`);
  return true;
}

/**
 * A CREATE ROLE with a hash would stand in the server's log where it logs statements. An account that may not switch that off gets a note.
 * These settings must arrive in a message of their own, before the one that they are to silence.
 */
async function keepOutOfTheLog(target: Session, notes: string[]): Promise<void> {
  const settings = ["log_statement = 'none'", "log_min_duration_statement = -1", "log_min_error_statement = 'panic'", "pg_stat_statements.track = 'none'"];
  if (target.versionNum >= 120000) settings.push("log_transaction_sample_rate = 0");
  if (target.versionNum >= 130000) settings.push("log_min_duration_sample = -1");
  const refused = await attemptAll(
    target,
    settings.map((setting) => ({ sql: `set local ${setting}`, what: setting })),
  );
  const [row] = await target.query<{ logs: boolean }>(
    "select pg_catalog.current_setting('log_statement') <> 'none' or pg_catalog.current_setting('log_min_duration_statement') <> '-1' as logs",
  );
  if (refused.length > 0 && row?.logs === true) {
    notes.push(
      "the target logs statements and this account may not switch that off (log_statement, log_min_duration_statement): its log may hold the password hashes of the new roles.",
    );
  }
}

/** One statement per role that names only what it has: a plain account may not even say NOSUPERUSER. */
async function createRole(target: Session, role: RoleFacts, rights: Rights, notes: string[]): Promise<void> {
  // From version 16 on an account gives what it has itself; before, these attributes were for superusers to give.
  // https://www.postgresql.org/docs/current/sql-createrole.html
  const gives = (own: boolean): boolean => rights.superuser || (target.versionNum >= 160000 && own);
  const asked: readonly (readonly [has: boolean, word: string, may: boolean])[] = [
    [role.superuser, "superuser", rights.superuser],
    [role.createDatabase, "createdb", target.versionNum < 160000 || gives(rights.createDatabase)],
    [role.createRole, "createrole", true],
    [role.replication, "replication", gives(rights.replication)],
    [role.bypassRls, "bypassrls", gives(rights.bypassRls)],
    [!role.inherit, "noinherit", true],
    [role.login && role.password !== undefined, "login", true],
  ];
  const words = asked.filter(([has, , may]) => has && may).map(([, word]) => word);
  for (const [, word] of asked.filter(([has, , may]) => has && !may)) {
    notes.push(`role ${role.name}: created without ${word.toUpperCase()}, which the account "${rights.account}" may not give.`);
  }
  if (role.connectionLimit !== -1) words.push(`connection limit ${role.connectionLimit}`);
  if (role.validUntil !== null) words.push(`valid until ${quoteLiteral(role.validUntil)}`);
  if (typeof role.password === "string") words.push(`password ${quoteLiteral(role.password)}`);
  await target.query(`create role ${quoteIdentifier(role.name)} ${words.join(" ")}`);
}

/** Before version 16 an account with CREATEROLE may put itself into any role that is no superuser. */
async function joinRoles(target: Session, created: readonly RoleFacts[], rights: Rights): Promise<string[]> {
  const attempts = created.map((role) => ({
    sql: `grant ${quoteIdentifier(role.name)} to ${quoteIdentifier(rights.account)}`,
    what: `role ${role.name}: membership of ${rights.account}`,
  }));
  return (await attemptAll(target, attempts)).map(refusalNote);
}

function settingAttempts(role: RoleFacts, tablespaceMap: Readonly<Record<string, string>>, notes: string[]): Attempt[] {
  const mapped = mapTablespaceSettings(role.settings, tablespaceMap, () => `role ${role.name}`);
  notes.push(...mapped.notes);
  return mapped.settings.map((setting) => ({ sql: settingSql(`alter role ${quoteIdentifier(role.name)}`, setting), what: `role ${role.name}: setting ${setting.name}` }));
}

function commentAttempts(role: RoleFacts): Attempt[] {
  return role.comment === null ? [] : [{ sql: `comment on role ${quoteIdentifier(role.name)} is ${quoteLiteral(role.comment)}`, what: `role ${role.name}: comment` }];
}

/** GRANT SET ON PARAMETER: to the new roles, and to PUBLIC. (https://www.postgresql.org/docs/current/sql-grant.html) */
async function grantParameters(target: Session, roles: readonly RoleFacts[], created: readonly RoleFacts[]): Promise<string[]> {
  const grantees = new Set([...created, ...roles.filter((role) => role.isBootstrap)]);
  const grants = [...grantees].flatMap((role) => role.parameterGrants);
  if (target.versionNum < 150000)
    return grants.map((grant) => `role ${grant.grantee || "PUBLIC"}: right ${grant.privilege} on ${grant.parameter} left out, the target has no rights on parameters.`);
  const bootstrap = roles.find((role) => role.isBootstrap)?.name;
  const attempts = grants.map((grant) => {
    const statements = grantStatements({ object: `parameter ${quoteIdentifier(grant.parameter)}`, owner: bootstrap, revokeFrom: [] }, [grant]);
    return { sql: statements.join(";\n"), what: `role ${grant.grantee || "PUBLIC"}: right ${grant.privilege} on ${grant.parameter}` };
  });
  return (await attemptAll(target, attempts)).map(refusalNote);
}
