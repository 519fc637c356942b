import type { ExtensionFacts } from "../../catalog/catalog.ts";
import { GodwitError } from "../../errors/godwit-error.ts";
import { followsChanges } from "../../plan/migration-type.ts";
import { argumentFor } from "../../plan/object-pattern.ts";
import { sqlStateOf } from "../../errors/sql-state.ts";
import { describeEndpoint } from "../../wire/endpoint.ts";
import { quoteIdentifier } from "../../wire/quote.ts";
import type { Session } from "../../wire/session.ts";
import { type Check, type CheckItem, found, listed, passed } from "../check.ts";
import type { CheckContext, DatabaseToCheck } from "../context.ts";
import { databaseScope } from "../scope.ts";

/** Extensions come with CREATE EXTENSION, in the target's own version: its files must be there, and the account must be allowed to. */
export const extensions: Check = {
  id: "extensions",
  title: "Extensions are available on the target",
  about:
    "Failed: an extension whose files the target does not have or cannot read, or that the account may not create; for full+incremental, extensions that keep rows of tables in a way of their own (timescaledb, citus, pipelinedb), which is an alarm for the other types. Alarm: only an older version is there, or is installed in the target database, whose extension stays as it is; or it is installed there in another schema.",
  appliesTo: ({ databases }) => databases.some(({ plan }) => plan.entries.some((entry) => entry.type === "EXTENSION")),
  run: async (context) => (await Promise.all(context.databases.map(async (database) => await judge(database, context)))).flat(),
};

interface Available {
  readonly name: string;
  /** "" when nothing tells. */
  readonly defaultVersion: string;
  readonly versions: readonly string[];
  /** That of the target database, where it is there already: nobody updates it. */
  readonly installed: string | null;
  /** Any account with CREATE on the database may create it. */
  readonly anybody: boolean;
  /** What the server says of files that it cannot read. */
  readonly unreadable?: string;
}

/** Their tables are not what they seem, so neither COPY of each table nor a stream of its changes brings all that belongs to them. */
const OWN_STORAGE: Readonly<Record<string, string>> = {
  // https://docs.timescale.com/self-hosted/latest/backup-and-restore/logical-backup/
  timescaledb: "hypertables are filled through its own catalog, and restored between timescaledb_pre_restore() and timescaledb_post_restore()",
  // https://docs.citusdata.com/en/stable/get_started/concepts.html
  citus: "rows of distributed tables lie on the workers, and not on this server",
  // https://github.com/pipelinedb/pipelinedb
  pipelinedb: "streams and continuous views belong to its own processes",
};

