import type { PgType, TypeCatalog } from "./type-catalog.ts";

/**
 * One canonical form of a value on every major, for hashing inside the servers.
 *
 * A row is hashed as `md5(record_send(row(cell, cell, …)))`: the binary form of a record gives every cell's type, its length
 * (-1 for NULL) and its bytes, so neither NULL and '' nor the borders of columns can be confused. Measured on PostgreSQL 18
 * with 1,000,000 rows of 9 columns: 1.5 s; `md5(row(…)::text)` 2.3 s; `md5(array[a::text, …]::text)` 2.8 s. It also takes 1,600
 * columns, which the concat functions (100 arguments) do not, and sends text in the client's encoding, so that two
 * databases of different encodings agree.
 *
 * A cell is the column itself where its type is built in and its binary form is the same on every version; otherwise text made by
 * the type's *output function* (never a cast to text: it trims bpchar, keeps an XML declaration that COPY drops, and may be the user's).
 */
export class Canonical {
  readonly #types: TypeCatalog;
  readonly #older: number;
  readonly #newer: number;
  #aliases = 0;

  /** The two `server_version_num` decide which types have a text that differs. */
  constructor(types: TypeCatalog, oneVersion: number, otherVersion: number) {
    this.#types = types;
    this.#older = Math.min(oneVersion, otherVersion);
    this.#newer = Math.max(oneVersion, otherVersion);
  }

  /** The cell of one column: an SQL expression for `row(…)`. */
  cell(typeOid: string, expression: string): string {
    const type = this.#types.get(typeOid);
    if (type.base !== undefined) return this.cell(type.base, `(${expression})::${this.#types.get(type.base).name}`);
    const binary = type.builtin !== undefined && this.#isBinary(type.builtin);
    if (binary && (type.builtin === "float4" || type.builtin === "float8")) {
      // NaN has many bit patterns (inf - inf gives a negative one); PostgreSQL holds them equal and prints one.
      return `case when ${expression} = 'NaN' then 'NaN' else ${expression} end`;
    }
    return binary ? expression : this.#text(type, expression);
  }

  #isBinary(name: string): boolean {
    // Before 10 a server could be built with timestamps as floating point numbers.
    return BINARY.has(name) || (BINARY_SINCE_10.has(name) && this.#older >= 100000);
  }

  #text(type: PgType, expression: string): string {
    if (this.#changed(type)) return this.#expanded(type, expression);
    return `case when ${isNotNull(type, expression)} then pg_catalog.concat(${expression}) end`;
  }

