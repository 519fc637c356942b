import type { Session } from "../wire/session.ts";
import type { Entry } from "./entry.ts";

/** What holds data: it must be there before the copy. */
const HOLDS_DATA = new Set(["TABLE", "SEQUENCE"]);

/** What is made for or behind the data; everything else that stands there was postponed by pg_dump because of one of these. */
const BEHIND_DATA = new Set([
  "INDEX", "INDEX ATTACH", "CONSTRAINT", "CHECK CONSTRAINT", "FK CONSTRAINT", "TRIGGER", "RULE", "EVENT TRIGGER", "POLICY", "ROW SECURITY", "STATISTICS",
  "PUBLICATION", "PUBLICATION TABLE", "PUBLICATION TABLES IN SCHEMA", "DEFAULT", "DEFAULT ACL", "ACL", "COMMENT", "SECURITY LABEL", "SEQUENCE OWNED BY",
  "STATISTICS DATA", "MATERIALIZED VIEW DATA",
]); // prettier-ignore

/**
 * A query that groups by a primary key alone needs the key (https://www.postgresql.org/docs/current/sql-select.html#SQL-GROUPBY). pg_dump creates
 * functions and materialized views with such a query behind the keys, and so behind the data, and with them every table that uses their
 * row types, or calls them in a default or check. Where a table is among them, all of these come before the data, and so do the keys and
 * other constraints that queries name. Where none is, keys are better built when the rows are there.
 */
export async function bringTablesForward(session: Session, entries: readonly Entry[]): Promise<readonly Entry[]> {
  if (!entries.some(({ section, type }) => section === "post" && HOLDS_DATA.has(type))) return entries;
  const needed = await constraintsInQueries(session);
  return entries.map((entry) => {
    const comesForward = entry.section === "post" && (!BEHIND_DATA.has(entry.type) || (entry.type === "CONSTRAINT" && needed.has(entry.oid)));
    return comesForward ? { ...entry, section: "pre" } : entry;
  });
}

/** Constraints that functions with a parsed body (14+) and materialized views depend on. https://www.postgresql.org/docs/current/catalog-pg-depend.html */
async function constraintsInQueries(session: Session): Promise<Set<string>> {
  const rows = await session.query<{ oid: string }>(`
    select d.refobjid::text as oid
      from pg_catalog.pg_depend d
     where d.refclassid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
       and (d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
         or d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and exists (
              select from pg_catalog.pg_rewrite r join pg_catalog.pg_class c on c.oid = r.ev_class where r.oid = d.objid and c.relkind = 'm'))`);
  return new Set(rows.map(({ oid }) => oid));
}
