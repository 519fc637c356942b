import { displayName } from "../../catalog/catalog.ts";
import { followsChanges, movesData } from "../../plan/migration-type.ts";
import { quoteIdentifier } from "../../wire/quote.ts";
import { type Check, type CheckItem, found, listed, passed } from "../check.ts";
import type { CheckContext, DatabaseToCheck } from "../context.ts";
import { databaseScope } from "../scope.ts";

/** The source's side of it is source-privileges. https://www.postgresql.org/docs/current/ddl-rowsecurity.html */
export const rowSecurity: Check = {
  id: "row-security",
  title: "Policies do not bind the target account",
  about:
    "Where data moves, and tables have FORCE ROW LEVEL SECURITY, which binds their owners, too. Failed where the target account is neither a superuser nor has BYPASSRLS and changes are followed: the target refuses them as soon as the policies are there. Alarm for full where rows are read on the target: to compare them, or for materialized views.",
  appliesTo: ({ options }) => movesData(options.type),
  run: async (context) => await Promise.all(context.databases.map(async (database) => await judge(database, context))),
};

async function judge(database: DatabaseToCheck, { account, target, options }: CheckContext): Promise<CheckItem> {
  const { plan } = database;
  const scope = databaseScope(plan);
  const forced = account.superuser || (await bypasses(target)) ? [] : await forcedTables(database);
  const readsRows =
    options.verify || plan.catalog.relations.some((relation) => relation.kind === "materializedView" && relation.isPopulated && plan.selection.isSelected(relation));
  const follows = followsChanges(options.type);
  if (forced.length === 0 || (!follows && !readsRows)) return passed(rowSecurity, scope);
  return found(rowSecurity, scope, follows ? "failed" : "alarm", {
    evidence: listed(forced.map((name) => `${name} has FORCE ROW LEVEL SECURITY`)),
    why: follows
      ? `Rows are never written or found through policies, which hide some of them; the account ${account.name} cannot switch these off, so that the target refuses the first change of these tables.`
      : `The account ${account.name} cannot switch the policies off: these tables cannot be compared, and materialized views that read them stay empty.`,
    fix: "Let a superuser give the account BYPASSRLS, or write with a superuser; or take the tables' FORCE away at the source for the time of the migration (alter table … no force row level security), or exclude them.",
    fixSql: `alter role ${quoteIdentifier(account.name)} bypassrls;`,
    fixOn: target.endpoint,
  });
}

/** The attribute is not inherited. */
async function bypasses(target: CheckContext["target"]): Promise<boolean> {
  const [row] = await target.query<{ bypasses: boolean }>("select r.rolbypassrls as bypasses from pg_catalog.pg_roles r where r.rolname = current_user");
  return row?.bypasses === true;
}

async function forcedTables({ plan, source }: DatabaseToCheck): Promise<string[]> {
  const candidates = plan.catalog.relations.filter((relation) => relation.hasRowSecurity && plan.selection.isSelected(relation));
  if (candidates.length === 0 || source.versionNum < 90500) return [];
  const rows = await source.query<{ oid: string }>(
    "select c.oid::pg_catalog.text as oid from pg_catalog.pg_class c where c.oid = any($1::pg_catalog.oid[]) and c.relforcerowsecurity",
    [candidates.map(({ oid }) => oid)],
  );
  const forced = new Set(rows.map(({ oid }) => oid));
  return candidates.filter(({ oid }) => forced.has(oid)).map(displayName);
}
