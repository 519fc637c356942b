import { movesData } from "../../plan/migration-type.ts";
import { displayName } from "../../catalog/catalog.ts";
import { type UnreadableRelation, unreadableRelations } from "../../catalog/read-unreadable.ts";
import { quoteIdentifier, quoteQualified } from "../../wire/quote.ts";
import type { Session } from "../../wire/session.ts";
import { type Check, type CheckItem, found, listed, passed } from "../check.ts";
import type { CheckContext, DatabaseToCheck } from "../context.ts";
import { databaseScope, movesLargeObjects } from "../scope.ts";
import { unreachableItems } from "../unreachable.ts";

/** All rows of all selected tables can be read, or it is said which cannot: never fewer rows than there are. */
export const sourcePrivileges: Check = {
  id: "source-privileges",
  title: "The source account may read everything that moves",
  about:
    "Failed: no CONNECT on a database that moves with others, no USAGE on a schema, no SELECT on a selected table, sequence or large object (where all is compared at the end: or materialized view); row-level security that would hide rows from the account. All rows are read, or none. Brings the SQL that grants what is missing.",
  run: async (context) => [
    ...unreachableItems(sourcePrivileges, "source", context),
    ...(await Promise.all(context.databases.map(async (database) => await judge(database, context)))).flat(),
  ],
};

async function judge(database: DatabaseToCheck, { options }: CheckContext): Promise<CheckItem[]> {
  const { plan, source } = database;
  const scope = databaseScope(plan);
  const account = quoteIdentifier(await currentRole(source));
  const items = [await judgeRelations(database, account, options.verify)];
  if (movesData(options.type)) {
    items.push(await judgeRowSecurity(database, account));
    if (movesLargeObjects(plan, options)) items.push(await judgeLargeObjects(database, account));
  }
  const bad = items.filter((item) => item !== undefined);
  return bad.length > 0 ? bad : [passed(sourcePrivileges, scope, [`${plan.catalog.relations.length} relations looked at`])];
}

/** Whose rights count: not the account that logs in, where `alter role … set role` makes it another one. */
async function currentRole(source: Session): Promise<string> {
  const [row] = await source.query<{ name: string }>("select current_user as name");
  return row?.name ?? source.endpoint.user;
}

async function judgeRelations({ plan, source }: DatabaseToCheck, account: string, verifies: boolean): Promise<CheckItem | undefined> {
  const selected = new Set(plan.catalog.relations.filter((relation) => plan.selection.isSelected(relation)).map(({ oid }) => oid));
  const unreadable = (await unreadableRelations(source)).filter(({ oid }) => selected.has(oid));
  const views = verifies ? await unreadableViews(plan, source) : [];
  if (unreadable.length + views.length === 0) return undefined;
  const schemas = [...new Set([...unreadable, ...views].filter(({ lacksUsage }) => lacksUsage).map(({ schema }) => schema))];
  const lacking = unreadable.filter(({ lacksSelect }) => lacksSelect);
  const lackingViews = views.filter(({ lacksSelect }) => lacksSelect);
  const grants = [...lacking, ...lackingViews].map(
    ({ isSequence, schema, name }) => `grant select on ${isSequence ? "sequence " : ""}${quoteQualified(schema, name)} to ${account};`,
  );
  return found(sourcePrivileges, databaseScope(plan), "failed", {
    evidence: listed([
      ...schemas.map((schema) => `no USAGE on schema ${schema}`),
      ...lacking.map((relation) => `no SELECT on ${relation.isSequence ? "sequence" : "table"} ${displayName(relation)}`),
      ...lackingViews.map((view) => `no SELECT on materialized view ${displayName(view)}, which is to be compared`),
    ]),
    why: `The account ${account} cannot read these objects.`,
    fix: "Let an owner or superuser of the source grant the rights, read with another account, or leave the objects out with --exclude.",
    fixSql: [...schemas.map((schema) => `grant usage on schema ${quoteIdentifier(schema)} to ${account};`), ...grants].join("\n"),
    fixOn: plan.source,
  });
}

