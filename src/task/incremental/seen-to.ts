import type { StateChange } from "../../source/state-changes.ts";
import { readTypeDefinitions } from "../../source/type-definitions.ts";
import { quoteQualified } from "../../wire/quote.ts";
import type { Session } from "../../wire/session.ts";

/** By name: its type with its modifier and definition, and whether it is generated; and what rows have that were there before it was added, as text. */
type Columns = ReadonlyMap<string, { readonly type: string; readonly older: string | null }>;

/**
 * Those changes of which the target shows that the same was done there: what they expect of it is so. `onComputed` hears of those that gave older rows other values there: a default is computed once on each
 * side, and kept in the catalog (since 11). https://www.postgresql.org/docs/current/catalog-pg-attribute.html
 */
export async function isSeenTo(changes: readonly StateChange[], source: Session, target: Session, onComputed: (change: StateChange) => void): Promise<readonly StateChange[]> {
  const names = changes.flatMap(({ expected }) => [expected?.table, ...(expected?.gone ?? [])].filter((name) => name !== undefined)).map(({ schema, name }) => ({ schema, name }));
  if (names.length === 0) return [];
  const [ours, theirs] = [await readColumns(source, names), await readColumns(target, names)];
  return changes.filter((change) => {
    const { expected } = change;
    if (expected === undefined) return false;
    const { table, gone } = expected;
    if (gone?.some(({ schema, name }) => theirs.has(quoteQualified(schema, name)))) return false;
    if (table === undefined) return true;
    const name = quoteQualified(table.schema, table.name);
    const [source, target] = [ours.get(name), theirs.get(name)];
    if (target === undefined || !table.columns.every((column) => target.get(column)?.type === source?.get(column)?.type) || table.without.some((column) => target.has(column)))
      return false;
    if (!change.isRewritten && change.added?.some((column) => target.get(column)?.older !== source?.get(column)?.older)) onComputed(change);
    return true;
  });
}

async function readColumns(session: Session, names: readonly { readonly schema: string; readonly name: string }[]): Promise<ReadonlyMap<string, Columns>> {
  const generated = session.versionNum >= 120000 ? "a.attgenerated" : "''";
  const older = session.versionNum >= 110000 ? "a.attmissingval::pg_catalog.text" : "null";
  const definitions = await readTypeDefinitions(session);
  const rows = await session.query<{ schema: string; name: string; columns: readonly (readonly [name: string, typeOid: string, type: string, older: string | null])[] }>(
    `select n.nspname as schema, c.relname as name,
            coalesce((select pg_catalog.json_agg(pg_catalog.json_build_array(a.attname, a.atttypid::pg_catalog.text, pg_catalog.format_type(a.atttypid, a.atttypmod) || ' ' || ${generated}::pg_catalog.text, ${older}))
               from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '[]') as columns
       from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where (n.nspname, c.relname) in (select w.schema, w.name from unnest($1::pg_catalog.text[], $2::pg_catalog.text[]) w(schema, name)) and c.relkind in ('r', 'p')`,
    [names.map(({ schema }) => schema), names.map(({ name }) => name)],
  );
  const columnsOf = (columns: (typeof rows)[number]["columns"]): Columns =>
    new Map(columns.map(([name, typeOid, type, older]) => [name, { type: `${type} ${definitions.get(typeOid)?.names ?? ""}`, older }]));
  return new Map(rows.map(({ schema, name, columns }) => [quoteQualified(schema, name), columnsOf(columns)]));
}
