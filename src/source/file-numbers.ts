import { displayName } from "../catalog/catalog.ts";
import type { Session } from "../wire/session.ts";

/** TRUNCATE is decoded since 11 (https://www.postgresql.org/docs/release/11.0/); before, its trace is that the table has another file. */
export const TRUNCATE_DECODED_SINCE = 110000;

/** The number of each table's file (pg_relation_filenode), by oid. Plain data, to be kept. */
export type FileNumbers = Readonly<Record<string, string>>;

/** As they are now: to be remembered when the slot is made, for a source before 11. */
export async function readFileNumbers(source: Session, oids: readonly string[]): Promise<FileNumbers> {
  const rows = await source.query<{ oid: string; file: string }>(
    `select w.oid::pg_catalog.text as oid, pg_catalog.pg_relation_filenode(w.oid)::pg_catalog.text as file
       from pg_catalog.unnest($1::pg_catalog.oid[]) w(oid) where pg_catalog.pg_relation_filenode(w.oid) is not null`,
    [oids],
  );
  return Object.fromEntries(rows.map(({ oid, file }) => [oid, file]));
}

/**
 * The tables that have other files than then, as people read them: truncated, or rewritten (VACUUM FULL, CLUSTER, some ALTER TABLE), which cannot be told apart from
 * outside. A table that was dropped is not among them: the schema's change is another matter. To be asked every few seconds, and in the end once more behind the stop position:
 * what is told means that rows may be on the target which the source has no more; these tables have to be compared, or copied again.
 */
export async function findOtherFiles(source: Session, before: FileNumbers): Promise<string[]> {
  const rows = await source.query<{ schema: string; name: string }>(
    `select n.nspname as schema, c.relname as name
       from unnest($1::pg_catalog.oid[], $2::pg_catalog.oid[]) w(oid, file)
       join pg_catalog.pg_class c on c.oid = w.oid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where pg_catalog.pg_relation_filenode(w.oid) is distinct from w.file order by 1, 2`,
    [Object.keys(before), Object.values(before)],
  );
  return rows.map(displayName);
}