/** Materialized views are filled by the target itself: they are read for nothing but to compare them. */
async function unreadableViews(plan: DatabaseToCheck["plan"], source: DatabaseToCheck["source"]): Promise<UnreadableRelation[]> {
  const views = plan.catalog.relations.filter((relation) => relation.kind === "materializedView" && relation.isPopulated && plan.selection.isSelected(relation));
  return await source.query<UnreadableRelation & Record<string, unknown>>(
    `select x.oid, x.schema, x.name, false as "isSequence", not x.usage as "lacksUsage", not x.readable as "lacksSelect"
       from (select c.oid::pg_catalog.text as oid, n.nspname as schema, c.relname as name, pg_catalog.has_schema_privilege(n.oid, 'usage') as usage, pg_catalog.has_table_privilege(c.oid, 'select') as readable
               from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.oid = any($1::pg_catalog.oid[])) x
      where not (x.usage and x.readable) order by x.schema, x.name`,
    [views.map(({ oid }) => oid)],
  );
}

/** `row_security_active` is about the current user: owners, superusers and BYPASSRLS are not subject to policies (https://www.postgresql.org/docs/current/ddl-rowsecurity.html). */
async function judgeRowSecurity({ plan, source }: DatabaseToCheck, account: string): Promise<CheckItem | undefined> {
  const candidates = plan.catalog.relations.filter((relation) => relation.hasRowSecurity && relation.kind === "table" && plan.selection.isSelected(relation));
  if (candidates.length === 0 || source.versionNum < 90500) return undefined;
  const rows = await source.query<{ oid: string }>(
    "select w.oid::text as oid from pg_catalog.unnest($1::pg_catalog.oid[]) as w(oid) where pg_catalog.has_table_privilege(w.oid, 'select') and pg_catalog.row_security_active(w.oid)",
    [candidates.map(({ oid }) => oid)],
  );
  if (rows.length === 0) return undefined;
  const hidden = new Set(rows.map(({ oid }) => oid));
  return found(sourcePrivileges, databaseScope(plan), "failed", {
    evidence: listed(candidates.filter(({ oid }) => hidden.has(oid)).map((relation) => `row-level security hides rows of ${displayName(relation)}`)),
    why: `Policies decide which rows the account ${account} sees: rows would be missing on the target.`,
    fix: "Let a superuser give the account BYPASSRLS, or read as a superuser or as the tables' owner (not with FORCE ROW LEVEL SECURITY), or exclude the tables.",
    fixSql: `alter role ${account} bypassrls;`,
    fixOn: plan.source,
  });
}

/** Before version 18 there is no has_largeobject_privilege: owner and list are read here (https://www.postgresql.org/docs/current/lo-funcs.html, lo_compat_privileges). */
async function judgeLargeObjects({ plan, source }: DatabaseToCheck, account: string): Promise<CheckItem | undefined> {
  const readable =
    source.versionNum >= 180000
      ? "pg_catalog.has_largeobject_privilege(m.oid, 'select')"
      : `pg_catalog.pg_has_role(m.lomowner, 'usage') or pg_catalog.current_setting('lo_compat_privileges') = 'on' or exists (
           select from pg_catalog.aclexplode(m.lomacl) a where a.privilege_type = 'SELECT' and (a.grantee = 0 or pg_catalog.pg_has_role(a.grantee, 'usage')))`;
  const rows = await source.query<{ oid: string; total: string }>(
    `select m.oid::text as oid, pg_catalog.count(*) over () as total from pg_catalog.pg_largeobject_metadata m
      where not pg_catalog.has_table_privilege('pg_catalog.pg_largeobject', 'select') and not (${readable}) order by m.oid limit 20`,
  );
  if (rows.length === 0) return undefined;
  const total = Number(rows[0]?.total);
  const oids = rows.map(({ oid }) => oid);
  return found(sourcePrivileges, databaseScope(plan), "failed", {
    evidence: listed(
      oids.map((oid) => `no SELECT on large object ${oid}`),
      total,
    ),
    why: `The account ${account} cannot read these large objects.`,
    fix: "Let their owners or a superuser grant the right, or read as a superuser.",
    ...(total <= oids.length ? { fixSql: `grant select on large object ${oids.join(", ")} to ${account};`, fixOn: plan.source } : {}),
  });
}
