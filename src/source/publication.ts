import { displayName, type Relation } from "../catalog/catalog.ts";
import { quoteIdentifier, quoteQualified } from "../wire/quote.ts";
import type { Session } from "../wire/session.ts";
import { inWritingTransaction, lockPatiently, type Patience } from "./lock-patiently.ts";

/** Publications came with version 10; before, test_decoding tells the changes of all tables. */
export const PUBLICATIONS_SINCE = 100000;

/** What was changed to make the publication right. */
export interface PublicationOutcome {
  readonly name: string;
  readonly created: boolean;
  readonly added: number;
  readonly removed: number;
}

/** `godwit_1a2b3c4d5e`. */
export function publicationName(taskId: string): string {
  return `godwit_${taskId}`
    .toLowerCase()
    .replaceAll(/[^a-z0-9_]/g, "_")
    .slice(0, 63);
}

/** Each table takes a place in the source's lock table until its transaction ends. */
const TABLES_PER_STATEMENT = 100;

/** What stands in the way of SHARE UPDATE EXCLUSIVE: VACUUM, DDL; reads and writes do not. https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES */
const CONFLICTS = ["ShareUpdateExclusiveLock", "ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"];

/**
 * Creates the publication, or mends one that an earlier run left: exactly these tables, all kinds of changes. Tables and partitioned tables as `followedTables` names
 * them; none is fine. What is decoded from before a table was added does not hold its changes: so this comes before the slot.
 * Errors: `privilege-missing` (CREATE on the database, and only owners of a table may publish it), `lock-unavailable`.
 */
export async function ensurePublication(source: Session, name: string, tables: readonly Relation[], patience: Patience, signal: AbortSignal): Promise<PublicationOutcome> {
  const quoted = quoteIdentifier(name);
  const created = !(await exists(source, name));
  const parameters = Object.entries(parametersFor(source.versionNum)).map(([key, value]) => `${key} = ${value}`);
  await inWritingTransaction(source, async () => {
    await source.query(created ? `create publication ${quoted} with (${parameters.join(", ")})` : `alter publication ${quoted} set (${parameters.join(", ")})`);
  });
  const there = new Map((await publishedTables(source, name)).map((table) => [table.oid, table]));
  const wanted = new Set(tables.map(({ oid }) => oid));
  const surplus = [...there.values()].filter(({ oid }) => !wanted.has(oid));
  const missing = tables.filter(({ oid }) => !there.has(oid));
  await inParts(source, quoted, "drop", surplus, patience, signal);
  await inParts(source, quoted, "add", missing, patience, signal);
  return { name, created, added: missing.length, removed: surplus.length };
}

/** Idempotent; where there are no publications there is nothing to drop. */
export async function dropPublication(source: Session, name: string): Promise<"dropped" | "missing"> {
  if (source.versionNum < PUBLICATIONS_SINCE || !(await exists(source, name))) return "missing";
  await inWritingTransaction(source, async () => await source.query(`drop publication if exists ${quoteIdentifier(name)}`));
  return "dropped";
}

/**
 * https://www.postgresql.org/docs/current/sql-createpublication.html. Changes of partitions come under their own names. Stored generated columns are sent although nobody
 * writes them: else an 18 refuses updates of tables whose replica identity is FULL, or holds one.
 */
function parametersFor(versionNum: number): Record<string, string> {
  return {
    publish: versionNum >= 110000 ? "'insert, update, delete, truncate'" : "'insert, update, delete'",
    ...(versionNum >= 130000 ? { publish_via_partition_root: "false" } : {}),
    ...(versionNum >= 180000 ? { publish_generated_columns: "stored" } : {}),
  };
}

async function exists(source: Session, name: string): Promise<boolean> {
  const rows = await source.query("select from pg_catalog.pg_publication p where p.pubname = $1", [name]);
  return rows.length > 0;
}

type Named = Pick<Relation, "oid" | "schema" | "name">;

async function publishedTables(source: Session, name: string): Promise<Named[]> {
  return await source.query<Named>(
    `select c.oid::pg_catalog.text as oid, n.nspname as schema, c.relname as name
       from pg_catalog.pg_publication p join pg_catalog.pg_publication_rel r on r.prpubid = p.oid
       join pg_catalog.pg_class c on c.oid = r.prrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where p.pubname = $1`,
    [name],
  );
}

/** ONLY: else a table brings those that inherit from it. */
async function inParts(source: Session, publication: string, verb: "add" | "drop", tables: readonly Named[], patience: Patience, signal: AbortSignal): Promise<void> {
  for (let from = 0; from < tables.length; from += TABLES_PER_STATEMENT) {
    const part = tables.slice(from, from + TABLES_PER_STATEMENT);
    const sql = `alter publication ${publication} ${verb} table ${part.map(({ schema, name }) => `only ${quoteQualified(schema, name)}`).join(", ")}`;
    const object = part.length === 1 ? displayName(part[0]!) : `${displayName(part[0]!)} and ${part.length - 1} more tables`;
    await lockPatiently(source, { sql, oids: part.map(({ oid }) => oid), object, conflicts: CONFLICTS }, patience, signal);
  }
}
