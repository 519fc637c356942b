import { sqlStateOf } from "../../errors/sql-state.ts";
import { settingSql, splitNameList } from "../../structure/setting.ts";
import { describeEndpoint } from "../../wire/endpoint.ts";
import { quoteIdentifier } from "../../wire/quote.ts";
import type { Session } from "../../wire/session.ts";
import { type Check, type CheckItem, found, passed } from "../check.ts";
import type { CheckContext } from "../context.ts";
import { settingsFix } from "../provider.ts";
import { isSameLanguage } from "../same-locale.ts";
import { movesAsDatabase } from "../scope.ts";

/** Settings by which the same statement of an application reads or writes something else. https://www.postgresql.org/docs/current/runtime-config.html */
const COMPARED = [
  "TimeZone", "DateStyle", "IntervalStyle", "lc_monetary", "lc_numeric", "lc_time", "array_nulls", "extra_float_digits", "gin_fuzzy_search_limit", "xmlbinary", "xmloption",
  "constraint_exclusion", "bytea_output", "standard_conforming_strings", "backslash_quote", "transform_null_equals", "default_text_search_config", "default_transaction_isolation", "search_path",
] as const; // prettier-ignore

interface Setting {
  readonly name: string;
  readonly value: string;
  readonly isBuiltIn: boolean;
  /** False where only what `alter role` says for our account can be seen. */
  readonly isKnown: boolean;
}

export const parameterConflict: Check = {
  id: "parameter-conflict",
  title: "Sessions behave the same on the target",
  about: `Alarm: what a session begins with differs between source and target, unless it is the built-in default of both versions: ${COMPARED.join(", ")}. What \`alter role … set\` says for Godwit's own account does not count. What \`alter database … set\` says moves with databases that move under their own names (--instance, --include database=…), and is no finding there.`,
  run: async (context) => await Promise.all(context.databases.map(async (database) => await judge(context, database))),
};

async function judge(context: CheckContext, { plan, source, target = context.target }: CheckContext["databases"][number]): Promise<CheckItem> {
  const scope = describeEndpoint(plan.source);
  const [here, there, ofSource, ofTarget] = await Promise.all([read(source), read(target), ofDatabase(source), readStored(target)]);
  // What the target says for the database, or for all roles, is stronger than ALTER SYSTEM.
  const ofDatabases = [...ofSource, ...ofTarget.filter(({ isOfAccount }) => !isOfAccount).map(({ name }) => name)];
  const moving = movesAsDatabase(context.options) ? ofSource : [];
  const different = here
    .filter(({ name }) => !moving.includes(name.toLowerCase()))
    .flatMap((ours) => {
      const theirs = there.find(({ name }) => name === ours.name);
      return theirs === undefined || !ours.isKnown || !theirs.isKnown || isSame(ours.name, ours.value, theirs.value) || (theirs.isBuiltIn && ours.isBuiltIn)
        ? []
        : [{ ours, theirs }];
    });
  const unknown = [...unknownOf(source, here), ...unknownOf(target, there)];
  if (different.length === 0) return passed(parameterConflict, scope, unknown);
  return found(parameterConflict, scope, "alarm", {
    evidence: [...different.map(({ ours, theirs }) => `${ours.name} = ${ours.value} at the source, ${theirs.value} on the target`), ...unknown],
    why: "Applications that rely on the server's setting read or write dates, numbers or texts in another way after the switch. What is moved does not depend on it.",
    ...bringFix(
      context,
      different.map(({ ours }) => ours),
      ofDatabases,
      target.endpoint.database,
    ),
    fixOn: target.endpoint,
  });
}

function unknownOf({ endpoint: { side, user } }: Session, settings: readonly Setting[]): string[] {
  const where = side === "source" ? "at the source" : "on the target";
  return settings.filter(({ isKnown }) => !isKnown).map(({ name }) => `${name}: not compared, as \`alter role\` sets it for the account ${user} ${where}`);
}

/** What one of the two says for its database, the target may say for the database, too: that asks for no superuser, and other databases do not notice. */
function bringFix({ providers }: CheckContext, settings: readonly Setting[], ofDatabases: readonly string[], database: string): ReturnType<typeof settingsFix> {
  const fix = "Set them on the target as they are at the source, or know that applications set them themselves.";
  const [own, ofServer] = [settings.filter(({ name }) => ofDatabases.includes(name.toLowerCase())), settings.filter(({ name }) => !ofDatabases.includes(name.toLowerCase()))];
  const statements = own.map((setting) => `${settingSql(`alter database ${quoteIdentifier(database)}`, setting)};`);
  if (ofServer.length === 0) return { fix, fixSql: statements.join("\n") };
  const all = [...statements, ...ofServer.map((setting) => `alter system set ${setting.name} = ${quoteSetting(setting)};`), "select pg_catalog.pg_reload_conf();"];
  return settingsFix(providers.target, fix, all.join("\n"));
}

/** Names of one time zone: images of servers have one or the other, a server without any configuration has GMT. https://www.iana.org/time-zones (file backward) */
const UTC: ReadonlySet<string> = new Set(["UTC", "Etc/UTC", "UCT", "Etc/UCT", "Universal", "Etc/Universal", "Zulu", "Etc/Zulu", "GMT", "Etc/GMT", "Greenwich"]);

/** Spelling is no difference. */
function isSame(name: string, one: string, other: string): boolean {
  if (name.startsWith("lc_")) return isSameLanguage(one, other);
  if (name === "TimeZone" && UTC.has(one) && UTC.has(other)) return true;
  if (LISTS.has(name)) return JSON.stringify(listParts(name, one)) === JSON.stringify(listParts(name, other));
  const plain = (value: string): string => (name === "default_text_search_config" ? value.replace(/^pg_catalog\./, "") : value);
  return plain(one) === plain(other);
}

