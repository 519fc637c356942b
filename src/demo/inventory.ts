import type { EmbeddedServer } from "../embedded/server.ts";
import { parseEndpoint } from "../wire/endpoint.ts";
import { openSession } from "../wire/session.ts";
import { SAMPLE_DATABASE } from "./sample.ts";

/** How many of each kind of object the sample's database has, as the server's own catalog says. */
export interface InventoryLine {
  readonly kind: string;
  readonly plural: string;
  readonly count: number;
}

const OURS = "('shop', 'content', 'reporting', 'audit')";

/** Not null is a constraint of its own from PostgreSQL 18 on (contype n): left out, to be comparable. */
const QUERY = `
with objects as (
  select 1 as place, 'table' as kind, 'tables' as plural, count(*) as count from pg_catalog.pg_class where relkind in ('r', 'p') and relnamespace::regnamespace::text in ${OURS}
  union all select 2, 'view', 'views', count(*) from pg_catalog.pg_class where relkind in ('v', 'm') and relnamespace::regnamespace::text in ${OURS}
  union all select 3, 'index', 'indexes', count(*) from pg_catalog.pg_class where relkind in ('i', 'I') and relnamespace::regnamespace::text in ${OURS}
  union all select 4, 'sequence', 'sequences', count(*) from pg_catalog.pg_class where relkind = 'S' and relnamespace::regnamespace::text in ${OURS}
  union all select 5, 'constraint', 'constraints', count(*) from pg_catalog.pg_constraint where contype <> 'n' and connamespace::regnamespace::text in ${OURS}
  union all select 6, 'function', 'functions', count(*) from pg_catalog.pg_proc where pronamespace::regnamespace::text in ${OURS}
  union all select 7, 'trigger', 'triggers', count(*) from pg_catalog.pg_trigger where not tgisinternal
  union all select 8, 'type', 'types', count(*) from pg_catalog.pg_type where typtype in ('e', 'd', 'r') and typnamespace::regnamespace::text in ${OURS}
  union all select 9, 'access policy', 'access policies', count(*) from pg_catalog.pg_policy
  union all select 10, 'extension', 'extensions', count(*) from pg_catalog.pg_extension
  union all select 11, 'large object', 'large objects', count(*) from pg_catalog.pg_largeobject_metadata
  union all select 12, 'role', 'roles', count(*) from pg_catalog.pg_roles where rolname !~ '^pg_'
)
select kind, plural, count::int from objects order by place`;

export async function readInventory(server: EmbeddedServer): Promise<InventoryLine[]> {
  await using session = await openSession(parseEndpoint("source", server.uri(SAMPLE_DATABASE)));
  return await session.query<InventoryLine & object>(QUERY);
}
