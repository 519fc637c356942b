import type { Session } from "../wire/session.ts";

/** One object needs another; both are `catalog oid:oid`, as in a dump entry's header. */
export interface Dependency {
  readonly object: string;
  readonly needs: string;
  /**
   * `partOf`: a rule, trigger, policy, default, constraint or index and its table, a member of an operator class and the class;
   * `statistics`: extended statistics and their table, which does not need what they need;
   * `owned`: a sequence and the table that owns it; `identity`: the same for an identity column, where the sequence is nothing without the table.
   */
  readonly kind: "needs" | "foreignKey" | "owned" | "identity" | "partOf" | "statistics";
}

/**
 * The dependency graph of the user's objects, from pg_depend (https://www.postgresql.org/docs/current/catalog-pg-depend.html), with parts
 * (column defaults, rules of views, constraints, indexes, triggers, row types, array types) folded into the object they are part of.
 */
export async function readDependencies(session: Session): Promise<Dependency[]> {
  const policies =
    session.versionNum >= 90500
      ? "union all select 'pg_catalog.pg_policy'::pg_catalog.regclass, p.oid, 'pg_catalog.pg_class'::pg_catalog.regclass, p.polrelid from pg_catalog.pg_policy p"
      : "";
  const statistics =
    session.versionNum >= 100000
      ? "union all select 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass::oid::text || ':' || s.oid::text, 'pg_catalog.pg_class'::pg_catalog.regclass::oid::text || ':' || s.stxrelid::text, 'statistics' from pg_catalog.pg_statistic_ext s"
      : "";
  return await session.query<Dependency>(`
    with part (classid, objid, ownerclass, owner) as (
      select 'pg_catalog.pg_attrdef'::pg_catalog.regclass, a.oid, 'pg_catalog.pg_class'::pg_catalog.regclass, a.adrelid from pg_catalog.pg_attrdef a
      union all select 'pg_catalog.pg_rewrite'::pg_catalog.regclass, r.oid, 'pg_catalog.pg_class'::pg_catalog.regclass, r.ev_class from pg_catalog.pg_rewrite r
      union all select 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid, 'pg_catalog.pg_class'::pg_catalog.regclass, k.conrelid from pg_catalog.pg_constraint k where k.conrelid <> 0 and k.contype <> 'f'
      union all select 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid, 'pg_catalog.pg_type'::pg_catalog.regclass, k.contypid from pg_catalog.pg_constraint k where k.contypid <> 0
      union all select 'pg_catalog.pg_trigger'::pg_catalog.regclass, t.oid, 'pg_catalog.pg_class'::pg_catalog.regclass, t.tgrelid from pg_catalog.pg_trigger t
      union all select 'pg_catalog.pg_class'::pg_catalog.regclass, i.indexrelid, 'pg_catalog.pg_class'::pg_catalog.regclass, i.indrelid from pg_catalog.pg_index i
      union all select 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid, 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid
                  from pg_catalog.pg_type t join pg_catalog.pg_class c on c.oid = t.typrelid and c.relkind <> 'c'
      union all select 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid, 'pg_catalog.pg_type'::pg_catalog.regclass, c.reltype from pg_catalog.pg_class c where c.relkind = 'c'
      union all select 'pg_catalog.pg_type'::pg_catalog.regclass, a.oid, 'pg_catalog.pg_type'::pg_catalog.regclass, e.oid
                  from pg_catalog.pg_type a join pg_catalog.pg_type e on e.typarray = a.oid left join pg_catalog.pg_class c on c.oid = e.typrelid
                 where c.oid is null or c.relkind = 'c'
      union all select 'pg_catalog.pg_type'::pg_catalog.regclass, a.oid, 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid
                  from pg_catalog.pg_type a join pg_catalog.pg_type e on e.typarray = a.oid join pg_catalog.pg_class c on c.oid = e.typrelid and c.relkind <> 'c'
      union all select m.classid::pg_catalog.regclass, m.objid, m.refclassid::pg_catalog.regclass, m.refobjid from pg_catalog.pg_depend m
                 where m.classid in ('pg_catalog.pg_amop'::pg_catalog.regclass, 'pg_catalog.pg_amproc'::pg_catalog.regclass) and m.deptype in ('a', 'i')
                   and m.refclassid in ('pg_catalog.pg_opclass'::pg_catalog.regclass, 'pg_catalog.pg_opfamily'::pg_catalog.regclass)
      ${policies}
    ), edge as (
      select coalesce(d.ownerclass, x.classid) as classid, coalesce(d.owner, x.objid) as objid,
             coalesce(r.ownerclass, x.refclassid) as refclassid, coalesce(r.owner, x.refobjid) as refobjid,
             x.deptype, x.classid as partclass
        from pg_catalog.pg_depend x
        left join part d on d.classid = x.classid and d.objid = x.objid
        left join part r on r.classid = x.refclassid and r.objid = x.refobjid
       where x.refobjid >= 16384 and x.objid >= 16384
         and not (x.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass and d.owner is null)
    )
    select distinct classid::oid::text || ':' || objid::text as object, refclassid::oid::text || ':' || refobjid::text as needs,
           case when deptype in ('a', 'i') and classid = 'pg_catalog.pg_class'::pg_catalog.regclass and partclass = classid and exists
                     (select from pg_catalog.pg_class s where s.oid = objid and s.relkind = 'S') then case deptype when 'a' then 'owned' else 'identity' end else 'needs' end as kind
      from edge where (classid, objid) <> (refclassid, refobjid)
    union all
    select classid::oid::text || ':' || objid::text, ownerclass::oid::text || ':' || owner::text, 'partOf' from part
      where objid >= 16384 and classid <> 'pg_catalog.pg_type'::pg_catalog.regclass
    union all
    select 'pg_catalog.pg_constraint'::pg_catalog.regclass::oid::text || ':' || k.oid::text, 'pg_catalog.pg_class'::pg_catalog.regclass::oid::text || ':' || k.conrelid::text, 'partOf'
      from pg_catalog.pg_constraint k where k.contype = 'f'
    union all
    select 'pg_catalog.pg_constraint'::pg_catalog.regclass::oid::text || ':' || k.oid::text, 'pg_catalog.pg_class'::pg_catalog.regclass::oid::text || ':' || k.confrelid::text, 'foreignKey'
      from pg_catalog.pg_constraint k where k.contype = 'f' and k.conrelid <> k.confrelid
    ${statistics}`);
}

/** A function or relation that CREATE EXTENSION makes; pg_dump speaks of it only when its rights were changed. */
export interface ExtensionMember {
  readonly extensionOid: string;
  readonly schema: string;
  /** Functions with their arguments, as pg_dump writes them. */
  readonly name: string;
}

export async function readExtensionMembers(session: Session): Promise<ExtensionMember[]> {
  const member = (catalog: string): string =>
    `join pg_catalog.pg_depend d on d.classid = 'pg_catalog.${catalog}'::pg_catalog.regclass and d.objid = o.oid and d.deptype = 'e' and d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass`;
  return await session.query<ExtensionMember>(`
    select d.refobjid::text as "extensionOid", n.nspname as schema, o.relname::text as name
      from pg_catalog.pg_class o ${member("pg_class")} join pg_catalog.pg_namespace n on n.oid = o.relnamespace
    union all
    select d.refobjid::text, n.nspname, o.proname || '(' || pg_catalog.pg_get_function_identity_arguments(o.oid) || ')'
      from pg_catalog.pg_proc o ${member("pg_proc")} join pg_catalog.pg_namespace n on n.oid = o.pronamespace`);
}
