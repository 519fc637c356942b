import { type Session, openSession } from "../../../src/wire/session.ts";
import type { Endpoint } from "../../../src/wire/endpoint.ts";
import { quoteQualified } from "../../../src/wire/quote.ts";

const MATERIALIZED_VIEWS = `
  select 'materialized view ' || c.oid::regclass::text || ' populated: ' || c.relispopulated as fact from pg_catalog.pg_class c
   where c.relkind = 'm' order by 1`;
const LARGE_OBJECTS = `
  select 'large object ' || m.oid || ' ' || pg_catalog.pg_get_userbyid(m.lomowner) || ' ' || pg_catalog.md5(pg_catalog.lo_get(m.oid)) || coalesce(' ' || m.lomacl::text, '') as fact
    from pg_catalog.pg_largeobject_metadata m order by 1`;

/** What neither a schema dump nor the digests of tables show: values of sequences, large objects, materialized views that are filled. */
export async function readFacts(endpoint: Endpoint): Promise<string[]> {
  await using session = await openSession(endpoint);
  const rows = [...(await session.query<{ fact: string }>(MATERIALIZED_VIEWS)), ...(await session.query<{ fact: string }>(LARGE_OBJECTS))];
  return [...rows.map(({ fact }) => fact), ...(await readSequences(session))];
}

async function readSequences(session: Session): Promise<string[]> {
  const sequences = await session.query<{ schema: string; name: string }>(
    "select n.nspname as schema, c.relname as name from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.relkind = 'S' order by 1, 2",
  );
  const facts: string[] = [];
  for (const { schema, name } of sequences) {
    const [value] = await session.query<{ last: string; called: boolean }>(`select last_value::text as last, is_called as called from ${quoteQualified(schema, name)}`);
    facts.push(`sequence ${schema}.${name} ${value?.last} ${value?.called}`);
  }
  return facts;
}
