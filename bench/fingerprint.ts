import type { EmbeddedServer } from "../src/embedded/server.ts";
import { quoteLiteral, quoteQualified } from "../src/wire/quote.ts";
import { withClient } from "./databases.ts";

/** Enough of a database to see that a tool that was fast also did the work. `godwit verify` is the thorough way; this judges it too. */
export interface Fingerprint {
  /** `schema.table` → row count and sum of the rows' hashes. */
  readonly tables: ReadonlyMap<string, string>;
  /** `schema.sequence` → last value. */
  readonly sequences: ReadonlyMap<string, string>;
  /** Kind → how many there are. */
  readonly counts: ReadonlyMap<string, string>;
}

const TABLES_PER_QUERY = 50;
const USER_SCHEMA = "n.nspname not like 'pg\\_%' and n.nspname not in ('information_schema', 'pgcopydb', 'godwit')";

export async function takeFingerprint(server: EmbeddedServer, database: string): Promise<Fingerprint> {
  return await withClient(server, database, async (client) => {
    const pairs = async (sql: string): Promise<[string, string][]> => {
      const result = await client.query<{ name: string; value: string | null }>(sql);
      return result.rows.map((row) => [row.name, String(row.value)]);
    };
    const names = await client.query<{ schema: string; name: string }>(
      `select n.nspname as schema, c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'r' and ${USER_SCHEMA} order by 1, 2`,
    );
    const tables = new Map<string, string>();
    for (let from = 0; from < names.rows.length; from += TABLES_PER_QUERY) {
      const digests = names.rows
        .slice(from, from + TABLES_PER_QUERY)
        .map(
          ({ schema, name }) =>
            `select ${quoteLiteral(`${schema}.${name}`)} as name, count(*) || ' rows, digest ' || coalesce(sum(hashtext(t::text)::bigint), 0) as value from only ${quoteQualified(schema, name)} as t`,
        );
      for (const [name, value] of await pairs(digests.join("\nunion all "))) tables.set(name, value);
    }
    const sequences = await pairs(
      "select schemaname || '.' || sequencename as name, last_value::text as value from pg_sequences where schemaname not like 'pg\\_%' and schemaname not in ('pgcopydb', 'godwit')",
    );
    // NOT NULL became a row of pg_constraint in PostgreSQL 18 (contype n): left out, so that majors can be compared.
    const counts = await pairs(`
      select 'valid indexes' as name, count(*)::text as value
        from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace where ${USER_SCHEMA} and i.indisvalid and i.indisready
      union all select 'valid constraints', count(*)::text
        from pg_constraint c join pg_namespace n on n.oid = c.connamespace where ${USER_SCHEMA} and c.contype <> 'n' and c.convalidated
      union all select 'views', count(*)::text from pg_class c join pg_namespace n on n.oid = c.relnamespace where ${USER_SCHEMA} and c.relkind = 'v'`);
    return { tables, sequences: new Map(sequences), counts: new Map(counts) };
  });
}

/** What the target lacks or has otherwise, one line each; empty when equal. */
export function differences(source: Fingerprint, target: Fingerprint): string[] {
  const found: string[] = [];
  for (const part of ["tables", "sequences", "counts"] as const) {
    for (const name of new Set([...source[part].keys(), ...target[part].keys()])) {
      const [expected, actual] = [source[part].get(name), target[part].get(name)];
      if (expected !== actual) found.push(`${name}: source ${expected ?? "does not have it"}, target ${actual ?? "does not have it"}`);
    }
  }
  return found;
}
