import type { Session } from "../../wire/session.ts";
import { quoteIdentifier } from "../../wire/quote.ts";
import type { Entry } from "../entry.ts";
import { type Rule, crossesUp } from "./rule.ts";

const WHY =
  "Since PostgreSQL 18 a child has the NOT NULL of its parents, always (https://www.postgresql.org/docs/18/ddl-inherit.html). " +
  "Give the child's column NOT NULL at the source, after dealing with its nulls, or take NOT NULL from the parent's.";
const CREATE = /^CREATE (?:UNLOGGED |FOREIGN )?TABLE (.*) \(\n/;
const TAKES_NULLS = / ALTER COLUMN (?:"[^"]*"|[^\s"]+) DROP NOT NULL;/;

/** pg_dump never writes DROP NOT NULL: it comes from withInheritedNulls. */
export const inheritedNulls: Rule = {
  id: "inherited-nulls",
  about:
    "A column of an inheritance child that takes nulls although a parent's does not (possible before 18, and unknown to pg_dump) gets its `DROP NOT NULL`; a target from 18 on cannot hold it.",
  appliesTo: (context) => crossesUp(context, 18),
  types: new Set(["TABLE", "FOREIGN TABLE"]),
  concerns: ({ sql }) => sql.includes(" DROP NOT NULL;"),
  rewrite: ({ masked }) => (TAKES_NULLS.test(masked) ? { impossible: { feature: "columns that take nulls although a parent's do not", since: 18, why: WHY } } : undefined),
};

/**
 * Adds to the children's entries what pg_dump cannot say: before 18 a child's column could be without the NOT NULL that a parent's has. A
 * table made by INHERITS always gets it. Partitions cannot be like that. https://www.postgresql.org/docs/17/ddl-inherit.html#DDL-INHERIT-CAVEATS
 */
export async function withInheritedNulls(session: Session, entries: readonly Entry[]): Promise<readonly Entry[]> {
  if (session.versionNum >= 180000) return entries;
  const rows = await session.query<{ oid: string; name: string }>(`
    select distinct c.attrelid::pg_catalog.text as oid, c.attname::pg_catalog.text as name
      from pg_catalog.pg_inherits i
      join pg_catalog.pg_class parent on parent.oid = i.inhparent and parent.relkind in ('r', 'f')
      join pg_catalog.pg_attribute p on p.attrelid = i.inhparent and p.attnum > 0 and p.attnotnull and not p.attisdropped
      join pg_catalog.pg_attribute c on c.attrelid = i.inhrelid and c.attname = p.attname and c.attnum > 0 and not c.attnotnull and not c.attisdropped
     order by 1, 2`);
  if (rows.length === 0) return entries;
  const columns = Map.groupBy(rows, ({ oid }) => oid);
  return entries.map((entry) => {
    const nullable = entry.type === "TABLE" || entry.type === "FOREIGN TABLE" ? columns.get(entry.oid) : undefined;
    const table = nullable && CREATE.exec(entry.sql)?.[1];
    if (nullable === undefined || table === undefined) return entry;
    const statements = nullable.map(({ name }) => `ALTER TABLE ONLY ${table} ALTER COLUMN ${quoteIdentifier(name)} DROP NOT NULL;`);
    return { ...entry, sql: `${entry.sql}\n\n${statements.join("\n")}` };
  });
}
