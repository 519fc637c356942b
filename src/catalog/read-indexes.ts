import type { Session } from "../wire/session.ts";
import { namingForeignBytes } from "./foreign-bytes.ts";
import { SharedStrings } from "./shared-strings.ts";

/** What building an index needs to know; `bytes` is its size at the source. */
export interface IndexFacts {
  readonly schema: string;
  readonly name: string;
  readonly tableOid: string;
  readonly bytes: number;
  /** An index of a partitioned table: it has no storage, its partitions' indexes are attached to it. */
  readonly isPartitioned: boolean;
}

/** The indexes of users (each TOAST table has one too), by their own oid, and by the oid of the constraint that owns them. */
export async function readIndexes(session: Session): Promise<Map<string, IndexFacts>> {
  const rows = await namingForeignBytes(session.endpoint, async () => await readRows(session));
  const shared = new SharedStrings();
  const facts = new Map<string, IndexFacts>();
  for (const row of rows) {
    const fact = { schema: shared.get(row.schema), name: row.name, tableOid: row.table_oid, bytes: Number(row.bytes), isPartitioned: row.partitioned };
    facts.set(row.oid, fact);
    if (row.constraint_oid !== null) facts.set(row.constraint_oid, fact);
  }
  return facts;
}

interface IndexRow {
  oid: string;
  schema: string;
  name: string;
  constraint_oid: string | null;
  table_oid: string;
  bytes: string;
  partitioned: boolean;
}

async function readRows(session: Session): Promise<IndexRow[]> {
  return await session.query<IndexRow>(`
    select i.indexrelid::text as oid, n.nspname as schema, c.relname as name, k.oid::text as constraint_oid, i.indrelid::text as table_oid,
           c.relpages::bigint * pg_catalog.current_setting('block_size')::bigint as bytes, c.relkind = 'I' as partitioned
      from pg_catalog.pg_index i
      join pg_catalog.pg_class c on c.oid = i.indexrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      left join pg_catalog.pg_constraint k on k.conindid = i.indexrelid and k.conrelid = i.indrelid and k.contype in ('p', 'u', 'x')
     where i.indrelid >= 16384 and n.nspname !~ '^pg_'`);
}
