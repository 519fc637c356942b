import type { Session } from "../wire/session.ts";

/** What is computed while rows are written, and a function of the database's own that it calls. */
export interface ComputedPlace {
  /** The table that it belongs to, by oid. */
  readonly relation: string;
  /** "index i of s.t", "constraint c of s.t", "column c of s.t" (a generated one, or one of a range type), "partition key of s.t", "domain d in s.t". */
  readonly place: string;
  /** The function's oid. */
  readonly routine: string;
}

/**
 * Indexes (with their predicates and operator classes), CHECK and EXCLUDE constraints, those of domains, generated columns, partition keys and range types of columns and of what is
 * indexed (with what they compare, subtract and normalize by), as far as they call what was not made by initdb: directly, by an operator, or by an operator class.
 * https://www.postgresql.org/docs/current/catalog-pg-depend.html
 */
export async function readPlaces(source: Session): Promise<ComputedPlace[]> {
  const generated =
    source.versionNum >= 120000
      ? `union all select 'pg_catalog.pg_attrdef'::pg_catalog.regclass, d.oid, d.adrelid, pg_catalog.format('column %s of', a.attname)
           from pg_catalog.pg_attrdef d join pg_catalog.pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum where a.attgenerated = 's'`
      : "";
  const partitioned =
    source.versionNum >= 100000
      ? "union all select 'pg_catalog.pg_class'::pg_catalog.regclass, p.partrelid, p.partrelid, 'partition key of' from pg_catalog.pg_partitioned_table p"
      : "";
  const isMultirange = source.versionNum >= 140000 ? "or g.rngmultitypid = t.oid" : "";
  return await source.query<ComputedPlace & Record<string, unknown>>(
    `with places (class, object, relation, place) as (
       select 'pg_catalog.pg_class'::pg_catalog.regclass, i.indexrelid, i.indrelid, pg_catalog.format('index %s of', c.relname)
         from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid
       union all
       select 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid, k.conrelid, pg_catalog.format('constraint %s of', k.conname)
         from pg_catalog.pg_constraint k where k.contype in ('c', 'x') and k.conrelid <> 0
       union all
       select 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid, a.attrelid, pg_catalog.format('domain %s in', t.typname)
         from pg_catalog.pg_constraint k join pg_catalog.pg_type t on t.oid = k.contypid join pg_catalog.pg_attribute a on a.atttypid = t.oid and a.attnum > 0 and not a.attisdropped
        where k.contype = 'c'
       union all
       select 'pg_catalog.pg_type'::pg_catalog.regclass, g.rngtypid, coalesce(i.indrelid, c.oid),
              case when i.indrelid is null then pg_catalog.format('column %s of', a.attname) else pg_catalog.format('index %s of', c.relname) end
         from pg_catalog.pg_range g join pg_catalog.pg_type t on g.rngtypid in (t.oid, t.typbasetype, t.typelem) ${isMultirange}
         join pg_catalog.pg_attribute a on a.atttypid = t.oid and a.attnum > 0 and not a.attisdropped
         join pg_catalog.pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p', 'i', 'I') left join pg_catalog.pg_index i on i.indexrelid = c.oid
       ${generated} ${partitioned}),
     uses as (
       select p.relation, p.place, d.refclassid as class, d.refobjid as object
         from places p join pg_catalog.pg_depend d on d.classid = p.class and d.objid = p.object
        where d.refclassid in ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass, 'pg_catalog.pg_opclass'::pg_catalog.regclass)),
     routines as (
       select u.relation, u.place, u.object as routine from uses u where u.class = 'pg_catalog.pg_proc'::pg_catalog.regclass
       union select u.relation, u.place, o.oprcode::pg_catalog.oid from uses u join pg_catalog.pg_operator o on o.oid = u.object where u.class = 'pg_catalog.pg_operator'::pg_catalog.regclass
       union select u.relation, u.place, a.amproc::pg_catalog.oid
         from uses u join pg_catalog.pg_opclass c on c.oid = u.object join pg_catalog.pg_amproc a on a.amprocfamily = c.opcfamily where u.class = 'pg_catalog.pg_opclass'::pg_catalog.regclass
       union select u.relation, u.place, o.oprcode::pg_catalog.oid
         from uses u join pg_catalog.pg_opclass c on c.oid = u.object join pg_catalog.pg_amop a on a.amopfamily = c.opcfamily join pg_catalog.pg_operator o on o.oid = a.amopopr
        where u.class = 'pg_catalog.pg_opclass'::pg_catalog.regclass)
     select c.oid::pg_catalog.text as relation, pg_catalog.format('%s %s.%s', r.place, n.nspname, c.relname) as place, p.oid::pg_catalog.text as routine
       from routines r
       join pg_catalog.pg_proc p on p.oid = r.routine::pg_catalog.oid join pg_catalog.pg_language l on l.oid = p.prolang
       join pg_catalog.pg_class c on c.oid = r.relation join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where l.lanname not in ('c', 'internal') and p.oid >= 16384 and n.nspname <> 'information_schema' order by 2, 3`,
  );
}
