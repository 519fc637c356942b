import { loadModule, parseSync } from "libpg-query";
import type { Entry } from "../../../src/structure/entry.ts";
import { EntryText } from "../../../src/structure/rewrite/entry-text.ts";

interface Majors {
  readonly source: number;
  readonly target: number;
}

interface Normalisation {
  /** Why two dumps of the same structure read differently. */
  readonly why: string;
  /** The major that changed it: applies when the two sides lie on either side of it. */
  readonly since: number;
  readonly types: readonly string[];
  readonly apply: (sql: string, text: EntryText) => string;
}

const VIEWS = ["VIEW", "MATERIALIZED VIEW"];

const NORMALISATIONS: readonly Normalisation[] = [
  {
    why: "pg_get_triggerdef prints EXECUTE FUNCTION instead of EXECUTE PROCEDURE",
    since: 12,
    types: ["TRIGGER"],
    apply: (_, text) => text.replaceOutside(/\bEXECUTE PROCEDURE\b/g, () => "EXECUTE FUNCTION"),
  },
  {
    why: "every range type has a multirange type, which is named",
    since: 14,
    types: ["TYPE"],
    apply: (sql) => sql.replace(/^ {4}multirange_type_name = .*\n/m, "").replace(/,\n\);/, "\n);"),
  },
  {
    why: "sequences of unlogged tables are unlogged themselves; an older source's are not, and pg_dump says so for identities",
    since: 15,
    types: ["SEQUENCE"],
    apply: (sql) => sql.replace(/^ {4}LOGGED\n/m, "").replace("CREATE UNLOGGED SEQUENCE", "CREATE SEQUENCE"),
  },
  {
    why: "columns of a view over a single relation are printed without its name",
    since: 16,
    types: VIEWS,
    apply: withoutSoleQualifier,
  },
  {
    why: "XMLSERIALIZE prints NO INDENT",
    since: 16,
    types: VIEWS,
    apply: (sql) => sql.replaceAll(" NO INDENT)", ")"),
  },
  {
    why: "not-null constraints have names, which are printed when they are not the default ones",
    since: 18,
    types: ["TABLE", "FOREIGN TABLE"],
    apply: (_, text) => text.replaceOutside(/ CONSTRAINT (?:"[^"]*"|\S+) NOT NULL/g, () => " NOT NULL"),
  },
];

/**
 * The structure of one side as sorted texts, one per entry, so that two sides can be compared whatever their order and numbers.
 * Equal majors: nothing is changed.
 */
export async function comparableStructure(entries: readonly Entry[], majors: Majors): Promise<string[]> {
  await loadModule();
  const lower = Math.min(majors.source, majors.target);
  const higher = Math.max(majors.source, majors.target);
  const normalisations = NORMALISATIONS.filter(({ since }) => lower < since && higher >= since);
  return entries
    .map((entry) => {
      const sql = normalisations.reduce((current, { types, apply }) => (types.includes(entry.type) ? apply(current, new EntryText({ ...entry, sql: current })) : current), entry.sql);
      return describe({ ...entry, sql });
    })
    .toSorted();
}

function describe({ type, schema, name, owner, section, settings, sql }: Entry): string {
  const method = type === "TABLE" || type === "MATERIALIZED VIEW" ? ` ${/default_table_access_method = ([^;]*)/.exec(settings)?.[1] ?? "heap"}` : "";
  return `${type} ${schema}.${name} (${owner}, ${section}${method})\n${sql.trim()}`;
}

type Json = Readonly<Record<string, unknown>>;

/** Cuts `alias.` from the column references of a view's own SELECT when it reads one relation only. */
function withoutSoleQualifier(sql: string): string {
  let bytes = Buffer.from(sql);
  const statement = parseSync(sql).stmts?.[0]?.stmt as { ViewStmt?: { query?: Json }; CreateTableAsStmt?: { query?: Json } } | undefined;
  const select = ((statement?.ViewStmt ?? statement?.CreateTableAsStmt)?.query as { SelectStmt?: Json } | undefined)?.SelectStmt;
  const from = select?.["fromClause"];
  if (!Array.isArray(from) || from.length !== 1 || "JoinExpr" in (from[0] as object)) return sql;
  const locations: number[] = [];
  collectQualified({ ...select, fromClause: undefined, withClause: undefined }, locations);
  for (const at of locations.toSorted((a, b) => b - a)) {
    const qualifier = /^(?:"(?:[^"]|"")*"|[^\s".]+)\./.exec(bytes.subarray(at).toString())?.[0] ?? "";
    bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + Buffer.byteLength(qualifier))]);
  }
  return bytes.toString();
}

function collectQualified(value: unknown, locations: number[]): void {
  if (Array.isArray(value)) {
    for (const item of value) collectQualified(item, locations);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  for (const [key, child] of Object.entries(value as Json)) {
    // Subqueries print qualified names in every version.
    if (key === "SelectStmt") continue;
    if (key === "ColumnRef") {
      const { fields, location } = child as { fields?: readonly unknown[]; location?: number };
      if (fields?.length === 2) locations.push(location ?? 0);
    } else collectQualified(child, locations);
  }
}
