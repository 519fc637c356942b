import { displayName } from "../catalog/catalog.ts";
import type { Session } from "../wire/session.ts";
import type { DatabasePlan } from "../plan/database-plan.ts";

export interface ExistingObjects {
  readonly names: string[];
  readonly total: number;
}

/** What people made in a database; what extensions brought is theirs, and CREATE EXTENSION IF NOT EXISTS does not mind, nor does its schema (see rewrite/extension-schemas.ts). */
const USER_OBJECTS = `
  select 'schema'::pg_catalog.text as kind, null::pg_catalog.text as schema, n.nspname::pg_catalog.text as name, 'pg_catalog.pg_namespace'::pg_catalog.regclass as classid, n.oid as oid from pg_catalog.pg_namespace n
   where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'public') and not exists (select from pg_catalog.pg_extension e where e.extnamespace = n.oid)
  union all
  select case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' when 'f' then 'foreign table' else 'table' end,
         n.nspname, c.relname, 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  union all
  select 'type', n.nspname, t.typname, 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid
    from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace left join pg_catalog.pg_class c on c.oid = t.typrelid
   where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
     and (t.typtype in ('d', 'e', 'r') or (t.typtype = 'c' and c.relkind = 'c') or (t.typtype = 'b' and t.typelem = 0))
  union all
  select 'function', n.nspname, p.proname || '(' || pg_catalog.oidvectortypes(p.proargtypes) || ')', 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid
    from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
   where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  union all
  select r.kind, n.nspname, r.name, r.classid, r.oid
    from (select 'collation' as kind, c.collnamespace as namespace, c.collname::pg_catalog.text as name, 'pg_catalog.pg_collation'::pg_catalog.regclass as classid, c.oid from pg_catalog.pg_collation c
          union all select 'conversion', c.connamespace, c.conname, 'pg_catalog.pg_conversion'::pg_catalog.regclass, c.oid from pg_catalog.pg_conversion c
          union all select 'text search configuration', c.cfgnamespace, c.cfgname, 'pg_catalog.pg_ts_config'::pg_catalog.regclass, c.oid from pg_catalog.pg_ts_config c
          union all select 'text search dictionary', d.dictnamespace, d.dictname, 'pg_catalog.pg_ts_dict'::pg_catalog.regclass, d.oid from pg_catalog.pg_ts_dict d
          union all select 'text search parser', p.prsnamespace, p.prsname, 'pg_catalog.pg_ts_parser'::pg_catalog.regclass, p.oid from pg_catalog.pg_ts_parser p
          union all select 'text search template', t.tmplnamespace, t.tmplname, 'pg_catalog.pg_ts_template'::pg_catalog.regclass, t.oid from pg_catalog.pg_ts_template t
          union all select 'operator', o.oprnamespace, o.oprname || '(' || coalesce(pg_catalog.format_type(nullif(o.oprleft, 0), null), '-') || ', ' || coalesce(pg_catalog.format_type(nullif(o.oprright, 0), null), '-') || ')',
                           'pg_catalog.pg_operator'::pg_catalog.regclass, o.oid from pg_catalog.pg_operator o
          union all select 'operator class', o.opcnamespace, o.opcname, 'pg_catalog.pg_opclass'::pg_catalog.regclass, o.oid from pg_catalog.pg_opclass o
          union all select 'operator family', o.opfnamespace, o.opfname, 'pg_catalog.pg_opfamily'::pg_catalog.regclass, o.oid from pg_catalog.pg_opfamily o
         ) r join pg_catalog.pg_namespace n on n.oid = r.namespace
   where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`;

/** Those that have a space of names of their own, as pg_dump calls them; operators and their classes are named ambiguously there. */
const OWN_SPACE = ["COLLATION", "CONVERSION", "TEXT SEARCH CONFIGURATION", "TEXT SEARCH DICTIONARY", "TEXT SEARCH PARSER", "TEXT SEARCH TEMPLATE"];

