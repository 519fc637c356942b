import { parseSync } from "libpg-query";

type Json = Readonly<Record<string, unknown>>;

/** Cuts `alias.` from the column references of a view's own SELECT when it reads one relation only. Needs libpg-query loaded. */
export function withoutSoleQualifier(sql: string): string {
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

/** The parse tree as text: spelling, line breaks and the SQL syntax of function calls fall away. Needs libpg-query loaded. */
export function canonicalTree(sql: string): string {
  const tree = JSON.stringify(parseSync(sql).stmts, (key, value: unknown) => {
    if (key === "location" || key === "funcformat" || key.startsWith("stmt_")) return undefined;
    if (key === "funcname" && Array.isArray(value)) return value.filter((part) => JSON.stringify(part) !== '{"String":{"sval":"pg_catalog"}}');
    return withoutTextCast(value);
  });
  return tree.toLowerCase().replaceAll('"funcname":[{"string":{"sval":"extract"}}]', '"funcname":[{"string":{"sval":"date_part"}}]');
}

/** `'year'::text` → `'year'`: arguments that the SQL syntax writes as keywords are cast when printed as a plain call. */
function withoutTextCast(value: unknown): unknown {
  const cast = (value as { TypeCast?: { arg?: Json; typeName?: { names?: readonly { String?: { sval?: string } }[] } } } | null)?.TypeCast;
  return cast?.arg !== undefined && "A_Const" in cast.arg && cast.typeName?.names?.at(-1)?.String?.sval === "text" ? cast.arg : value;
}
