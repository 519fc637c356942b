import { quoteQualified } from "../wire/quote.ts";
import type { Session } from "../wire/session.ts";
import type { Entry } from "./entry.ts";

/** The options at the end of an identity's sequence, but for LOGGED and UNLOGGED. */
const OPTIONS = /(?:\n {4}(?:START WITH|INCREMENT BY|MINVALUE|MAXVALUE|CACHE) -?\d+|\n {4}(?:NO MINVALUE|NO MAXVALUE|CYCLE))+((?:\n {4}(?:UN)?LOGGED)?\n\);\s*)$/;

/**
 * Gives sequences of identity columns the type that ALTER SEQUENCE gave them. pg_dump does not write it: the sequence would get the column's type and
 * that type's bounds, or be refused because its own bounds are beyond it. GENERATED … AS IDENTITY takes no type, so all but the name is set behind it
 * (https://www.postgresql.org/docs/current/sql-altersequence.html).
 */
export async function withIdentityTypes(session: Session, entries: readonly Entry[]): Promise<readonly Entry[]> {
  if (session.versionNum < 100000) return entries;
  const rows = await session.query<{ oid: string; schema: string; name: string; options: string }>(`
    select s.seqrelid::pg_catalog.text as oid, n.nspname::pg_catalog.text as schema, c.relname::pg_catalog.text as name,
           pg_catalog.format('AS %s INCREMENT BY %s MINVALUE %s MAXVALUE %s START WITH %s RESTART CACHE %s %s', pg_catalog.format_type(s.seqtypid, null),
             s.seqincrement, s.seqmin, s.seqmax, s.seqstart, s.seqcache, case when s.seqcycle then 'CYCLE' else 'NO CYCLE' end) as options
      from pg_catalog.pg_sequence s
      join pg_catalog.pg_class c on c.oid = s.seqrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = s.seqrelid and d.deptype = 'i'
       and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
     where a.atttypid <> s.seqtypid`);
  if (rows.length === 0) return entries;
  const byOid = new Map(rows.map((row) => [row.oid, row]));
  return entries.map((entry) => {
    const sequence = entry.type === "SEQUENCE" ? byOid.get(entry.oid) : undefined;
    if (sequence === undefined) return entry;
    const alter = `ALTER SEQUENCE ${quoteQualified(sequence.schema, sequence.name)} ${sequence.options};`;
    return { ...entry, sql: `${entry.sql.replace(OPTIONS, "$1")}\n\n${alter}` };
  });
}