  /** Whether the text of a type, or of something inside it, differs between the two servers. */
  #changed(type: PgType): boolean {
    if (type.builtin !== undefined && this.#rule(type.builtin) !== undefined) return true;
    const inner = [type.base, type.element, type.subtype, ...type.attributes.map((attribute) => attribute.type)];
    return inner.some((oid) => oid !== undefined && this.#changed(this.#types.get(oid)));
  }

  #rule(builtin: string): TextRule | undefined {
    const rule = TEXT_RULES[builtin];
    return rule?.changedIn.some((version) => this.#older < version && this.#newer >= version) === true ? rule : undefined;
  }

  /** Takes a type apart down to the values whose text changed, and puts text together again. */
  #expanded(type: PgType, expression: string): string {
    if (!this.#changed(type)) return expression;
    const rule = type.builtin === undefined ? undefined : this.#rule(type.builtin);
    if (rule !== undefined) return rule.form(expression);
    if (type.base !== undefined) {
      const base = this.#types.get(type.base);
      return this.#expanded(base, `(${expression})::${base.name}`);
    }
    if (type.element !== undefined) {
      // Dimensions hold the lower bounds. unnest in FROM would spread composites over columns; in a select list it keeps them whole.
      const alias = `u${++this.#aliases}`;
      const element = this.#expanded(this.#types.get(type.element), `${alias}.e`);
      const elements = `select pg_catalog.array_agg(${element}) from (select pg_catalog.unnest(${expression}) as e) as ${alias}`;
      return `case when ${expression} is not null then pg_catalog.concat(pg_catalog.array_dims(${expression}), (${elements})) end`;
    }
    if (type.subtype !== undefined) {
      const subtype = this.#types.get(type.subtype);
      const [lower, upper] = ["lower", "upper"].map((end) => this.#expanded(subtype, `pg_catalog.${end}(${expression})`));
      const flags = ["isempty", "lower_inc", "upper_inc"].map((flag) => `pg_catalog.${flag}(${expression})`).join(", ");
      return `case when ${expression} is not null then pg_catalog.concat(row(${flags}, ${lower}, ${upper})) end`;
    }
    const attributes = type.attributes.map(({ name, type: oid }) => this.#expanded(this.#types.get(oid), `(${expression}).${name}`));
    return `case when ${isNotNull(type, expression)} then pg_catalog.concat(row(${attributes.join(", ")})) end`;
  }
}

/** For a composite, `is not null` asks whether all of its fields are; the size of a value is NULL only for NULL itself. */
function isNotNull(type: PgType, expression: string): string {
  return type.attributes.length > 0 ? `pg_catalog.pg_column_size(${expression}) is not null` : `${expression} is not null`;
}

/** Built-in types with one binary form on every version (https://www.postgresql.org/docs/current/protocol-overview.html#PROTOCOL-FORMAT-CODES). */
const BINARY = new Set(
  "bool int2 int4 int8 oid text varchar bpchar bytea uuid numeric float4 float8 name char inet cidr macaddr macaddr8 bit varbit json jsonb money tsvector tsquery".split(" "),
);
const BINARY_SINCE_10 = new Set(["date", "time", "timetz", "timestamp", "timestamptz", "interval"]);

interface TextRule {
  /** Each `server_version_num` that brought a new text. */
  readonly changedIn: readonly number[];
  /** A text that is the same before and after. */
  readonly form: (expression: string) => string;
}

function hex(sendFunction: string): (expression: string) => string {
  return (expression) => `pg_catalog.encode(pg_catalog.${sendFunction}(${expression}), 'hex')`;
}

function floatHex(sendFunction: string): (expression: string) => string {
  return (expression) => `case when ${expression} = 'NaN' then 'NaN' else ${hex(sendFunction)(expression)} end`;
}

function geometryHex(sendFunction: string): (expression: string) => string {
  const sent = hex(sendFunction);
  const oneNaN = (expression: string): string => `pg_catalog.replace(${sent(expression)}, 'fff8000000000000', '7ff8000000000000')`;
  return (expression) => `case when pg_catalog.concat(${expression}) ilike '%nan%' then ${oneNaN(expression)} else ${sent(expression)} end`;
}

/**
 * The name of an object is quoted where it is a keyword, and qualified where it has namesakes, and both differ from version to version. Quotes
 * around a plain name go, others stay. Our search_path is empty, so that a name without schema is one of pg_catalog.
 */
function plainName(expression: string): string {
  const unquoted = `pg_catalog.regexp_replace(pg_catalog.concat(${expression}), '"([a-z_][a-z0-9_]*)"', '\\1', 'g')`;
  return `case when ${expression} is not null then pg_catalog.regexp_replace(${unquoted}, '^pg_catalog\\.', '') end`;
}

/** Each major brings keywords and functions. */
const EVERY_MAJOR = [90500, 90600, ...Array.from({ length: 20 }, (_, place) => (place + 10) * 10000)];
const NAMES = "regclass regproc regprocedure regoper regoperator regtype regrole regnamespace regconfig regdictionary regcollation".split(" ");

/**
 * Types whose text changed: floating point in 12 (shortest-precise, https://www.postgresql.org/docs/12/release-12.html), infinity and NaN in
 * geometry in 9.6 (before, as the C library spells them: inf, nan), the parentheses of tsquery in 9.6, "char" beyond ASCII in 16 (https://www.postgresql.org/docs/16/release-16.html),
 * names of objects in all of them (https://www.postgresql.org/docs/current/datatype-oid.html, https://www.postgresql.org/docs/current/sql-keywords-appendix.html).
 */
const TEXT_RULES: Readonly<Record<string, TextRule>> = {
  float4: { changedIn: [120000], form: floatHex("float4send") },
  float8: { changedIn: [120000], form: floatHex("float8send") },
  point: { changedIn: [90600, 120000], form: geometryHex("point_send") },
  line: { changedIn: [90600, 120000], form: geometryHex("line_send") },
  lseg: { changedIn: [90600, 120000], form: geometryHex("lseg_send") },
  box: { changedIn: [90600, 120000], form: geometryHex("box_send") },
  path: { changedIn: [90600, 120000], form: geometryHex("path_send") },
  polygon: { changedIn: [90600, 120000], form: geometryHex("poly_send") },
  circle: { changedIn: [90600, 120000], form: geometryHex("circle_send") },
  tsquery: { changedIn: [90600], form: hex("tsquerysend") },
  char: { changedIn: [160000], form: hex("charsend") },
  ...Object.fromEntries(NAMES.map((name) => [name, { changedIn: EVERY_MAJOR, form: plainName }])),
};
