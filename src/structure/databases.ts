import { type Grant, grantStatements, grantsExpression } from "../catalog/acl.ts";
import { majorOf, type Session } from "../wire/session.ts";
import { quoteIdentifier, quoteLiteral } from "../wire/quote.ts";
import { inTransaction } from "../wire/transaction.ts";
import { attemptAll } from "./attempt.ts";
import { mapTablespaceSettings } from "./map-tablespaces.ts";
import { missingRoles } from "./read-roles.ts";
import { type Setting, settingNote, settingSql, settingsExpression } from "./setting.ts";

/** A database as the instance sees it: what CREATE DATABASE and ALTER DATABASE say (https://www.postgresql.org/docs/current/catalog-pg-database.html). */
export interface InstanceDatabase {
  readonly name: string;
  readonly owner: string;
  readonly encoding: string;
  readonly collate: string;
  readonly ctype: string;
  readonly localeProvider: "libc" | "icu" | "builtin";
  /** The locale of ICU or the built-in provider; null with libc. */
  readonly locale: string | null;
  readonly icuRules: string | null;
  /** -1: no limit. */
  readonly connectionLimit: number;
  readonly isTemplate: boolean;
  readonly tablespace: string;
  /** null: the built-in defaults. */
  readonly grants: readonly Grant[] | null;
  readonly comment: string | null;
  /** `ALTER DATABASE … SET` (role null) and `ALTER ROLE … IN DATABASE … SET`. */
  readonly settings: readonly (Setting & { readonly role: string | null })[];
}

/**
 * The databases of a server that people can connect to, by name: without template0, template1 and those whose creation or removal broke off.
 * `postgres` is among them: the caller decides whether there is anything in it.
 */
export async function readDatabases(session: Session): Promise<InstanceDatabase[]> {
  const { versionNum } = session;
  const provider = versionNum >= 150000 ? "case d.datlocprovider when 'i' then 'icu' when 'b' then 'builtin' else 'libc' end" : "'libc'";
  const locale = versionNum >= 170000 ? "d.datlocale" : versionNum >= 150000 ? "d.daticulocale" : "null";
  const rows = await session.query<Omit<InstanceDatabase, "settings"> & { settings: { role: string | null; settings: Setting[] }[] }>(
    `select d.datname as name, pg_catalog.pg_get_userbyid(d.datdba) as owner, pg_catalog.pg_encoding_to_char(d.encoding) as encoding, d.datcollate as collate, d.datctype as ctype,
       ${provider} as "localeProvider", ${locale} as locale, ${versionNum >= 160000 ? "d.daticurules" : "null"} as "icuRules", d.datconnlimit as "connectionLimit",
       d.datistemplate as "isTemplate", t.spcname as tablespace, ${grantsExpression("d.datacl")} as grants, pg_catalog.shobj_description(d.oid, 'pg_database') as comment,
       coalesce((select pg_catalog.json_agg(pg_catalog.json_build_object('role', r.rolname, 'settings', ${settingsExpression("s.setconfig")}) order by r.rolname nulls first)
         from pg_catalog.pg_db_role_setting s left join pg_catalog.pg_roles r on r.oid = s.setrole where s.setdatabase = d.oid), '[]') as settings
     from pg_catalog.pg_database d
     join pg_catalog.pg_tablespace t on t.oid = d.dattablespace
     where d.datallowconn and d.datname not in ('template0', 'template1') and d.datconnlimit <> -2
     order by d.datname`,
  );
  return rows.map((row) => ({ ...row, settings: row.settings.flatMap(({ role, settings }) => settings.map((setting) => ({ role, ...setting }))) }));
}

/** The databases that `readDatabases` leaves out because nobody can connect to them (`ALLOW_CONNECTIONS false`), by name; template0 is made so. */
export async function readClosedDatabases(session: Session): Promise<string[]> {
  const rows = await session.query<{ name: string }>(
    "select d.datname as name from pg_catalog.pg_database d where not d.datallowconn and d.datname not in ('template0', 'template1') order by d.datname",
  );
  return rows.map(({ name }) => name);
}

/** Those of these databases that the session's account may not connect to, by name; a superuser may always. */
export async function databasesWithoutConnect(session: Session, names: readonly string[]): Promise<string[]> {
  const rows = await session.query<{ name: string }>(
    "select d.datname as name from pg_catalog.pg_database d where d.datname = any($1::pg_catalog.text[]) and not pg_catalog.has_database_privilege(d.oid, 'connect') order by d.datname",
    [names],
  );
  return rows.map(({ name }) => name);
}

