import type { Entry } from "../../../src/structure/entry.ts";
import { EntryText } from "../../../src/structure/rewrite/entry-text.ts";
import { canonicalTree, withoutSoleQualifier } from "./view-text.ts";

interface Normalisation {
  /** Why two dumps of the same structure read differently. */
  readonly why: string;
  /** The major that changed it: applies to two sides of which one is older and the other is not. */
  readonly since: number;
  readonly types: readonly string[];
  /** undefined: the entry is not compared. */
  readonly apply: (entry: Entry) => Entry | undefined;
}

const VIEWS = ["VIEW", "MATERIALIZED VIEW"];
const ALL_BEFORE_17 = "SELECT,INSERT,REFERENCES,DELETE,TRIGGER,TRUNCATE,UPDATE";

const withSql = (change: (sql: string, entry: Entry) => string) => (entry: Entry) => ({ ...entry, sql: change(entry.sql, entry) });
const outside = (pattern: RegExp, by: string) => (entry: Entry) => ({ ...entry, sql: new EntryText(entry).replaceOutside(pattern, () => by) });

const NORMALISATIONS: readonly Normalisation[] = [
  {
    why: "numbers in front of a cast are printed as (100)::numeric and '-1'::bigint, not 100::numeric and (-1)::bigint",
    since: 9.5,
    types: [...VIEWS, "TABLE", "FOREIGN TABLE"],
    apply: withSql((sql) => sql.replaceAll(/\((-?\d[\d.]*)\)(?=::)|\b(\d[\d.]*)(?=::)/g, "'$1$2'")),
  },
  {
    why: "pg_get_triggerdef prints EXECUTE FUNCTION instead of EXECUTE PROCEDURE",
    since: 12,
    types: ["TRIGGER"],
    apply: outside(/\bEXECUTE PROCEDURE\b/g, "EXECUTE FUNCTION"),
  },
  {
    why: "every range type has a multirange type, which is named",
    since: 14,
    types: ["TYPE"],
    apply: withSql((sql) => sql.replace(/^ {4}multirange_type_name = .*\n/m, "").replace(/,\n\);/, "\n);")),
  },
  {
    why: "arguments of procedures are printed with their mode IN, also where the procedure is named",
    since: 14,
    types: ["PROCEDURE", "COMMENT", "ACL"],
    apply: (entry) =>
      /^(?:PROCEDURE )?[^(]*\(/.test(entry.name) && entry.sql.includes("PROCEDURE ") ? { ...entry, name: withoutIn(entry.name), sql: withoutIn(entry.sql) } : entry,
  },
  {
    why: "functions with an SQL syntax of their own are printed in it: EXTRACT(… FROM …), POSITION(… IN …), AT TIME ZONE (and EXTRACT calls extract(), not date_part())",
    since: 14,
    types: VIEWS,
    apply: withSql(canonicalTree),
  },
  {
    why: "sequences of unlogged tables are unlogged themselves; an older source's are not, and pg_dump says so for identities",
    since: 15,
    types: ["SEQUENCE"],
    apply: withSql((sql) => sql.replace(/^ {4}LOGGED\n/m, "").replace("CREATE UNLOGGED SEQUENCE", "CREATE SEQUENCE")),
  },
  {
    why: "schema public belongs to pg_database_owner, a role that 13 does not have",
    since: 15,
    types: ["SCHEMA", "COMMENT", "ACL"],
    apply: (entry) => (entry.type === "SCHEMA" && entry.name === "public" ? undefined : entry.name === "SCHEMA public" ? { ...entry, owner: "-" } : entry),
  },
  {
    why: "columns of a view over a single relation are printed without its name",
    since: 16,
    types: VIEWS,
    apply: withSql(withoutSoleQualifier),
  },
  {
    why: "XMLSERIALIZE prints NO INDENT",
    since: 16,
    types: VIEWS,
    apply: withSql((sql) => sql.replaceAll(" NO INDENT)", ")")),
  },
  {
    why: "system_user is a reserved word, which servers print in quotes",
    since: 16,
    types: [...VIEWS, "INDEX"],
    apply: withSql((sql) => sql.replaceAll('"system_user"', "system_user")),
  },
  {
    why: "ALL privileges on a table hold MAINTAIN; pg_dump lists those that an older server has one by one",
    since: 17,
    types: ["ACL", "DEFAULT ACL"],
    apply: withSql((sql) => sql.replaceAll(ALL_BEFORE_17, "ALL")),
  },
  {
    why: "not-null constraints have names, which are printed when they are not the default ones; in an older server's children they are taken for inherited ones, which are not printed",
    since: 18,
    types: ["TABLE", "FOREIGN TABLE"],
    apply: (entry) => outside(/\nINHERITS \(/.test(entry.sql) ? /(?: CONSTRAINT (?:"[^"]*"|\S+))? NOT NULL/g : / CONSTRAINT (?:"[^"]*"|\S+)(?= NOT NULL)/g, "")(entry),
  },
];

/**
 * The structure of one side as sorted texts, one per entry, so that two sides can be compared whatever their order and numbers.
 * Equal majors: nothing is changed.
 */
export function comparableStructure(entries: readonly Entry[], majors: { readonly source: number; readonly target: number }): string[] {
  const lower = Math.min(majors.source, majors.target);
  const higher = Math.max(majors.source, majors.target);
  // Views become trees last, when all that reads their text is done.
  const chosen = NORMALISATIONS.filter(({ since }) => lower < since && higher >= since).toSorted((a, b) => b.since - a.since);
  const texts: string[] = [];
  for (const entry of entries) {
    const normal = chosen.reduce<Entry | undefined>((current, { types, apply }) => (current !== undefined && types.includes(current.type) ? apply(current) : current), entry);
    if (normal !== undefined) texts.push(describe(normal));
  }
  return texts.toSorted();
}

function describe({ type, schema, name, owner, section, settings, sql }: Entry): string {
  const method = type === "TABLE" || type === "MATERIALIZED VIEW" ? ` ${/default_table_access_method = ([^;]*)/.exec(settings)?.[1] ?? "heap"}` : "";
  return `${type} ${schema}.${name} (${owner}, ${section}${method})\n${sql.trim()}`;
}

function withoutIn(text: string): string {
  return text.replace(/(?<=\(|, )IN /g, "");
}