/** What belongs to no schema, under pg_dump's types and names. */
const WITHOUT_SCHEMA = `
  select 'FOREIGN DATA WRAPPER'::pg_catalog.text as type, w.fdwname::pg_catalog.text as name from pg_catalog.pg_foreign_data_wrapper w
  union all select 'SERVER', s.srvname from pg_catalog.pg_foreign_server s
  union all select 'PROCEDURAL LANGUAGE', l.lanname from pg_catalog.pg_language l
  union all select 'ACCESS METHOD', a.amname from pg_catalog.pg_am a
  union all select 'EVENT TRIGGER', e.evtname from pg_catalog.pg_event_trigger e
  union all select 'PUBLICATION', p.pubname from pg_catalog.pg_publication p
  union all select 'CAST', 'CAST (' || pg_catalog.format_type(c.castsource, null) || ' AS ' || pg_catalog.format_type(c.casttarget, null) || ')' from pg_catalog.pg_cast c`;

const NOT_OF_EXTENSIONS = "not exists (select from pg_catalog.pg_depend d where d.classid = o.classid and d.objid = o.oid and d.deptype = 'e')";

/** Everything that people made in a database: the first twenty, and how many there are. */
export async function allObjects(target: Session): Promise<ExistingObjects> {
  const objects = await target.query<{ kind: string; schema: string | null; name: string; total: string }>(
    `select o.kind, o.schema, o.name, pg_catalog.count(*) over () as total from (${USER_OBJECTS}
      union all select 'large object', null, m.oid::pg_catalog.text, 'pg_catalog.pg_largeobject'::pg_catalog.regclass, m.oid from pg_catalog.pg_largeobject_metadata m) o
      where ${NOT_OF_EXTENSIONS} order by o.kind = 'large object', o.schema nulls first, o.name limit 20`,
  );
  return { names: objects.map(({ kind, schema, name }) => nameOf(kind, schema, name)), total: Number(objects[0]?.total ?? 0) };
}

/**
 * What exists under the names of a plan's objects: the first twenty, and how many there are.
 * Tables, views, sequences, composite types … share one space of names per schema, so the kind does not matter among them.
 * unnest takes several arrays only by its bare name: the form belongs to the grammar (https://www.postgresql.org/docs/current/functions-array.html).
 */
export async function objectsOfPlan(target: Session, plan: DatabasePlan): Promise<ExistingObjects> {
  const objects = await target.query<{ kind: string; schema: string | null; name: string; total: string }>(
    `select o.kind, o.schema, o.name, pg_catalog.count(*) over () as total from (${USER_OBJECTS}) o where ${IS_WANTED} order by o.schema nulls first, o.name limit 20`,
    wantedNames(plan),
  );
  return { names: objects.map(({ kind, schema, name }) => nameOf(kind, schema, name)), total: Number(objects[0]?.total ?? 0) };
}

export interface ExtensionObjects extends ExistingObjects {
  readonly extensions: readonly string[];
}

/** Of these the objects that extensions brought: the extension may stay where it is, but nothing can be created under their names. */
export async function extensionObjectsOfPlan(target: Session, plan: DatabasePlan): Promise<ExtensionObjects> {
  const objects = await target.query<{ kind: string; schema: string | null; name: string; extension: string; total: string }>(
    `select o.kind, o.schema, o.name, e.extname as extension, pg_catalog.count(*) over () as total
       from (${USER_OBJECTS}) o join pg_catalog.pg_depend d on d.classid = o.classid and d.objid = o.oid and d.deptype = 'e' and d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
       join pg_catalog.pg_extension e on e.oid = d.refobjid
      where ${IS_WANTED} order by o.schema nulls first, o.name limit 20`,
    wantedNames(plan),
  );
  return {
    names: objects.map(({ kind, schema, name, extension }) => `${nameOf(kind, schema, name)} of extension ${extension}`),
    total: Number(objects[0]?.total ?? 0),
    extensions: [...new Set(objects.map(({ extension }) => extension))].toSorted(),
  };
}

