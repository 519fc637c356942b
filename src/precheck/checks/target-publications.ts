import { followsChanges, movesData } from "../../plan/migration-type.ts";
import { decideReplicaIdentities } from "../../stream/replica-identity.ts";
import { identityCandidates } from "../../stream/source-setup.ts";
import { displayName } from "../../catalog/catalog.ts";
import type { Session } from "../../wire/session.ts";
import { type Check, type CheckItem, found, listed, passed } from "../check.ts";
import type { CheckContext, DatabaseToCheck } from "../context.ts";
import { databaseScope } from "../scope.ts";

/** A publication of all that is there, or of a schema, takes in what the migration creates. */
export const targetPublications: Check = {
  id: "target-publications",
  title: "Publications on the target leave every table changeable",
  about:
    "The target has a publication of all tables, or of all tables of a schema, that publishes updates or deletes, and tables move that have no usable replica identity: PostgreSQL refuses to update and delete in such tables. Failed for full+incremental, which has to do it; alarm for full, as the applications will have to.",
  appliesTo: ({ options }) => movesData(options.type),
  run: async (context) => (await Promise.all(context.databases.map(async (database) => await judge(database, context)))).flat(),
};

async function judge({ plan, source, target }: DatabaseToCheck, { options }: CheckContext): Promise<CheckItem[]> {
  if (target === undefined) return [];
  const scope = databaseScope(plan);
  const publications = await takingAll(target);
  if (publications.length === 0) return [passed(targetPublications, scope, [`no publication of database ${plan.target.database} takes in new tables`])];
  const { changes, impossible } = await decideReplicaIdentities(source, identityCandidates(plan.catalog, plan.selection.isSelected));
  const schemasOf = schemasThatTakeIn(plan);
  const isTaken = ({ oid, schema }: { readonly oid: string; readonly schema: string }): boolean =>
    publications.some(({ schemas }) => schemas === null || [schema, ...schemasOf(oid)].some((one) => schemas.includes(one)));
  // What the source has for the time of the task only, the target does not get.
  const tables = [...changes, ...impossible].filter(isTaken).map(displayName);
  const names = publications.map(({ name, schemas }) => `publication ${name} of ${schemas === null ? "all tables" : `all tables of ${schemas.join(", ")}`}`);
  if (tables.length === 0) return [passed(targetPublications, scope, listed(names))];
  return [
    found(targetPublications, scope, followsChanges(options.type) ? "failed" : "alarm", {
      evidence: listed([...names, ...tables.map((table) => `no replica identity: ${table}`)]),
      why: `PostgreSQL refuses to update and delete in a published table that has no replica identity${followsChanges(options.type) ? ": the changes of the source could not be applied" : ": the applications would be refused after the switch"}.`,
      fix: "Drop the publication on the target for the time of the migration, let it publish no updates and deletes (ALTER PUBLICATION … SET (publish = 'insert')), or give the tables a primary key or REPLICA IDENTITY FULL at the source (FULL is no way where columns are generated virtually).",
    }),
  ];
}

/** Those of the tables that a partition belongs to: a publication of their schema takes in their partitions, wherever these are. https://www.postgresql.org/docs/current/sql-createpublication.html */
function schemasThatTakeIn({ catalog, selection }: DatabaseToCheck["plan"]): (oid: string) => string[] {
  const byOid = new Map(catalog.relations.map((relation) => [relation.oid, relation]));
  const above = (oid: string): string[] => {
    const relation = byOid.get(oid);
    const parent = relation?.isPartition === true ? byOid.get(relation.parents[0] ?? "") : undefined;
    return parent === undefined || !selection.isSelected(parent) ? [] : [parent.schema, ...above(parent.oid)];
  };
  return above;
}

/** `schemas`: null for all tables. https://www.postgresql.org/docs/current/catalog-pg-publication.html, https://www.postgresql.org/docs/current/logical-replication-publication.html */
async function takingAll(target: Session): Promise<{ name: string; schemas: string[] | null }[]> {
  const schemas =
    target.versionNum >= 150000
      ? "(select pg_catalog.json_agg(n.nspname order by n.nspname) from pg_catalog.pg_publication_namespace x join pg_catalog.pg_namespace n on n.oid = x.pnnspid where x.pnpubid = p.oid)"
      : "null::pg_catalog.json";
  const rows = await target.query<{ name: string; all: boolean; schemas: string[] | null }>(
    `select p.pubname as name, p.puballtables as all, ${schemas} as schemas from pg_catalog.pg_publication p where p.pubupdate or p.pubdelete order by p.pubname`,
  );
  return rows.filter((row) => row.all || row.schemas !== null).map(({ name, all, schemas: some }) => ({ name, schemas: all ? null : some }));
}