async function judge(database: DatabaseToCheck, { target: server, account, options }: CheckContext): Promise<CheckItem[]> {
  const { plan, target } = database;
  const scope = databaseScope(plan);
  const names = new Set(plan.entries.filter((entry) => entry.type === "EXTENSION").map((entry) => entry.name));
  if (names.size === 0) return [];
  const wanted = plan.catalog.extensions.filter(({ name }) => names.has(name));
  const there = new Map((await readAvailable(target ?? server, target !== undefined, wanted)).map((extension) => [extension.name, extension]));
  const items: CheckItem[] = [];
  const special = wanted.filter(({ name }) => Object.hasOwn(OWN_STORAGE, name));
  if (special.length > 0) {
    items.push(
      found(extensions, scope, followsChanges(options.type) ? "failed" : "alarm", {
        evidence: special.map(({ name, version }) => `extension ${name} ${version}: ${OWN_STORAGE[name]}`),
        why: "Tables are moved one by one, and their changes from the WAL of this server: rows that such an extension keeps elsewhere, or fills by itself, may be missing or come twice.",
        fix: `Move these tables by the extension's own means. Without them: ${special.map(({ name }) => `--exclude ${argumentFor("extension", name)}`).join(" ")}, and exclude its tables, too.`,
      }),
    );
  }
  const missing = wanted.filter(({ name }) => !there.has(name));
  if (missing.length > 0) {
    items.push(
      found(extensions, scope, "failed", {
        evidence: listed(missing.map(({ name, version }) => `extension ${name} (${version} at the source) is not available on the target`)),
        why: `${describeEndpoint(server.endpoint)} has no files of these extensions.`,
        fix: `Install them on the target's machine (or choose a service that offers them), or leave them out: ${missing.map(({ name }) => `--exclude ${argumentFor("extension", name)}`).join(" ")}.`,
      }),
    );
  }
  const unreadable = wanted.filter(({ name }) => there.get(name)?.unreadable !== undefined);
  if (unreadable.length > 0) {
    items.push(
      found(extensions, scope, "failed", {
        evidence: listed(unreadable.map(({ name }) => `extension ${name}: ${there.get(name)?.unreadable}`)),
        why: `${describeEndpoint(server.endpoint)} cannot read the files of these extensions.`,
        fix: `Mend the files on the target's machine, or leave the extensions out: ${unreadable.map(({ name }) => `--exclude ${argumentFor("extension", name)}`).join(" ")}.`,
      }),
    );
  }
  const refused = wanted.filter(({ name }) => {
    const extension = there.get(name);
    return (
      extension !== undefined &&
      extension.unreadable === undefined &&
      extension.installed === null &&
      !extension.anybody &&
      !account.superuser &&
      account.providerAdmin === undefined
    );
  });
  if (refused.length > 0) {
    const inOrder = await withRequired(refused, database);
    items.push(
      found(extensions, scope, "failed", {
        evidence: listed(refused.map(({ name }) => `extension ${name} needs a superuser to be created`)),
        why: `The account ${account.name} is no superuser.`,
        fix: "Let a superuser create them in the target database first, or write with a superuser.",
        fixSql: inOrder.map(({ name, schema }) => creation(name, schema, account.name)).join("\n"),
        ...(target === undefined ? {} : { fixOn: plan.target }),
      }),
    );
  }
  const older = wanted.filter(({ name, version }) => {
    const extension = there.get(name);
    return extension?.installed === null && extension.defaultVersion !== "" && !extension.versions.includes(version) && isOlder(extension.defaultVersion, version);
  });
  if (older.length > 0) {
    items.push(
      found(extensions, scope, "alarm", {
        evidence: listed(older.map(({ name, version }) => `extension ${name}: ${version} at the source, ${there.get(name)?.defaultVersion} on the target`)),
        why: OLDER,
        fix: "Install newer versions on the target, or accept the alarm when nothing uses what is new.",
      }),
    );
  }
  items.push(...judgeInstalled(database, there, wanted), ...(target === undefined ? [] : await judgePlaces(database, target, wanted, account.name)));
  return items.length > 0
    ? items
    : [
        passed(
          extensions,
          scope,
          listed(wanted.map(({ name, version }) => `${name}: ${version} → ${there.get(name)?.installed ?? (there.get(name)?.defaultVersion || "unknown")}`)),
        ),
      ];
}

const OLDER = "The target's versions are older: functions or types that objects use may be missing there.";

/** What is there already is taken as it is: CREATE EXTENSION IF NOT EXISTS updates nothing. https://www.postgresql.org/docs/current/sql-alterextension.html */
function judgeInstalled({ plan }: DatabaseToCheck, there: ReadonlyMap<string, Available>, wanted: readonly ExtensionFacts[]): CheckItem[] {
  const older = wanted.flatMap(({ name, version }) => {
    const extension = there.get(name);
    const installed = extension?.installed ?? version;
    return extension !== undefined && isOlder(installed, version) ? [{ ...extension, installed, version }] : [];
  });
  if (older.length === 0) return [];
  const isThere = ({ defaultVersion, version }: (typeof older)[number]): boolean => defaultVersion !== "" && !isOlder(defaultVersion, version);
  return [
    found(extensions, databaseScope(plan), "alarm", {
      evidence: listed(older.map(({ name, version, installed }) => `extension ${name}: ${version} at the source, ${installed} installed on the target`)),
      why: OLDER,
      fix: `Update them in the target database${older.every(isThere) ? "" : ", after newer versions were installed on its machine where there are none"}; or accept the alarm when nothing uses what is new.`,
      fixSql:
        older
          .filter(isThere)
          .map(({ name }) => `alter extension ${quoteIdentifier(name)} update;`)
          .join("\n") || undefined,
      fixOn: plan.target,
    }),
  ];
}