const IS_WANTED = `(case when o.kind in ('table', 'view', 'materialized view', 'sequence', 'foreign table', 'type') then 'name' else o.kind end, coalesce(o.schema, ''), o.name)
  in (select w.space, w.schema, w.name from unnest($1::pg_catalog.text[], $2::pg_catalog.text[], $3::pg_catalog.text[]) as w(space, schema, name))`;

/** The parameters of IS_WANTED. */
function wantedNames(plan: DatabasePlan): string[][] {
  const wanted: { readonly space: string; readonly schema: string; readonly name: string }[] = [];
  for (const relation of plan.catalog.relations) {
    if (relation.extension === undefined && plan.selection.isSelected(relation)) wanted.push({ space: "name", schema: relation.schema, name: relation.name });
  }
  for (const { type, schema, name } of plan.entries) {
    if (type === "SCHEMA" && name !== "public") wanted.push({ space: "schema", schema: "", name });
    else if (type === "TYPE" || type === "DOMAIN") wanted.push({ space: "name", schema, name });
    else if (type === "FUNCTION" || type === "PROCEDURE" || type === "AGGREGATE") wanted.push({ space: "function", schema, name });
    else if (OWN_SPACE.includes(type)) wanted.push({ space: type.toLowerCase(), schema, name });
  }
  return [wanted.map(({ space }) => space), wanted.map(({ schema }) => schema), wanted.map(({ name }) => name)];
}

/** What exists of a plan's objects that belong to no schema, also what extensions brought; a language without parameters is created only where there is none. */
export async function schemalessOfPlan(target: Session, plan: DatabasePlan): Promise<string[]> {
  const wanted = plan.entries.filter(({ schema, sql }) => schema === "-" && !/^CREATE OR REPLACE /m.test(sql));
  const rows = await target.query<{ type: string; name: string }>(
    `select o.type, o.name from (${WITHOUT_SCHEMA}) o
      where (o.type, o.name) in (select w.type, w.name from unnest($1::pg_catalog.text[], $2::pg_catalog.text[]) as w(type, name)) order by 1, 2`,
    [wanted.map(({ type }) => type), wanted.map(({ name }) => name)],
  );
  return rows.map(({ type, name }) => (type === "CAST" ? `cast ${name.slice("CAST ".length)}` : `${type.toLowerCase()} ${name}`));
}

/** Indexes share their names with relations: what exists under the names of a plan's indexes, and which indexes do under those of its relations. */
export async function indexesOfPlan(target: Session, plan: DatabasePlan): Promise<string[]> {
  const moving = plan.catalog.relations.filter((relation) => relation.extension === undefined && plan.selection.isSelected(relation));
  const oids = new Set(moving.map(({ oid }) => oid));
  const indexes = [...new Set(plan.indexes.values())].filter(({ tableOid }) => oids.has(tableOid));
  const wanted = [...indexes.map(({ schema, name }) => ({ schema, name, isIndex: true })), ...moving.map(({ schema, name }) => ({ schema, name, isIndex: false }))];
  const rows = await target.query<{ kind: string; schema: string; name: string }>(
    `select case when c.relkind in ('i', 'I') then 'index' else 'relation' end as kind, n.nspname as schema, c.relname as name
       from unnest($1::pg_catalog.text[], $2::pg_catalog.text[], $3::pg_catalog.bool[]) as w(schema, name, is_index)
       join pg_catalog.pg_namespace n on n.nspname = w.schema join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = w.name
      where w.is_index or c.relkind in ('i', 'I') order by 2, 3 limit 20`,
    [wanted.map(({ schema }) => schema), wanted.map(({ name }) => name), wanted.map(({ isIndex }) => isIndex)],
  );
  return rows.map(({ kind, schema, name }) => nameOf(kind, schema, name));
}

function nameOf(kind: string, schema: string | null, name: string): string {
  return `${kind} ${schema === null ? name : kind === "function" || kind === "operator" ? `${schema}.${name}` : displayName({ schema, name })}`;
}
