import { followsChanges, movesData } from "../../plan/migration-type.ts";
import { decideReplicaIdentities } from "../../source/replica-identity.ts";
import { identityCandidates } from "../../source/source-setup.ts";
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
  const takenBy = (some: readonly Publication[], tables: readonly Table[]): string[] =>
    tables
      .filter(({ oid, schema }) => some.some(({ schemas }) => schemas === null || [schema, ...schemasOf(oid)].some((one) => schemas.includes(one))))
      .map((table) => displayName(table));
  // What the source has for the time of the task only, the target does not get.
  const without = takenBy(publications, [...changes, ...impossible]);
  const unsent = publications.filter(({ publishesGenerated }) => !publishesGenerated);
  const generated = unsent.length === 0 ? [] : takenBy(unsent, await identitiesOfGenerated(source, identityCandidates(plan.catalog, plan.selection.isSelected)));
  const names = publications.map(({ name, schemas }) => `publication ${name} of ${schemas === null ? "all tables" : `all tables of ${schemas.join(", ")}`}`);
  if (without.length + generated.length === 0) return [passed(targetPublications, scope, listed(names))];
  return [
    found(targetPublications, scope, followsChanges(options.type) ? "failed" : "alarm", {
      evidence: listed([
        ...names,
        ...without.map((table) => `no replica identity: ${table}`),
        ...generated.map((table) => `generated columns that are not published in the replica identity: ${table}`),
      ]),
      why: `PostgreSQL refuses to update and delete in a published table that has no replica identity, or one that is not published${followsChanges(options.type) ? ": the changes of the source could not be applied" : ": the applications would be refused after the switch"}.`,
      fix: `Drop the publication on the target for the time of the migration, let it publish no updates and deletes (ALTER PUBLICATION … SET (publish = 'insert')), or give the tables a primary key or REPLICA IDENTITY FULL at the source (FULL is no way where columns are generated${generated.length === 0 ? " virtually" : ": let the publication have them, SET (publish_generated_columns = stored)"}).`,
    }),
  ];
}

type Table = Parameters<typeof displayName>[0] & { readonly oid: string };

/**
 * Tables whose replica identity has a stored generated column: an 18 refuses to change them in a publication that leaves such columns out, as it does unless told otherwise.
 * https://www.postgresql.org/docs/current/logical-replication-gencols.html
 */
async function identitiesOfGenerated(source: Session, oids: readonly string[]): Promise<Table[]> {
  if (source.versionNum < 120000) return [];
  return await source.query<{ oid: string; schema: string; name: string }>(
    `with recursive wanted (oid) as (
       select w.oid from pg_catalog.unnest($1::pg_catalog.oid[]) w(oid)
       union select h.inhrelid from wanted w join pg_catalog.pg_inherits h on h.inhparent = w.oid join pg_catalog.pg_class p on p.oid = h.inhrelid and p.relispartition
     )
     select c.oid::pg_catalog.text as oid, n.nspname as schema, c.relname as name
       from wanted w join pg_catalog.pg_class c on c.oid = w.oid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'r' and exists (
        select from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attgenerated = 's' and (c.relreplident = 'f' or exists (
          select from pg_catalog.pg_index x where x.indrelid = c.oid and (case c.relreplident when 'd' then x.indisprimary when 'i' then x.indisreplident end)
             and a.attnum = any((x.indkey::pg_catalog.int2[])[0:x.indnkeyatts - 1]))))
      order by 2, 3`,
    [oids],
  );
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

interface Publication {
  readonly name: string;
  /** null for all tables. */
  readonly schemas: string[] | null;
  /** Stored ones; since 18. */
  readonly publishesGenerated: boolean;
}

/** https://www.postgresql.org/docs/current/catalog-pg-publication.html, https://www.postgresql.org/docs/current/logical-replication-publication.html */
async function takingAll(target: Session): Promise<Publication[]> {
  const schemas =
    target.versionNum >= 150000
      ? "(select pg_catalog.json_agg(n.nspname order by n.nspname) from pg_catalog.pg_publication_namespace x join pg_catalog.pg_namespace n on n.oid = x.pnnspid where x.pnpubid = p.oid)"
      : "null::pg_catalog.json";
  const rows = await target.query<Publication & { all: boolean }>(
    `select p.pubname as name, p.puballtables as all, ${schemas} as schemas, ${target.versionNum >= 180000 ? "p.pubgencols = 's'" : "true"} as "publishesGenerated" from pg_catalog.pg_publication p where p.pubupdate or p.pubdelete order by p.pubname`,
  );
  return rows.filter((row) => row.all || row.schemas !== null).map(({ all, ...publication }) => ({ ...publication, schemas: all ? null : publication.schemas }));
}