/** What functions' bodies name with its schema, or find by search_path, is elsewhere then. https://www.postgresql.org/docs/current/sql-alterextension.html */
async function judgePlaces({ plan }: DatabaseToCheck, target: Session, wanted: readonly ExtensionFacts[], account: string): Promise<CheckItem[]> {
  const installed = await target.query<{ name: string; schema: string; isRelocatable: boolean }>(
    `select e.extname as name, n.nspname as schema, e.extrelocatable as "isRelocatable" from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace
      where e.extname = any($1::pg_catalog.name[])`,
    [wanted.map(({ name }) => name)],
  );
  const elsewhere = wanted.flatMap(({ name, schema }) => installed.filter((one) => one.name === name && one.schema !== schema).map((one) => ({ ...one, at: schema })));
  if (elsewhere.length === 0) return [];
  return [
    found(extensions, databaseScope(plan), "alarm", {
      evidence: listed(elsewhere.map(({ name, schema, at }) => `extension ${name}: in schema ${at} at the source, in ${schema} on the target`)),
      why: "Bodies of functions are plain text: those that name what is the extension's with its schema, or rely on search_path, do not find it on the target when they are called.",
      fix: "Move them to the schema that they have at the source (where nothing on the target relies on the other one; what cannot be moved is dropped and created anew), or accept the alarm when no function names what is theirs.",
      fixSql:
        elsewhere
          .filter(({ isRelocatable }) => isRelocatable)
          .flatMap(({ name, at }) => [...schemaFor(at, account), `alter extension ${quoteIdentifier(name)} set schema ${quoteIdentifier(at)};`])
          .join("\n") || undefined,
      fixOn: plan.target,
    }),
  ];
}

type ToCreate = Pick<ExtensionFacts, "name" | "schema">;

/** These, each after what it requires and the target database does not have: also what the migration itself could create, which is later than this SQL. */
async function withRequired(refused: readonly ToCreate[], { plan, source, target }: DatabaseToCheck): Promise<ToCreate[]> {
  // A new database has what its template has.
  const installed = target === undefined ? [{ name: "plpgsql" }] : await target.query<{ name: string }>("select e.extname as name from pg_catalog.pg_extension e");
  const visited = new Set(installed.map(({ name }) => name));
  const required = await readRequired(source);
  const inOrder: ToCreate[] = [];
  const add = (extension: ToCreate): void => {
    if (visited.has(extension.name)) return;
    visited.add(extension.name);
    const names = required.filter(({ name }) => name === extension.name).map(({ requires }) => requires);
    for (const needed of plan.catalog.extensions.filter(({ name }) => names.includes(name))) add(needed);
    inOrder.push(extension);
  };
  for (const extension of refused) add(extension);
  return inOrder;
}

/** As CREATE EXTENSION wrote it down at the source: control files may be unreadable. https://www.postgresql.org/docs/current/catalog-pg-depend.html */
async function readRequired(source: Session): Promise<{ name: string; requires: string }[]> {
  return await source.query<{ name: string; requires: string }>(
    `select e.extname as name, r.extname as requires from pg_catalog.pg_depend d join pg_catalog.pg_extension e on e.oid = d.objid join pg_catalog.pg_extension r on r.oid = d.refobjid
      where d.classid = 'pg_catalog.pg_extension'::pg_catalog.regclass and d.refclassid = d.classid order by 1, 2`,
  );
}

