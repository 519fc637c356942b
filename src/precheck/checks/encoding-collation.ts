import { createDatabaseSql, type InstanceDatabase, readDatabases } from "../../structure/databases.ts";
import type { Session } from "../../wire/session.ts";
import { type Check, type CheckItem, found, passed } from "../check.ts";
import type { CheckContext, DatabaseToCheck } from "../context.ts";
import { isSameLocale } from "../same-locale.ts";
import { databaseScope } from "../scope.ts";

/** Every character can be stored on the target, and texts compare there as they do at the source. */
export const encodingCollation: Check = {
  id: "encoding-collation",
  title: "Encoding and locale of the target database",
  about:
    "Failed: a database that cannot be created with the source's encoding and locale; SQL_ASCII into another encoding than UTF8. Alarm: another encoding that may lack characters, another locale.",
  run: async (context) => {
    const source = byName(await readDatabases(context.source));
    const target = byName(await readDatabases(context.target));
    return (await Promise.all(context.databases.map(async (database) => await judge(database, context, source, target)))).flat();
  },
};

type ByName = ReadonlyMap<string, InstanceDatabase>;

async function judge({ plan }: DatabaseToCheck, context: CheckContext, source: ByName, target: ByName): Promise<CheckItem[]> {
  const scope = databaseScope(plan);
  const from = source.get(plan.source.database);
  const definition = context.newDatabases.find(({ name }) => name === plan.target.database);
  if (definition !== undefined) {
    const problem = await creationProblem(definition, context);
    if (problem === undefined) return [passed(encodingCollation, scope, [`is created with ${describeLocale(definition)}`])];
    return [
      found(encodingCollation, scope, "failed", {
        evidence: [problem],
        why: `Database ${definition.name} cannot be created on the target with the source's encoding and locale.`,
        fix: "Install the locale on the target's machine (and restart the server), or create the database by hand with one that suits it, then run again.",
      }),
    ];
  }
  const into = target.get(plan.target.database);
  if (from === undefined || into === undefined) return [passed(encodingCollation, scope)];
  const items = [judgeEncoding(scope, from, into), judgeLocale(scope, from, into)].filter((item) => item !== undefined);
  return items.length > 0 ? items : [passed(encodingCollation, scope, [describeLocale(into)])];
}

/** https://www.postgresql.org/docs/current/multibyte.html: SQL_ASCII means that the server never looked at the bytes. */
function judgeEncoding(scope: string, from: InstanceDatabase, into: InstanceDatabase): CheckItem | undefined {
  // UTF8 has a place for every character of every other encoding.
  if (from.encoding === into.encoding || (into.encoding === "UTF8" && from.encoding !== "SQL_ASCII")) return undefined;
  const evidence = [`source ${from.encoding}, target ${into.encoding}`];
  const fix = `Create the target database with encoding ${from.encoding} (template template0), or accept the alarm when all texts are plain ASCII.`;
  if (from.encoding === "SQL_ASCII" && into.encoding !== "UTF8") {
    return found(encodingCollation, scope, "failed", {
      evidence,
      why: "The source does not know the encoding of its bytes: every byte above 127 would be taken for UTF-8 and changed on the way to the target's encoding.",
      fix: `Create the target database with encoding SQL_ASCII, or with UTF8 when the bytes are UTF-8.`,
    });
  }
  if (from.encoding === "SQL_ASCII") {
    return found(encodingCollation, scope, "alarm", {
      evidence,
      why: "The source does not know the encoding of its bytes: the target refuses the first value whose bytes are not valid UTF-8, and the copy ends.",
      fix: `Find such values before: run the query below at the source for each column of texts, and correct what it stops at; or create the target database with encoding SQL_ASCII (template template0); or accept the alarm when all bytes are UTF-8.`,
      fixSql: "select count(convert_from(convert_to(COLUMN::text, 'SQL_ASCII'), 'UTF8')) from TABLE; -- fails at the first value that is not UTF-8",
    });
  }
  const why =
    into.encoding === "SQL_ASCII"
      ? "The target would not know its own encoding: texts arrive as UTF-8 bytes, and nothing checks or converts them any more."
      : `The first character that ${into.encoding} does not have ends the copy.`;
  return found(encodingCollation, scope, "alarm", { evidence, why, fix });
}

function judgeLocale(scope: string, from: InstanceDatabase, into: InstanceDatabase): CheckItem | undefined {
  const evidence = [
    ...(isSameLocale(from.collate, into.collate) ? [] : [`LC_COLLATE: source ${from.collate}, target ${into.collate}`]),
    ...(isSameLocale(from.ctype, into.ctype) ? [] : [`LC_CTYPE: source ${from.ctype}, target ${into.ctype}`]),
    ...(isSameProvider(from, into) ? [] : [`locale provider: source ${describeProvider(from)}, target ${describeProvider(into)}`]),
  ];
  if (evidence.length === 0) return undefined;
  return found(encodingCollation, scope, "alarm", {
    evidence,
    why: "Texts sort and compare differently, upper and lower case may change differently: the order of results, ranges of partitions over text, and CHECK constraints can depend on it.",
    fix: `Create the target database with the source's locale: ${describeLocale(from)} (template template0), or accept the alarm.`,
  });
}

async function creationProblem(definition: InstanceDatabase, { target, options }: CheckContext): Promise<string | undefined> {
  const create = createDatabaseSql(definition, target.versionNum, options.tablespaceMap);
  if (create.problem !== undefined) return create.problem;
  for (const locale of new Set([definition.collate, definition.ctype])) {
    if (!(await hasLocale(target, locale))) return `database ${definition.name}: the target's machine has no locale ${locale}`;
  }
  if (definition.localeProvider === "icu") {
    const [row] = await target.query<{ icu: boolean }>("select exists (select from pg_catalog.pg_collation where collprovider = 'i') as icu");
    if (row?.icu !== true) return `database ${definition.name}: the target was built without ICU`;
  }
  return undefined;
}

/** No catalog lists what the operating system has, but setting lc_monetary asks it; locally, so it is over with the statement. */
async function hasLocale(target: Session, locale: string): Promise<boolean> {
  return await target.query("select pg_catalog.set_config('lc_monetary', $1, true)", [locale]).then(
    () => true,
    () => false,
  );
}

/** Built-in C and libc's C are the same order. */
function isSameProvider(one: InstanceDatabase, other: InstanceDatabase): boolean {
  return describeProvider(one) === describeProvider(other);
}

function describeProvider({ localeProvider, locale, collate, icuRules }: InstanceDatabase): string {
  if (localeProvider === "libc" || (localeProvider === "builtin" && locale === "C" && collate === "C")) return "libc";
  return `${localeProvider} ${locale}${icuRules === null ? "" : `, rules ${icuRules}`}`;
}

function describeLocale(database: InstanceDatabase): string {
  const provider = describeProvider(database);
  return `encoding ${database.encoding}, LC_COLLATE ${database.collate}, LC_CTYPE ${database.ctype}${provider === "libc" ? "" : `, provider ${provider}`}`;
}

function byName(databases: readonly InstanceDatabase[]): ByName {
  return new Map(databases.map((database) => [database.name, database]));
}
