import { IS_USER_SCHEMA } from "../catalog/read-catalog.ts";
import { namingForeignBytes } from "../catalog/foreign-bytes.ts";
import type { ObjectKind } from "../plan/object-pattern.ts";
import { type Endpoint, withDatabase } from "../wire/endpoint.ts";
import { type Session, openSession } from "../wire/session.ts";
import type { ObjectNode, ObjectsAnswer } from "./contract/servers.ts";

/** Which level of the tree, and which part of it. */
export interface Level {
  readonly database?: string | undefined;
  readonly schema?: string | undefined;
  readonly kind?: ObjectKind | undefined;
  /** Part of the name. */
  readonly search?: string | undefined;
  /** The `next` of the page before. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/**
 * One level of the tree of a server's objects: databases, a database's schemas, or a schema's objects in pages by name. What belongs to an extension, or to the
 * server, is left out. One cheap query of the catalog.
 */
export async function readLevel(endpoint: Endpoint, level: Level, signal: AbortSignal): Promise<ObjectsAnswer> {
  const { database, schema, search } = level;
  await using session = await openSession(database === undefined ? endpoint : withDatabase(endpoint, database), { signal, settings: { statement_timeout: "30s" } });
  return await namingForeignBytes(session.endpoint, async () => {
    if (database === undefined) return { nodes: await readDatabases(session), next: null };
    if (schema === undefined && (search ?? "") === "") return { nodes: await readSchemas(session), next: null };
    return await readObjects(session, level);
  });
}

async function readDatabases(session: Session): Promise<ObjectNode[]> {
  const rows = await session.query<{ name: string; size: string | null }>(
    `select d.datname as name, case when pg_catalog.has_database_privilege(d.oid, 'connect') then pg_catalog.pg_database_size(d.oid) end as size
       from pg_catalog.pg_database d where d.datallowconn and not d.datistemplate order by d.datname`,
  );
  return rows.map(({ name, size }) => ({ kind: "database", schema: null, name, pattern: quoted(name), size: numberOf(size), children: null }));
}

async function readSchemas(session: Session): Promise<ObjectNode[]> {
  const rows = await session.query<{ name: string; children: string }>(
    `select n.nspname as name, (select count(*) from pg_catalog.pg_class c where c.relnamespace = n.oid and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')) as children
       from pg_catalog.pg_namespace n where ${IS_USER_SCHEMA} order by n.nspname`,
  );
  return rows.map(({ name, children }) => ({ kind: "schema", schema: null, name, pattern: quoted(name), size: null, children: Number(children) }));
}

interface ObjectRow {
  readonly kind: ObjectKind;
  readonly schema: string;
  readonly name: string;
  readonly arguments: string | null;
  readonly size: string | null;
  readonly key: string;
}

async function readObjects(session: Session, { schema, kind, search, after, limit }: Level): Promise<ObjectsAnswer> {
  const notOfExtension = (catalog: string, oid: string): string =>
    `not exists (select from pg_catalog.pg_depend e where e.classid = 'pg_catalog.${catalog}'::pg_catalog.regclass and e.objid = ${oid} and e.deptype = 'e')`;
  const rows = await session.query<ObjectRow>(
    `select * from (
       select o.kind, n.nspname as schema, o.name, o.arguments, o.size, o.name || ' ' || o.kind || ' ' || coalesce(o.arguments, '') || ' ' || n.nspname as key
         from (
           select case c.relkind when 'v' then 'view' when 'm' then 'materialized-view' when 'S' then 'sequence' else 'table' end as kind, c.relnamespace as namespace, c.relname::pg_catalog.text as name,
                  null::pg_catalog.text as arguments, case when c.relkind in ('r', 'm') then c.relpages::pg_catalog.int8 * pg_catalog.current_setting('block_size')::pg_catalog.int8 end as size
             from pg_catalog.pg_class c where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and ${notOfExtension("pg_class", "c.oid")}
           union all
           select 'type', t.typnamespace, t.typname, null, null from pg_catalog.pg_type t
            where t.typtype in ('e', 'd', 'r') and ${notOfExtension("pg_type", "t.oid")}
           union all
           select 'type', t.typnamespace, t.typname, null, null from pg_catalog.pg_type t join pg_catalog.pg_class c on c.oid = t.typrelid
            where c.relkind = 'c' and ${notOfExtension("pg_type", "t.oid")}
           union all
           select 'function', p.pronamespace, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid), null from pg_catalog.pg_proc p
            where ${notOfExtension("pg_proc", "p.oid")}
         ) o join pg_catalog.pg_namespace n on n.oid = o.namespace
        where ${IS_USER_SCHEMA} and ($1::pg_catalog.text is null or n.nspname = $1) and ($2::pg_catalog.text is null or o.kind = $2)
          and ($3::pg_catalog.text is null or pg_catalog.strpos(pg_catalog.lower(case when $1::pg_catalog.text is null then n.nspname || '.' else '' end || o.name), pg_catalog.lower($3)) > 0)
     ) found where $4::pg_catalog.text is null or key collate "C" > $4 order by key collate "C" limit $5`,
    [schema ?? null, kind ?? null, search ?? null, after ?? null, limit + 1],
  );
  const page = rows.slice(0, limit);
  return { nodes: page.map(toNode), next: rows.length > limit ? (page.at(-1)?.key ?? null) : null };
}

function toNode({ kind, schema, name, arguments: given, size }: ObjectRow): ObjectNode {
  const shown = given === null ? name : `${name}(${given})`;
  return { kind, schema, name: shown, pattern: `${quoted(schema)}.${quoted(shown)}`, size: numberOf(size), children: null };
}

/** As a pattern takes it literally (see plan/match-pattern.ts). */
function quoted(name: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

function numberOf(text: string | null): number | null {
  return text === null ? null : Number(text);
}

/** A label of the plan's ("table public.orders") as kind and pattern; undefined for what no pattern names. */
export function patternOfLabel(label: string, kinds: readonly string[]): { readonly kind: ObjectKind; readonly pattern: string } | undefined {
  const blank = label.indexOf(" ");
  const kind = label.slice(0, blank);
  return kinds.includes(kind) ? { kind: kind as ObjectKind, pattern: label.slice(blank + 1) } : undefined;
}
