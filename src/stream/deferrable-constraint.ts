import { quoteQualified } from "../wire/quote.ts";
import type { Session } from "../wire/session.ts";

/**
 * A DEFERRABLE primary key, unique or exclusion constraint. The index does not refuse what collides; an internal trigger looks again later
 * (https://www.postgresql.org/docs/current/index-unique-checks.html), and with session_replication_role = replica it does not act. So whoever writes has to look.
 */
export interface DeferrableConstraint {
  readonly name: string;
  /** Quoted: the table that has it, or a partition of it. */
  readonly rowsOf: string;
  /** ` where …` of an exclusion constraint that is not for all rows; else "". */
  readonly where: string;
  /** NULLs are alike: NULLS NOT DISTINCT, since 15. */
  readonly isNullAlike: boolean;
  /** Two rows collide where all of them do. */
  readonly elements: readonly ConstraintElement[];
}

export interface ConstraintElement {
  /** SQL over the columns of one row. */
  readonly expression: string;
  /** By which two values of it collide: `operator("pg_catalog".&&)`. */
  readonly operator: string;
  /** `collate …`, or "". */
  readonly collate: string;
  /** The column that it is; null for an expression. */
  readonly column: string | null;
  /** By its operator a value collides with itself, or with none: = and &&, not <>. */
  readonly isReflexive: boolean;
}

interface Row {
  table_oid: string;
  name: string;
  schema: string;
  relation: string;
  is_partitioned: boolean;
  predicate: string | null;
  is_null_alike: boolean;
  elements: ConstraintElement[];
}

/**
 * The deferrable constraints of tables, and those that only partitions of them have, by the tables' oids. What a partition inherits (its index is attached: in pg_inherits since 11) is looked
 * at through its parent.
 */
export async function readDeferrable(target: Session, oids: readonly string[]): Promise<Map<string, DeferrableConstraint[]>> {
  const rows = await target.query<Row>(
    `with recursive below (root, oid) as (
       select w.oid, w.oid from pg_catalog.unnest($1::oid[]) as w (oid)
       union all
       select b.root, h.inhrelid from below b
         join pg_catalog.pg_class c on c.oid = b.oid and c.relkind = 'p'
         join pg_catalog.pg_inherits h on h.inhparent = c.oid
     )
     select b.root::text as table_oid, k.conname as name, n.nspname as schema, c.relname as relation, c.relkind = 'p' as is_partitioned,
            pg_catalog.pg_get_expr(i.indpred, i.indrelid) as predicate, ${target.versionNum >= 150000 ? "i.indnullsnotdistinct" : "false"} as is_null_alike, e.elements
       from below b
       join pg_catalog.pg_constraint k on k.conrelid = b.oid and k.condeferrable and k.contype in ('p', 'u', 'x')
       join pg_catalog.pg_index i on i.indexrelid = k.conindid
       join pg_catalog.pg_class c on c.oid = i.indrelid
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      cross join lateral (
        select pg_catalog.json_agg(pg_catalog.json_build_object(
                 'expression', pg_catalog.pg_get_indexdef(i.indexrelid, p.at::int, false),
                 'operator', 'operator(' || pg_catalog.quote_ident(opn.nspname) || '.' || op.oprname || ')',
                 'collate', case when co.oid is null then '' else 'collate ' || pg_catalog.quote_ident(con.nspname) || '.' || pg_catalog.quote_ident(co.collname) end,
                 'column', a.attname,
                 'isReflexive', op.oprname in ('=', '&&')) order by p.at) as elements
          from rows from (pg_catalog.unnest(i.indkey::int2[]), pg_catalog.unnest(i.indclass::oid[]), pg_catalog.unnest(i.indcollation::oid[])) with ordinality as p (attnum, opclass, coll, at)
          join pg_catalog.pg_opclass oc on oc.oid = p.opclass
          left join pg_catalog.pg_amop ao on ao.amopfamily = oc.opcfamily and ao.amoplefttype = oc.opcintype and ao.amoprighttype = oc.opcintype and ao.amopstrategy = 3
          join pg_catalog.pg_operator op on op.oid = coalesce(k.conexclop[p.at], ao.amopopr)
          join pg_catalog.pg_namespace opn on opn.oid = op.oprnamespace
          left join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = p.attnum and p.attnum > 0
          left join pg_catalog.pg_collation co on co.oid = p.coll
          left join pg_catalog.pg_namespace con on con.oid = co.collnamespace) e
      where b.oid = b.root or not exists (select from pg_catalog.pg_inherits h where h.inhrelid = i.indexrelid)
      order by k.oid`,
    [oids],
  );
  const constraints = rows.map((row): [string, DeferrableConstraint] => {
    const name = quoteQualified(row.schema, row.relation);
    const where = row.predicate === null ? "" : ` where ${row.predicate}`;
    return [row.table_oid, { name: row.name, rowsOf: row.is_partitioned ? name : `only ${name}`, where, isNullAlike: row.is_null_alike, elements: row.elements }];
  });
  return new Map(Map.groupBy(constraints, ([oid]) => oid).entries().map(([oid, of]) => [oid, of.map(([, constraint]) => constraint)])); // prettier-ignore
}
