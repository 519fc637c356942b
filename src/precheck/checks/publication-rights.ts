import { displayName } from "../../catalog/catalog.ts";
import { followedTables } from "../../source/followed-tables.ts";
import { PUBLICATIONS_SINCE } from "../../source/publication.ts";
import { decideReplicaIdentities } from "../../source/replica-identity.ts";
import { identityCandidates } from "../../source/source-setup.ts";
import { quoteIdentifier } from "../../wire/quote.ts";
import { type Check, type CheckItem, found, listed, passed } from "../check.ts";
import type { DatabaseToCheck } from "../context.ts";
import { membershipSql } from "../membership.ts";
import { databaseScope } from "../scope.ts";

/** https://www.postgresql.org/docs/current/sql-createpublication.html (notes), https://www.postgresql.org/docs/current/sql-altertable.html */
export const publicationRights: Check = {
  id: "publication-rights",
  title: "The source account may publish the tables",
  about:
    "For full+incremental. Failed: no CREATE on the source database, or not the rights of the owners of the selected tables (before 10, where there are no publications: of those whose replica identity has to be changed).",
  appliesTo: ({ options }) => options.type === "full+incremental",
  run: async ({ databases }) => await Promise.all(databases.map(judge)),
};

async function judge({ plan, source }: DatabaseToCheck): Promise<CheckItem> {
  const scope = databaseScope(plan);
  const { catalog, selection } = plan;
  const publishes = source.versionNum >= PUBLICATIONS_SINCE;
  const [account] = await source.query<{ superuser: boolean; create: boolean; name: string; inherits: boolean }>(
    `select r.rolsuper as superuser, pg_catalog.has_database_privilege(pg_catalog.current_database(), 'create') as create, r.rolname as name, r.rolinherit as inherits from pg_catalog.pg_roles r where r.rolname = current_user`,
  );
  if (account?.superuser === true) return passed(publicationRights, scope, [`${account.name} is a superuser`]);
  const published = publishes ? followedTables(catalog, selection.isSelected).published : [];
  const { changes } = await decideReplicaIdentities(source, identityCandidates(catalog, selection.isSelected));
  const oids = [...new Set([...published.map(({ oid }) => oid), ...changes.map(({ oid }) => oid)])];
  const foreign = await source.query<{ schema: string; name: string; owner: string; superuser: boolean }>(
    `select n.nspname as schema, c.relname as name, r.rolname as owner, r.rolsuper as superuser
       from pg_catalog.unnest($1::pg_catalog.oid[]) w(oid) join pg_catalog.pg_class c on c.oid = w.oid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       join pg_catalog.pg_roles r on r.oid = c.relowner
      where not pg_catalog.pg_has_role(c.relowner, 'usage') order by 1, 2`,
    [oids],
  );
  const lacksCreate = publishes && account?.create !== true;
  if (!lacksCreate && foreign.length === 0) return passed(publicationRights, scope, [`${oids.length} tables looked at`]);
  const name = quoteIdentifier(account?.name ?? source.endpoint.user);
  const owners = [...new Set(foreign.map(({ owner }) => owner))];
  const superusers = [...new Set(foreign.filter(({ superuser }) => superuser).map(({ owner }) => owner))];
  const warning = superusers.length === 0 ? "" : ` Whoever is a member of ${superusers.join(", ")} can act as a superuser: take the membership back afterwards.`;
  return found(publicationRights, scope, "failed", {
    evidence: [...(lacksCreate ? [`no CREATE on database ${catalog.database.name}`] : []), ...listed(foreign.map((table) => `${displayName(table)} belongs to ${table.owner}`))],
    why: "Only the owner of a table, or a superuser, may publish it or change its replica identity.",
    fix: `Grant what is missing, or read as the owner or a superuser.${warning}`,
    fixSql: [
      ...(lacksCreate ? [`grant create on database ${quoteIdentifier(catalog.database.name)} to ${name};`] : []),
      ...membershipSql(owners, { name: account?.name ?? source.endpoint.user, inherits: account?.inherits ?? true }, source),
    ].join("\n"),
    fixOn: source.endpoint,
  });
}