export interface InstanceTablespace {
  readonly name: string;
  readonly owner: string;
  /** "" for the two that every server has, which are not listed, and where the server hides it. */
  readonly location: string;
  readonly comment: string | null;
}

/** The tablespaces that people made, by name. They are directories: the operator makes those of the target, and maps them. */
export async function readTablespaces(session: Session): Promise<InstanceTablespace[]> {
  return await session.query<InstanceTablespace>(
    `select t.spcname as name, pg_catalog.pg_get_userbyid(t.spcowner) as owner, pg_catalog.pg_tablespace_location(t.oid) as location,
       pg_catalog.shobj_description(t.oid, 'pg_tablespace') as comment
     from pg_catalog.pg_tablespace t where t.spcname not in ('pg_default', 'pg_global') order by t.spcname`,
  );
}

export type CreateDatabase =
  | { readonly sql: string; readonly notes: readonly string[]; readonly problem?: never }
  /** The target's version has no such locale provider: a sentence for the operator. */
  | { readonly problem: string; readonly sql?: never; readonly notes?: never };

/**
 * The CREATE DATABASE for a target's version. Limit, template flag, owner, rights and settings are left for `applyDatabaseProperties`: they would
 * stand in the way of filling the database.
 */
export function createDatabaseSql(database: InstanceDatabase, targetVersionNum: number, tablespaceMap: Readonly<Record<string, string>>): CreateDatabase {
  const locale = localeClauses(database, targetVersionNum);
  if (locale.problem !== undefined) return { problem: `database ${database.name}: ${locale.problem} Create it on the target by hand, with a locale that suits it.` };
  const clauses = ["template template0", `encoding ${quoteLiteral(database.encoding)}`, ...locale.clauses];
  const notes = [...locale.notes];
  const tablespace = Object.hasOwn(tablespaceMap, database.tablespace) ? tablespaceMap[database.tablespace] : undefined;
  if (tablespace !== undefined) clauses.push(`tablespace ${quoteIdentifier(tablespace)}`);
  else if (database.tablespace !== "pg_default") notes.push(`database ${database.name}: tablespace ${database.tablespace} is not mapped; created in the target's default.`);
  return { sql: `create database ${quoteIdentifier(database.name)} ${clauses.join(" ")}`, notes };
}

type Locale = { readonly clauses: readonly string[]; readonly notes: readonly string[]; readonly problem?: never } | { readonly problem: string };

/** Providers: libc always; ICU from 15, its rules from 16; built-in from 17 (https://www.postgresql.org/docs/current/locale.html#LOCALE-PROVIDERS). */
function localeClauses(database: InstanceDatabase, targetVersionNum: number): Locale {
  if (database.localeProvider === "icu") return icuClauses(database, targetVersionNum);
  if (database.localeProvider === "builtin") return builtinClauses(database, targetVersionNum);
  return { clauses: libcClauses(database.collate, database.ctype, targetVersionNum), notes: [] };
}

/** The provider is said from 15 on: the target's template0 may use another one. */
function libcClauses(collate: string, ctype: string, targetVersionNum: number): string[] {
  const provider = targetVersionNum >= 150000 ? ["locale_provider libc"] : [];
  return [...provider, `lc_collate ${quoteLiteral(collate)}`, `lc_ctype ${quoteLiteral(ctype)}`];
}

function icuClauses({ collate, ctype, locale, icuRules }: InstanceDatabase, targetVersionNum: number): Locale {
  if (targetVersionNum < 150000) return { problem: `its default collation is ICU's ${locale}, which a database of PostgreSQL ${majorOf(targetVersionNum)} cannot have (15 can).` };
  if (icuRules !== null && targetVersionNum < 160000) return { problem: "its ICU collation has rules of its own, which a database of PostgreSQL 15 cannot have (16 can)." };
  const clauses = ["locale_provider icu", `icu_locale ${quoteLiteral(locale ?? "")}`, `lc_collate ${quoteLiteral(collate)}`, `lc_ctype ${quoteLiteral(ctype)}`];
  return { clauses: icuRules === null ? clauses : [...clauses, `icu_rules ${quoteLiteral(icuRules)}`], notes: [] };
}