/** Its schema moves, too, and is given to its owner then: so it belongs to the account that does that. */
function creation(name: string, schema: string, account: string): string {
  return [...schemaFor(schema, account), `create extension ${quoteIdentifier(name)} schema ${quoteIdentifier(schema)};`].join("\n");
}

function schemaFor(schema: string, account: string): string[] {
  const isThere = schema === "public" || schema === "pg_catalog";
  return isThere ? [] : [`create schema if not exists ${quoteIdentifier(schema)} authorization ${quoteIdentifier(account)};`];
}

/** https://www.postgresql.org/docs/current/view-pg-available-extension-versions.html; trusted extensions exist from 13 on. */
async function readAvailable(target: Session, isTheDatabase: boolean, wanted: readonly ExtensionFacts[]): Promise<Available[]> {
  const mayCreate = isTheDatabase ? "pg_catalog.has_database_privilege(pg_catalog.current_database(), 'create')" : "true";
  const anybody = `v.version = e.default_version and ${mayCreate} and (not v.superuser${target.versionNum >= 130000 ? " or v.trusted" : ""})`;
  try {
    return await target.query<Available>(
      `select e.name::pg_catalog.text as name, e.default_version as "defaultVersion", ${isTheDatabase ? "e.installed_version" : "null::pg_catalog.text"} as installed,
              pg_catalog.array_agg(v.version) as versions, pg_catalog.bool_or(${anybody}) as anybody
         from pg_catalog.pg_available_extensions e join pg_catalog.pg_available_extension_versions v on v.name = e.name
        where e.name = any($1::pg_catalog.name[]) group by e.name, e.default_version, e.installed_version`,
      [wanted.map(({ name }) => name)],
    );
  } catch (error) {
    // These views read the control files of all extensions, and one that cannot be read makes them fail: then each is asked for alone.
    if (sqlStateOf(error) === "") throw error;
    return (await Promise.all(wanted.map(async ({ name }) => await readOne(target, isTheDatabase, name)))).filter((extension) => extension !== undefined);
  }
}

/** https://www.postgresql.org/docs/current/extend-extensions.html#EXTEND-EXTENSIONS-UPDATES; it does not tell who may create it. */
async function readOne(target: Session, isTheDatabase: boolean, name: string): Promise<Available | undefined> {
  // One that is there is not created: nobody reads its files.
  const [row] = isTheDatabase ? await target.query<{ version: string }>("select e.extversion as version from pg_catalog.pg_extension e where e.extname = $1", [name]) : [];
  const installed = row?.version ?? null;
  const extension = { name, defaultVersion: "", versions: [], installed, anybody: false };
  try {
    const rows = await target.query<{ version: string }>("select distinct p.source as version from pg_catalog.pg_extension_update_paths($1) p", [name]);
    const versions = rows.map(({ version }) => version);
    return { ...extension, defaultVersion: versions.toSorted((one, other) => (isOlder(one, other) ? 1 : -1))[0] ?? "", versions };
  } catch (error) {
    const sqlState = sqlStateOf(error);
    if (!(error instanceof GodwitError) || !OF_THE_FILES.test(sqlState)) throw error;
    if (installed !== null) return extension;
    if (sqlState === "58P01") return undefined; // undefined_file: no control file of this name
    return { ...extension, unreadable: error.cause instanceof Error ? error.cause.message : error.message };
  }
}

/** A syntax error, a value that makes no sense, no permission, a bad disk: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const OF_THE_FILES = /^(?:22|42|58)/;

/** Compares the numbers of two versions, "1.10" after "1.9"; names of versions can be anything, so this is a guess in the extension's favour. */
function isOlder(one: string, other: string): boolean {
  const numbers = (version: string): number[] => (version.match(/\d+/g) ?? []).map(Number);
  const [left, right] = [numbers(one), numbers(other)];
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
