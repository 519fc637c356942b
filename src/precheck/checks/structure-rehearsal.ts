import { displayName } from "../../catalog/catalog.ts";
import { describeEntry } from "../../structure/apply-entries.ts";
import { allObjects } from "../../structure/existing-objects.ts";
import { readLockTable } from "../../structure/lock-table.ts";
import { locksFor, rehearseEntries } from "../../structure/rehearse.ts";
import type { Entry } from "../../structure/entry.ts";
import type { Session } from "../../wire/session.ts";
import { type Check, type CheckItem, found, passed } from "../check.ts";
import type { CheckContext, DatabaseToCheck } from "../context.ts";
import { databaseScope } from "../scope.ts";

/** Half of the lock table is for everybody else on that server. */
const OUR_SHARE = 0.5;
/** About as much as is created within ten seconds. */
const MOST_ENTRIES = 20_000;

/** The rules of structure/rewrite know what versions cannot hold; the target itself knows the rest: rights, options of extensions, casts, operator classes … */
export const structureRehearsal: Check = {
  id: "structure-rehearsal",
  title: "The target takes the structure",
  about:
    "Everything but the data is created on the target in one transaction, which is rolled back: nothing stays. Failed: statements that the target refuses, with its words. Not needed between servers of one version and databases of one encoding, for a superuser, where no extension is used, the target is empty and has neither extensions nor event triggers, and nothing asks for locales, dictionaries or libraries of the machine. Where the database does not exist yet, the database of the target URI stands in for it if that one is empty and the account's own. Not rehearsed are structures of more than 20,000 statements or more than half of the target's lock table, which is an alarm if the target's version is older. Alarm: tables that belong to an extension at the source and that the target's does not bring. Comes last, when nothing else failed but structure-compatibility.",
  after: (items) => items.every(({ id, result }) => result !== "failed" || id === "structure-compatibility"),
  run: async (context) => {
    const items: CheckItem[] = [];
    for (const database of context.databases) items.push(await rehearse(database, context));
    return items;
  },
};

async function rehearse({ plan, target, isBegun }: DatabaseToCheck, context: CheckContext): Promise<CheckItem> {
  const scope = databaseScope(plan);
  if (isBegun) return passed(structureRehearsal, scope, ["rehearsed before the first run of this task"]);
  if (isTwin(plan, context) && (target === undefined || (await isPlain(target, plan.catalog.database.encoding)))) {
    return passed(structureRehearsal, scope, ["not needed: the same version, a superuser, and no extensions"]);
  }
  const stage = target ?? context.target;
  // A statement behind a refused CREATE would lock and change what is there.
  if (target === undefined && !(await isEmpty(stage))) {
    return notRehearsed(
      scope,
      context,
      `database ${stage.endpoint.database}, which would stand in for the one to be created, is not empty`,
      "Name an empty database in the target URI.",
    );
  }
  if (target === undefined && !(await owns(stage))) {
    return notRehearsed(
      scope,
      context,
      `database ${stage.endpoint.database}, which would stand in for the one to be created, belongs to another role, which the new one will not`,
      "Name an empty database of the account's own in the target URI.",
    );
  }
  const lockTable = await readLockTable(stage);
  const slots = locksFor(plan.entries);
  if (plan.entries.length > MOST_ENTRIES || slots > lockTable.slots * OUR_SHARE) {
    const why = `${plan.entries.length} statements, about ${slots} locks; the target's lock table holds ${lockTable.slots}`;
    return notRehearsed(
      scope,
      context,
      why,
      `Up to ${MOST_ENTRIES} statements: raise max_locks_per_transaction on the target. Else try --type structure into an empty database first.`,
    );
  }
  const ofExtensions = plan.catalog.relations.filter((relation) => relation.extension !== undefined && relation.kind === "table" && plan.selection.isSelected(relation));
  const { refusals, absent } = await rehearseEntries(stage, plan.entries, context.roles, ofExtensions);
  const known = new Set(plan.impossible.flatMap(({ objects }) => objects));
  const news = refusals.filter(({ entry }) => !known.has(describeEntry(entry)));
  if (news.length === 0 && absent.length > 0) {
    return found(structureRehearsal, scope, "alarm", {
      evidence: absent.map((table) => `table ${displayName(table)}: belongs to extension ${table.extension} at the source, which does not bring it on the target`),
      why: "Tables of an extension come with CREATE EXTENSION. These do not, so they and their rows will not be on the target.",
      fix: "If they are yours: ALTER EXTENSION … DROP TABLE … at the source, and they move like other tables. If the extension no longer has them, accept the alarm.",
    });
  }
  if (news.length === 0) return passed(structureRehearsal, scope, [`${plan.entries.length} statements were tried and rolled back`]);
  return found(structureRehearsal, scope, "failed", {
    // Not shortened: the operator has to deal with each of them.
    evidence: news.map(({ entry, message }) => `${describeEntry(entry)}: ${message}`),
    why: `PostgreSQL ${context.target.major} refused these statements when they were rehearsed.`,
    fix: "Change the objects at the source, give the account the right it lacks, or leave the objects out with --exclude.",
  });
}

