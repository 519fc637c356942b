import type { StateChange } from "../../source/state-changes.ts";
import { quoteQualified } from "../../wire/quote.ts";
import type { Session } from "../../wire/session.ts";

/** By name: its type with its modifier, and whether it is generated. */
type Columns = Readonly<Record<string, string>>;

/** Those changes of which the target shows that the same was done there: what they expect of it is so. */
export async function isSeenTo(changes: readonly StateChange[], source: Session, target: Session): Promise<readonly StateChange[]> {
  const names = changes.flatMap(({ expected }) => [expected?.table, expected?.gone].filter((name) => name !== undefined)).map(({ schema, name }) => ({ schema, name }));
  if (names.length === 0) return [];
  const [ours, theirs] = [await readColumns(source, names), await readColumns(target, names)];
  return changes.filter(({ expected }) => {
    if (expected === undefined) return false;
    const { table, gone } = expected;
    if (gone !== undefined && theirs.has(quoteQualified(gone.schema, gone.name))) return false;
    if (table === undefined) return true;
    const name = quoteQualified(table.schema, table.name);
    const [source, target] = [ours.get(name), theirs.get(name)];
    return target !== undefined && table.columns.every((column) => target[column] === source?.[column]) && table.without.every((column) => target[column] === undefined);
  });
}

async function readColumns(session: Session, names: readonly { readonly schema: string; readonly name: string }[]): Promise<ReadonlyMap<string, Columns>> {
  const generated = session.versionNum >= 120000 ? "a.attgenerated" : "''";
  const rows = await session.query<{ schema: string; name: string; columns: Columns | null }>(
    `select n.nspname as schema, c.relname as name,
            (select pg_catalog.json_object_agg(a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod) || ' ' || ${generated}::pg_catalog.text)
               from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
       from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where (n.nspname, c.relname) in (select w.schema, w.name from unnest($1::pg_catalog.text[], $2::pg_catalog.text[]) w(schema, name)) and c.relkind in ('r', 'p')`,
    [names.map(({ schema }) => schema), names.map(({ name }) => name)],
  );
  return new Map(rows.map(({ schema, name, columns }) => [quoteQualified(schema, name), columns ?? {}]));
}
