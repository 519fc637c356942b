import { displayName } from "../../catalog/catalog.ts";
import { describeEndpoint } from "../../wire/endpoint.ts";
import { type Check, found, listed, passed } from "../check.ts";

/** So much of its values is used up. */
const NEAR_THE_END = 0.9;

interface Row {
  readonly schema: string;
  readonly name: string;
  readonly last: string;
  readonly limit: string;
  /** That it belongs to, and that cannot hold more than it can. */
  readonly column: string | null;
}

export const sequenceLimits: Check = {
  id: "sequence-limits",
  title: "Sequences have numbers left",
  about:
    "From 10 on. Alarm: a sequence that has used up more than 90 % of its values, or of those that the integer or smallint column holds that it belongs to; upwards from its smallest value, or downwards from its greatest. It moves as it is, and is then as near to its end on the target.",
  appliesTo: ({ source }) => source.versionNum >= 100000,
  run: async ({ databases }) =>
    await Promise.all(
      databases.map(async ({ plan, source }) => {
        const scope = describeEndpoint(plan.source);
        // "beyond": by how much the sequence goes further than its column; where it does, it would begin again too late.
        // A column of a smaller type than its sequence is the usual case: serial is an integer, and was fed by a bigint sequence before 10. numeric: a range may be as wide as all of bigint.
        const rows = await source.query<Row>(
          `select x.schema, x.name, x.last::pg_catalog.text as last, (case when x.rises then x.most else x.least end)::pg_catalog.text as limit,
                  case when x.beyond >= 0 then x."column" end as "column"
             from (
             select s.schemaname as schema, s.sequencename as name, s.last_value::pg_catalog.numeric as last, s.cycle, a.attname as "column", s.increment_by > 0 as rises,
                    greatest(s.min_value, t.least)::pg_catalog.numeric as least,
                    least(s.max_value, t.most)::pg_catalog.numeric as most,
                    case when s.increment_by > 0 then s.max_value::pg_catalog.numeric - t.most else t.least - s.min_value::pg_catalog.numeric end as beyond
               from pg_catalog.pg_sequences s
               join pg_catalog.pg_namespace n on n.nspname = s.schemaname
               join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = s.sequencename
               left join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.refclassid = d.classid and d.deptype in ('a', 'i')
               left join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
               left join (values ('pg_catalog.int4'::pg_catalog.regtype, -2147483648, 2147483647), ('pg_catalog.int2'::pg_catalog.regtype, -32768, 32767)) as t(type, least, most) on t.type = a.atttypid) x
            where (not x.cycle or x.beyond > 0) and (case when x.rises then x.last - x.least else x.most - x.last end) > ${NEAR_THE_END} * (x.most - x.least) order by 1, 2`,
        );
        const selected = rows.filter((row) =>
          plan.catalog.relations.some((relation) => relation.schema === row.schema && relation.name === row.name && plan.selection.isSelected(relation)),
        );
        if (selected.length === 0) return passed(sequenceLimits, scope);
        return found(sequenceLimits, scope, "alarm", {
          evidence: listed(
            selected.map((row) => `${displayName(row)} is at ${row.last} of ${row.limit}${row.column === null ? "" : `, which is what its column ${row.column} holds`}`),
          ),
          why: "When it is used up, inserts fail. It is so at the source already; the migration neither causes nor mends it.",
          fix: "Make the column a bigint (alter table … alter column … type bigint rewrites the table: easier on the target, before the switch) and the sequence, too (alter sequence … as bigint: an identity's becomes one with its column), or let the sequence cycle.",
        });
      }),
    ),
};