/**
 * A server that took these statements once takes them again: what may be refused is new versions' syntax, missing rights, other versions of extensions, characters that an
 * encoding lacks, and what the server's machine or build does not have.
 */
function isTwin({ catalog, entries }: DatabaseToCheck["plan"], { source, target, account }: CheckContext): boolean {
  return source.major === target.major && account.superuser && catalog.extensions.every(({ name }) => name === "plpgsql") && !entries.some(needsMachine);
}

/** A collation that every server has; the others are what initdb found on its machine (https://www.postgresql.org/docs/current/collation.html). */
const EVERYWHERE = /\bCOLLATE pg_catalog\."(?:C|POSIX|default)"/g;

/** Locales, dictionary files, libraries, also those that are loaded to label; LZ4 is an option of the build. */
function needsMachine({ type, sql }: Entry): boolean {
  if (type === "COLLATION" || type === "TEXT SEARCH DICTIONARY" || type === "SECURITY LABEL") return true;
  if (sql.includes("COLLATE pg_catalog.") && sql.replace(EVERYWHERE, "").includes("COLLATE pg_catalog.")) return true;
  return type === "FUNCTION" || type === "PROCEDURE" ? /\bLANGUAGE c\b/.test(sql) : type === "TABLE" && sql.includes(" COMPRESSION ");
}

/** The database has this encoding, schema public and nothing else, as every new one, no extensions, whose names are taken, and no event triggers, which may refuse anything. */
async function isPlain(target: Session, encoding: string): Promise<boolean> {
  const [row] = await target.query<{ encoding: string; triggers: boolean; extensions: boolean; public: boolean }>(
    `select pg_catalog.getdatabaseencoding() as encoding, exists (select from pg_catalog.pg_event_trigger e where e.evtenabled in ('O', 'A')) as triggers,
            exists (select from pg_catalog.pg_extension x where x.extname <> 'plpgsql') as extensions, exists (select from pg_catalog.pg_namespace n where n.nspname = 'public') as public`,
  );
  return row?.encoding === encoding && row.public && !row.triggers && !row.extensions && (await allObjects(target)).total === 0;
}

/** Between equal versions, and upwards, next to nothing is refused that no other check knows. */
function notRehearsed(scope: string, { source, target }: CheckContext, why: string, fix: string): CheckItem {
  if (target.major >= source.major) return passed(structureRehearsal, scope, [`not rehearsed: ${why}`]);
  return found(structureRehearsal, scope, "alarm", {
    evidence: [`not rehearsed: ${why}`],
    why: `PostgreSQL ${target.major} is older than the source and may refuse a statement that no rule knows; the migration would then end in the middle.`,
    fix,
  });
}

/** Whoever creates a database may do everything in it. */
async function owns(stage: Session): Promise<boolean> {
  const [row] = await stage.query<{ owns: boolean }>(
    "select pg_catalog.pg_has_role(d.datdba, 'usage') as owns from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()",
  );
  return row?.owns === true;
}

async function isEmpty(stage: Session): Promise<boolean> {
  const [row] = await stage.query<{ extensions: number }>("select pg_catalog.count(*)::int as extensions from pg_catalog.pg_extension where extname <> 'plpgsql'");
  return row?.extensions === 0 && (await allObjects(stage)).total === 0;
}
