import { EntryText } from "./entry-text.ts";
import { type Outcome, type Rule, addedIn, targetBelow } from "./rule.ts";
import { type Scope, keyOf } from "./scope.ts";

const NAME = String.raw`(?:"(?:[^"]|"")*"|[^\s",()]+)`;
/** An element of its own in CREATE TABLE: pg_dump writes it for inherited columns, without a name where the source is older than 18. */
const TABLE_LEVEL = new RegExp(String.raw`(?<=[(,]\n) {4}(?:CONSTRAINT ${NAME} )?NOT NULL (${NAME})(?: NO INHERIT)?(,\n|(?=\n))`, "g");
const NOT_VALID = new RegExp(String.raw`\bNOT NULL (${NAME}) NOT VALID;`);
const COMMENTED = new RegExp(String.raw`^COMMENT ON CONSTRAINT (${NAME}) ON `);

/** https://www.postgresql.org/docs/18/ddl-constraints.html#DDL-CONSTRAINTS-NOT-NULL */
export const notNullConstraints: Rule = {
  id: "not-null-constraints",
  about:
    "Not-null constraints are objects since 18. Older targets take them as `NOT NULL` without a name; one on an inherited column becomes `ALTER COLUMN … SET NOT NULL`, " +
    "one that is `NOT VALID` a check `IS NOT NULL` that is not valid; `NO INHERIT` on a table with children, and comments on them, are impossible.",
  appliesTo: (context) => targetBelow(context, 18),
  types: new Set(["TABLE", "FOREIGN TABLE", "CONSTRAINT", "COMMENT"]),
  concerns: ({ type, sql, dependencies }, { namedNotNulls }) => {
    if (type !== "COMMENT") return (sql.includes("CONSTRAINT ") && sql.includes(" NOT NULL")) || sql.includes("\n    NOT NULL ") || sql.includes(" NOT NULL NO INHERIT");
    const name = namedNotNulls.size === 0 ? undefined : COMMENTED.exec(sql)?.[1];
    return name !== undefined && dependencies.some((id) => namedNotNulls.has(`${id}\0${name}`));
  },
  rewrite: (text, scope) => {
    if (text.entry.type === "COMMENT") return addedIn(18, "comments on not-null constraints");
    return text.entry.type === "CONSTRAINT" ? rewriteNotValid(text) : rewriteTable(text, scope);
  },
};

function rewriteNotValid(text: EntryText): Outcome | undefined {
  const found = NOT_VALID.exec(text.masked);
  if (found === null) return undefined;
  const original = text.sql.slice(found.index, found.index + found[0].length);
  const column = NOT_VALID.exec(original)?.[1] ?? "";
  return { sql: text.sql.replace(original, () => `CHECK ((${column} IS NOT NULL)) NOT VALID;`), note: "not-null constraint that is not valid becomes a check" };
}

function rewriteTable(text: EntryText, { inheritanceParents }: Scope): Outcome | undefined {
  const { entry, masked } = text;
  if (/ NOT NULL(?: "[^"]*"| [^\s",()]+)? NO INHERIT/.test(masked) && inheritanceParents.has(keyOf(entry.schema, entry.name)))
    return addedIn(18, "not-null constraints with NO INHERIT on a table with children");
  const columns: string[] = [];
  let sql = text.replaceOutside(TABLE_LEVEL, (original) => {
    columns.push(new RegExp(`NOT NULL (${NAME})`).exec(original)?.[1] ?? "");
    return "";
  });
  sql = sql.replace(/,\n\n\)/, "\n)").replace(/\(\n\n\)/, "(\n)");
  sql = new EntryText({ ...entry, sql }).replaceOutside(/ NOT NULL NO INHERIT/g, () => " NOT NULL");
  const table = /^CREATE (?:UNLOGGED |FOREIGN )?TABLE (.*) (?:\(|OF )/.exec(sql)?.[1] ?? "";
  for (const column of columns) sql += `\n\nALTER TABLE ONLY ${table} ALTER COLUMN ${column} SET NOT NULL;`;
  return sql === text.sql ? undefined : { sql };
}