function builtinClauses({ name, collate, ctype, locale }: InstanceDatabase, targetVersionNum: number): Locale {
  // The built-in C orders and compares as libc's; the other built-in locales also decide upper and lower case.
  if (locale === "C" && targetVersionNum < 170000) {
    return { clauses: libcClauses("C", "C", targetVersionNum), notes: [`database ${name}: the built-in locale C became libc's C, which is the same.`] };
  }
  const since = locale === "PG_UNICODE_FAST" ? 18 : 17;
  if (majorOf(targetVersionNum) < since) return { problem: `its built-in locale ${locale} is not known to PostgreSQL ${majorOf(targetVersionNum)} (${since} knows it).` };
  return {
    clauses: ["locale_provider builtin", `builtin_locale ${quoteLiteral(locale ?? "")}`, `lc_collate ${quoteLiteral(collate)}`, `lc_ctype ${quoteLiteral(ctype)}`],
    notes: [],
  };
}

/** What PUBLIC may do where nobody said anything: https://www.postgresql.org/docs/current/ddl-priv.html */
const BUILT_IN: readonly Grant[] = ["CONNECT", "TEMPORARY"].map((privilege) => ({ grantee: "", grantor: "", privilege, grantable: false }));

/** The statements that would give one database the rights of another. Owners may do everything; what others may besides on the target is its operator's. */
export function databaseRightsMissing(from: InstanceDatabase, into: InstanceDatabase): string[] {
  if (from.grants === null) return [];
  const wanted = from.grants;
  const present = into.grants ?? BUILT_IN;
  const isAmong = (grants: readonly Grant[], { grantee, privilege, grantable }: Grant): boolean =>
    grants.some((grant) => grant.grantee === grantee && grant.privilege === privilege && (grant.grantable || !grantable));
  const object = `database ${quoteIdentifier(into.name)}`;
  const revoked = BUILT_IN.filter((grant) => isAmong(present, grant) && !isAmong(wanted, grant)).map(({ privilege }) => `revoke ${privilege} on ${object} from public`);
  const lacking = wanted.filter((grant) => grant.grantee !== from.owner && grant.grantee !== into.owner && !isAmong(present, grant));
  return [...revoked, ...grantStatements({ object, owner: undefined, revokeFrom: [] }, lacking)];
}

export interface PropertyOptions {
  readonly owner: boolean;
  readonly privileges: boolean;
  /** The target's tablespaces for those of the source that settings name. */
  readonly tablespaceMap?: Readonly<Record<string, string>>;
}

/**
 * Gives a filled database its owner, comment, rights, settings, connection limit and template flag; in one transaction, over a session in
 * any database of the target. Returns notes about settings that the target does not know. Throws `privilege-missing` when the account may not.
 */
export async function applyDatabaseProperties(target: Session, database: InstanceDatabase, options: PropertyOptions): Promise<string[]> {
  const name = quoteIdentifier(database.name);
  const roles = database.settings.flatMap(({ role }) => (role === null ? [] : [role]));
  const missing = new Set(await missingRoles(target, roles));
  const notes = [...missing].map((role) => `database ${database.name}: settings of role ${role} left out, the target has no such role.`);
  const whose = ({ role }: { readonly role: string | null }): string => `database ${database.name}${role === null ? "" : `, role ${role}`}`;
  const kept = database.settings.filter(({ role }) => role === null || !missing.has(role));
  const mapped = mapTablespaceSettings(kept, options.tablespaceMap ?? {}, whose);
  notes.push(...mapped.notes);
  const settings = mapped.settings.map((setting) => {
    const subject = setting.role === null ? `alter database ${name}` : `alter role ${quoteIdentifier(setting.role)} in database ${name}`;
    return { sql: settingSql(subject, setting), what: `${whose(setting)}: setting ${setting.name}` };
  });
  await inTransaction(target, async () => {
    if (database.comment !== null) await target.query(`comment on database ${name} is ${quoteLiteral(database.comment)}`);
    for (const refusal of await attemptAll(target, settings)) notes.push(settingNote(refusal));
    if (database.connectionLimit !== -1) await target.query(`alter database ${name} connection limit ${database.connectionLimit}`);
    if (database.isTemplate) await target.query(`alter database ${name} is_template true`);
    // The owner comes last but for the rights, which it grants: an account that is no superuser loses its own say with it.
    if (options.owner) await target.query(`alter database ${name} owner to ${quoteIdentifier(database.owner)}`);
    if (options.privileges && database.grants !== null) {
      const owner = options.owner ? database.owner : undefined;
      const statements = grantStatements({ object: `database ${name}`, owner, revokeFrom: owner === undefined ? [""] : ["", owner] }, database.grants);
      if (statements.length > 0) await target.query(statements.join(";\n"));
    }
  });
  return notes;
}
