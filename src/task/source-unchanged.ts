import { type Catalog, displayName, type Relation } from "../catalog/catalog.ts";
import type { Snapshot } from "../copy/snapshot.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import type { DatabasePlan } from "../plan/database-plan.ts";
import { describeEndpoint } from "../wire/endpoint.ts";
import { type Session, openSession } from "../wire/session.ts";

/**
 * TRUNCATE, and ALTER TABLE that rewrites, are not MVCC-safe: the snapshot then sees an empty table
 * (https://www.postgresql.org/docs/current/mvcc-caveats.html). A table whose file is another one than in the snapshot was rewritten: asked
 * when all is planned and again when all is copied. Where changes are followed, such a table is copied again, by the next try: the stream has what was before. (Holding locks instead would let a waiting TRUNCATE block our own lanes.)
 */
export async function refuseRewritten({ session }: Snapshot, catalog: Catalog, isSelected: (relation: Relation) => boolean, isFollowed = false): Promise<void> {
  const selected = catalog.relations.filter((relation) => relation.kind === "table" && isSelected(relation));
  const rewritten = await session.query<{ oid: string }>(
    "select c.oid::text as oid from pg_catalog.pg_class c where c.oid = any($1::pg_catalog.oid[]) and c.relfilenode <> coalesce(pg_catalog.pg_relation_filenode(c.oid), 0)",
    [selected.map(({ oid }) => oid)],
  );
  if (rewritten.length === 0) return;
  const changed = new Set(rewritten.map(({ oid }) => oid));
  const tables = selected.filter(({ oid }) => changed.has(oid)).map(displayName);
  throw new GodwitError(
    isFollowed ? "table-rewritten" : "source-changed",
    `${describeEndpoint(session.endpoint)}: truncated, rewritten or dropped meanwhile: ${tables.slice(0, 20).join(", ")}`,
    {
      object: tables[0] ?? "",
    },
  );
}

/**
 * COPY names tables and columns, and a name means what it means now, whatever the snapshot: a table renamed meanwhile, or one that has taken its name, would give
 * other rows than the snapshot's, or none (https://www.postgresql.org/docs/current/mvcc-caveats.html). So when all is copied, every table that moves must still be
 * called as the snapshot has it, with its columns; columns that came are no matter. Throws `source-changed`.
 */
export async function refuseRenamed(plan: DatabasePlan, signal: AbortSignal): Promise<void> {
  const tables = plan.catalog.relations.filter((relation) => relation.kind === "table" && plan.selection.isSelected(relation));
  if (tables.length === 0) return;
  await using now = await openSession(plan.source, { signal }); // sees what is committed
  await refuseOtherNames(plan.snapshot.session, now, tables);
}

/** These tables and their columns must be called the same in what either session sees. Throws `source-changed`. */
export async function refuseOtherNames(snapshot: Session, now: Session, tables: readonly Relation[]): Promise<void> {
  const oids = tables.map(({ oid }) => oid);
  const [before, after] = await Promise.all([readDigests(snapshot, oids), readDigests(now, oids)]);
  const suspects = oids.filter((oid) => before.get(oid) !== after.get(oid));
  if (suspects.length === 0) return;
  const [were, are] = await Promise.all([readNames(snapshot, suspects), readNames(now, suspects)]);
  const renamed = new Set(suspects.filter((oid) => !isSame(were.get(oid), are.get(oid))));
  if (renamed.size === 0) return;
  const names = tables.filter(({ oid }) => renamed.has(oid)).map(displayName);
  throw new GodwitError("source-changed", `${describeEndpoint(now.endpoint)}: renamed or dropped meanwhile, or a column of it: ${names.slice(0, 20).join(", ")}`, {
    object: names[0] ?? "",
  });
}

interface Names {
  readonly table: string;
  /** Number and name of each. */
  readonly columns: readonly string[];
}

function isSame(was: Names | undefined, is: Names | undefined): boolean {
  if (was === undefined || is === undefined || was.table !== is.table) return false;
  const columns = new Set(is.columns);
  return was.columns.every((column) => columns.has(column));
}

const NAMES = `
  select c.oid::text as oid, n.nspname || '.' || c.relname as "table",
         pg_catalog.array_agg(a.attnum || ' ' || a.attname order by a.attnum) as columns
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
   where c.oid = any($1::pg_catalog.oid[]) group by c.oid, n.nspname, c.relname`;

async function readNames(session: Session, oids: readonly string[]): Promise<Map<string, Names>> {
  const rows = await session.query<Names & { oid: string }>(NAMES, [oids]);
  return new Map(rows.map((row) => [row.oid, row]));
}

async function readDigests(session: Session, oids: readonly string[]): Promise<Map<string, string>> {
  const rows = await session.query<{ oid: string; digest: string }>(
    `select oid, pg_catalog.md5("table" || pg_catalog.array_to_string(columns, E'\\n')) as digest from (${NAMES}) as named`,
    [oids],
  );
  return new Map(rows.map(({ oid, digest }) => [oid, digest]));
}