/** What is set for the database itself. https://www.postgresql.org/docs/current/catalog-pg-db-role-setting.html */
async function ofDatabase(source: Session): Promise<string[]> {
  const rows = await source.query<{ name: string }>(
    `select pg_catalog.lower(pg_catalog.split_part(c, '=', 1)) as name
       from pg_catalog.pg_db_role_setting s join pg_catalog.pg_database d on d.oid = s.setdatabase, pg_catalog.unnest(s.setconfig) as c
      where d.datname = pg_catalog.current_database() and s.setrole = 0`,
  );
  return rows.map(({ name }) => name);
}

/** search_path is a list of names, DateStyle one of two words: servers show them as somebody wrote them, or as they would write them. */
const LISTS: ReadonlySet<string> = new Set(["search_path", "DateStyle"]);

/** No name at all, and an empty one, are the same for a search_path. */
function listParts(name: string, value: string): string[] {
  const names = name === "search_path" ? splitNameList(value) : undefined;
  return names?.filter((part) => part !== "") ?? value.split(",").map((part) => part.trim().toLowerCase());
}

/** The parts of a list are quoted by themselves. */
function quoteSetting({ name, value }: Setting): string {
  const parts = LISTS.has(name) ? listParts(name, value) : [value];
  return (parts.length === 0 ? [""] : parts).map((part) => `'${part.replaceAll("'", "''")}'`).join(", ");
}

/**
 * What the sessions of applications begin with, as far as it is known: `reset_val` is what this session began with (ours are set by ourselves, behind that), and where
 * `alter role` says something for our account, what others have is in the catalog and in the server's files, which not every account may read
 * (https://www.postgresql.org/docs/current/view-pg-settings.html, https://www.postgresql.org/docs/current/view-pg-file-settings.html). A command line is in none of them.
 */
async function read(session: Session): Promise<Setting[]> {
  const settings = await session.query<Setting & { builtIn: string }>(
    `select s.name, coalesce(s.reset_val, '') as value, coalesce(s.boot_val, '') as "builtIn", s.reset_val is not distinct from s.boot_val as "isBuiltIn", true as "isKnown"
       from pg_catalog.pg_settings s where s.name = any($1::pg_catalog.text[]) order by s.name`,
    [[...COMPARED]],
  );
  const stored = await readStored(session);
  const ofAccount = new Set(stored.filter(({ isOfAccount }) => isOfAccount).map(({ name }) => name));
  if (ofAccount.size === 0) return settings;
  const ofFiles = await readFiles(session);
  return await Promise.all(
    settings.map(async (setting) => {
      const key = setting.name.toLowerCase();
      if (!ofAccount.has(key)) return setting;
      const value = stored.find(({ name, isOfAccount }) => name === key && !isOfAccount)?.value ?? (ofFiles === undefined ? undefined : (ofFiles.get(key) ?? setting.builtIn));
      if (value === undefined) return { ...setting, isKnown: false };
      const spelled = await asShown(session, setting.name, value);
      return { ...setting, value: spelled, isBuiltIn: spelled === setting.builtIn };
    }),
  );
}

interface Stored {
  /** In small letters. */
  readonly name: string;
  readonly value: string;
  /** Else of the database, or, behind these, of all. */
  readonly isOfAccount: boolean;
}

/** What `alter role` and `alter database` say for a session like this one. https://www.postgresql.org/docs/current/catalog-pg-db-role-setting.html */
async function readStored(session: Session): Promise<Stored[]> {
  return await session.query<Stored & Record<string, unknown>>(
    `select pg_catalog.lower(pg_catalog.split_part(c, '=', 1)) as name, pg_catalog.substr(c, pg_catalog.strpos(c, '=') + 1) as value, s.setrole <> 0 as "isOfAccount"
       from pg_catalog.pg_db_role_setting s left join pg_catalog.pg_database d on d.oid = s.setdatabase left join pg_catalog.pg_roles r on r.oid = s.setrole, pg_catalog.unnest(s.setconfig) as c
      where (s.setdatabase = 0 or d.datname = pg_catalog.current_database()) and (s.setrole = 0 or r.rolname = session_user) order by s.setdatabase = 0`,
  );
}

/** By names in small letters; undefined where the account may not read them. */
async function readFiles(session: Session): Promise<ReadonlyMap<string, string> | undefined> {
  if (session.versionNum < 90500) return undefined;
  const [row] = await session.query<{ may: boolean }>(
    `select pg_catalog.has_table_privilege('pg_catalog.pg_file_settings', 'select') and pg_catalog.has_function_privilege('pg_catalog.pg_show_all_file_settings()', 'execute') as may`,
  );
  if (row?.may !== true) return undefined;
  // The last of them counts.
  const rows = await session.query<{ name: string; value: string }>(
    "select pg_catalog.lower(f.name) as name, f.setting as value from pg_catalog.pg_file_settings f where f.applied order by f.seqno",
  );
  return new Map(rows.map(({ name, value }) => [name, value]));
}

/** A value as the server shows it, however it was written: for the time of this statement it is set. */
async function asShown(session: Session, name: string, value: string): Promise<string> {
  try {
    const [row] = await session.query<{ value: string }>("select pg_catalog.set_config($1, $2, true) as value", [name, value]);
    return row?.value ?? value;
  } catch (error) {
    if (sqlStateOf(error) === "") throw error;
    return value;
  }
}
