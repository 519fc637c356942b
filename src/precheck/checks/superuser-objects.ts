import { describeEntry } from "../../structure/apply-entries.ts";
import type { Entry } from "../../structure/entry.ts";
import { type Check, type CheckItem, found, listed, passed } from "../check.ts";
import type { CheckContext, DatabaseToCheck } from "../context.ts";
import { databaseScope } from "../scope.ts";

/** Entry types that only a superuser may create, by their pages below https://www.postgresql.org/docs/current/sql-commands.html. */
const SUPERUSER_TYPES: ReadonlySet<string> = new Set([
  "EVENT TRIGGER", "FOREIGN DATA WRAPPER", "ACCESS METHOD", "OPERATOR CLASS", "OPERATOR FAMILY", "SHELL TYPE", "TEXT SEARCH PARSER", "TEXT SEARCH TEMPLATE", "PROCEDURAL LANGUAGE", "PUBLICATION TABLES IN SCHEMA",
]); // prettier-ignore

export const superuserObjects: Check = {
  id: "superuser-objects",
  title: "Objects that only a superuser may create",
  about:
    "Failed where the target account is no superuser: event triggers, foreign-data wrappers, access methods, operator classes, base types, functions in C or another untrusted language or LEAKPROOF, casts without function, text search parsers and templates, languages, publications of all tables or of schemas (where publications move). Alarm where a managed service may allow them to the account.",
  run: async (context) => await Promise.all(context.databases.map(async (database) => await judge(database, context))),
};

async function judge({ plan, source }: DatabaseToCheck, { account }: CheckContext): Promise<CheckItem> {
  const scope = databaseScope(plan);
  if (account.superuser) return passed(superuserObjects, scope, [`${account.name} is a superuser`]);
  const evidence = [...plan.entries.filter(needsSuperuser).map(describeEntry), ...(await functions(source, plan.entries))];
  if (evidence.length === 0) return passed(superuserObjects, scope);
  const provider = account.providerAdmin;
  return found(superuserObjects, scope, provider === undefined ? "failed" : "alarm", {
    evidence: listed(evidence),
    why:
      provider === undefined
        ? `PostgreSQL lets only superusers create these, and the account ${account.name} is none.`
        : `PostgreSQL lets only superusers create these; the account ${account.name} is a member of ${provider}, to which the service may allow some of them.`,
    fix: "Write with a superuser, or leave them out with --exclude.",
  });
}

function needsSuperuser(entry: Entry): boolean {
  if (SUPERUSER_TYPES.has(entry.type)) return true;
  if (entry.type === "CAST") return entry.sql.includes(" WITHOUT FUNCTION");
  return entry.type === "PUBLICATION" && /\bFOR ALL TABLES\b/.test(entry.sql);
}

/** Functions in C or another untrusted language, and LEAKPROOF ones (https://www.postgresql.org/docs/current/sql-createfunction.html). */
async function functions(source: DatabaseToCheck["source"], entries: readonly Entry[]): Promise<string[]> {
  const routines = entries.filter(({ type }) => type === "FUNCTION" || type === "PROCEDURE");
  if (routines.length === 0) return [];
  const rows = await source.query<{ oid: string; language: string; leakproof: boolean }>(
    `select p.oid::pg_catalog.text as oid, l.lanname as language, p.proleakproof as leakproof
       from pg_catalog.unnest($1::pg_catalog.oid[]) as w(oid) join pg_catalog.pg_proc p on p.oid = w.oid join pg_catalog.pg_language l on l.oid = p.prolang
      where not l.lanpltrusted or p.proleakproof`,
    [routines.map(({ oid }) => oid)],
  );
  const byOid = new Map(routines.map((entry) => [entry.oid, entry]));
  return rows.flatMap(({ oid, language, leakproof }) => {
    const entry = byOid.get(oid);
    return entry === undefined ? [] : [`${describeEntry(entry)}: ${leakproof ? "LEAKPROOF" : `language ${language}`}`];
  });
}
