import type { PgType } from "../verify/type-catalog.ts";
import { quoteLiteral } from "../wire/quote.ts";

/** Values that one major has and an older one cannot hold. */
export interface ValueLine {
  /** The built-in type; "ltree.lquery" is one of an extension. */
  readonly type: string;
  /** For people: "infinity in numeric". */
  readonly what: string;
  /** Whether such a value would be lost, changed or refused on the way. */
  readonly crossedBy: (way: Way) => boolean;
  /** SQL condition on a value of the type, for the source. */
  readonly condition: (expression: string) => string;
}

/** A type with all that it is made of; `builtin` names those of extensions too, as a line does. */
export interface KnownTypes {
  get(oid: string): PgType;
}

interface Way {
  readonly sourceVersionNum: number;
  readonly targetVersionNum: number;
  readonly sourceEncoding: string;
  readonly targetEncoding: string;
}

const down =
  (since: number) =>
  ({ sourceVersionNum, targetVersionNum }: Way): boolean =>
    sourceVersionNum >= since && targetVersionNum < since;

/** Methods of jsonpath (https://www.postgresql.org/docs/17/functions-json.html#FUNCTIONS-SQLJSON-PATH-OPERATORS); keys and strings, which stand in quotes, are cut out first. */
const method = (names: string) => (expression: string) => String.raw`pg_catalog.regexp_replace((${expression})::pg_catalog.text, '"(\\.|[^"\\])*"', '', 'g') ~ '\.(${names})\('`;

/** https://www.postgresql.org/docs/16/release-16.html: labels of ltree may be 1000 characters long, 255 before; hyphens in them are new. */
const labelsOf16 = (expression: string): string => `(${expression})::pg_catalog.text ~ '-|[^-.|&!()*@%{}, ]{255}[^-.|&!()*@%{}, ]'`;

/** The lines that values would cross on this way. */
export function crossedLines(way: Way): ValueLine[] {
  return [...VALUE_LINES, longName(way)].filter((line) => line.crossedBy(way));
}

const VALUE_LINES: readonly ValueLine[] = [
  {
    type: "numeric",
    what: "infinity in numeric (14)",
    crossedBy: down(140000), // https://www.postgresql.org/docs/14/release-14.html
    condition: (expression) => `(${expression}) in ('Infinity', '-Infinity')`,
  },
  {
    type: "interval",
    what: "infinity in interval (17)",
    crossedBy: down(170000), // https://www.postgresql.org/docs/17/release-17.html; an older target takes it for 178 million years
    condition: (expression) => `not pg_catalog.isfinite(${expression})`,
  },
  { type: "jsonpath", what: "jsonpath with .datetime() (13)", crossedBy: down(130000), condition: method("datetime") },
  {
    type: "jsonpath",
    what: "jsonpath with a method of 17",
    crossedBy: down(170000),
    condition: method("bigint|boolean|date|decimal|integer|number|string|time|time_tz|timestamp|timestamp_tz"),
  },
  ...["ltree", "lquery", "ltxtquery"].map((type): ValueLine => ({
    type: `ltree.${type}`,
    what: `${type} with hyphens in labels, or labels of more than 255 characters (16)`,
    crossedBy: down(160000),
    condition: labelsOf16,
  })),
  {
    type: "char",
    what: `"char" beyond ASCII, in a table that travels as text`,
    crossedBy: changesChar,
    condition: (expression) => String.raw`pg_catalog.charsend(${expression}) >= '\x80'`,
  },
];

/**
 * The text of a "char" above 127 is its byte before 16, and octal (\351) since (https://www.postgresql.org/docs/16/release-16.html). Downwards
 * it becomes a backslash; from an older source it is one byte, which is no character of UTF-8, or another one of another encoding.
 * Tables that travel as binary have no such text.
 */
function changesChar({ sourceVersionNum, targetVersionNum, sourceEncoding, targetEncoding }: Way): boolean {
  if (sourceVersionNum >= 160000) return targetVersionNum < 160000;
  return sourceEncoding === "UTF8" || (sourceEncoding !== "SQL_ASCII" && sourceEncoding !== targetEncoding);
}

/**
 * A name holds 63 bytes (https://www.postgresql.org/docs/current/datatype-character.html#DATATYPE-CHARACTER-SPECIAL-TABLE); a longer text is cut when it is read,
 * binary is refused. Values travel as UTF-8, and arrive in a SQL_ASCII database so.
 */
function longName({ targetEncoding }: Way): ValueLine {
  const arrives = targetEncoding === "SQL_ASCII" ? "UTF8" : targetEncoding;
  return {
    type: "name",
    what: `name that takes more than 63 bytes in ${arrives}`,
    crossedBy: ({ sourceEncoding }) => sourceEncoding !== "SQL_ASCII" && sourceEncoding !== arrives,
    // In two steps: not every pair of encodings has a conversion of its own.
    condition: (expression) =>
      `pg_catalog.octet_length(pg_catalog.convert(pg_catalog.convert_to((${expression})::pg_catalog.text, 'UTF8'), 'UTF8', ${quoteLiteral(arrives)})) > 63`,
  };
}

/** SQL condition: a value of this type is, or holds, one that is beyond the line; undefined when the type cannot hold any. Needs the type's parts loaded. */
export function holds(line: ValueLine, type: PgType, types: KnownTypes, expression: string, depth: number = 0): string | undefined {
  const inside = (oid: string, of: string): string | undefined => holds(line, types.get(oid), types, of, depth + 1);
  if (type.builtin === line.type) return line.condition(expression);
  if (type.base !== undefined) return inside(type.base, `(${expression})::${types.get(type.base).name}`);
  if (type.element !== undefined) {
    // unnest in FROM would spread composites over columns; in a select list it keeps them whole.
    const alias = `u${depth}`;
    const element = inside(type.element, `${alias}.e`);
    return element && `exists (select from (select pg_catalog.unnest(${expression}) as e) as ${alias} where ${element})`;
  }
  const parts =
    type.subtype === undefined
      ? type.attributes.map((attribute) => inside(attribute.type, `(${expression}).${attribute.name}`))
      : ["lower", "upper"].map((end) => inside(type.subtype!, `pg_catalog.${end}(${expression})`));
  const known = parts.filter((part) => part !== undefined);
  return known.length === 0 ? undefined : known.map((part) => `coalesce(${part}, false)`).join(" or ");
}
