import type { SourceMajor } from "../../../src/embedded/binaries.ts";
import { quoteLiteral } from "../../../src/wire/quote.ts";
import type { Random } from "./random.ts";

/** A type of plain columns, with ways to make values of it in SQL. */
export interface ValueType {
  readonly sql: string;
  /** Oldest major that has it; the oldest of all by default. */
  readonly since?: number;
  /** Has no default `=`: native replication cannot find rows by it (https://www.postgresql.org/docs/current/logical-replication-publication.html). */
  readonly hasNoEquality?: true;
  /** Kept out of line: values of 2 to 50 kB. */
  readonly isToasted?: true;
  /** One value, often an odd one. */
  literal(random: Random, major: SourceMajor): string;
  /** A value from an SQL expression of type bigint; equal numbers give equal values. */
  bulk(n: string): string;
}

const literals = (...values: string[]) => values.map(quoteLiteral);

/** Characters that COPY, arrays, composites and literals each have their own way of writing. */
export const TRAP_TEXTS = [
  "", " ", "\\", "\\N", "\\.", "a\\b\\", "it's", '"quoted"', '""', "{curly}", "(paren,comma)", "NULL", "null", "tab\there", "line\nbreak", "carriage\rreturn", "\u0001", "ünïcödé ✓ 𝄞", "%s %d", "$1", "--", ";", "trailing  ", "a,b",
]; // prettier-ignore

const text = (random: Random): string => quoteLiteral(random.chance(0.6) ? random.pick(TRAP_TEXTS) : random.pick(TRAP_TEXTS).concat(String(random.int(0, 999))));
const md5 = (n: string): string => `pg_catalog.md5((${n})::text)`;

/** A cast of one of some literals. */
function oneOf(sql: string, values: readonly string[], bulk: (n: string) => string, more: Partial<ValueType> = {}): ValueType {
  return { sql, literal: (random) => `${random.pick(values)}::${sql}`, bulk: (n) => `(${bulk(n)})::${sql}`, ...more };
}

function ofText(sql: string, more: Partial<ValueType> = {}): ValueType {
  return { sql, literal: (random) => `${text(random)}::${sql}`, bulk: (n) => `('row ' || (${n}))::${sql}`, ...more };
}

function toasted(sql: string, wrap: (value: string) => string): ValueType {
  return {
    sql,
    isToasted: true,
    literal: (random) => wrap(`pg_catalog.repeat(${quoteLiteral(random.int(0, 0xffffffff).toString(16).padStart(8, "0"))}, ${random.pick([1, 250, 300, 700, 1500, 6250])})`),
    // Mostly small: thousands of rows are made at once.
    bulk: (n) => wrap(`pg_catalog.repeat(${md5(n)}, case when (${n}) % 25 = 0 then 70 + (pg_catalog.abs(${n}) % 900)::int else 1 end)`),
  };
}

const moment = (n: string, type: string): string => `(${type} '2020-02-29 12:34:56.123456' + (${n}) % 1000000 * interval '61.000007 seconds')`;

/** Types of columns that are no key. Those of schema kinds are made by KINDS_SQL. */
export const VALUE_TYPES: readonly ValueType[] = [
  oneOf("smallint", literals("-32768", "0", "32767"), (n) => `(${n}) % 32000`),
  oneOf("integer", literals("-2147483648", "-1", "0", "1", "2147483647"), (n) => `(${n}) % 2000000000`),
  oneOf("bigint", literals("-9223372036854775808", "0", "9223372036854775807"), (n) => `(${n})::bigint * 1000003`),
  {
    ...oneOf("numeric", literals("NaN", "0", "0.00", "1.10", "1.1", "-1e-30", "123456789012345678901234567890.000000000000000000010"), (n) => `(${n}) / 7.000`),
    literal: (random, major) => quoteLiteral(random.pick(["NaN", "0.000", "1.10", "-1e-30", "1e131", ...(major >= 14 ? ["Infinity", "-Infinity"] : [])])).concat("::numeric"),
  },
  oneOf("numeric(12,4)", literals("NaN", "-12345678.9012", "0.0001"), (n) => `(${n}) % 10000 / 3.0`),
  oneOf("real", literals("NaN", "Infinity", "-0", "1e-37", "0.1", "16777217"), (n) => `(${n}) % 100000 / 7.0`),
  oneOf("double precision", literals("NaN", "-Infinity", "-0", "1e-300", "0.1", "0.30000000000000004", "9007199254740993"), (n) => `(${n}) / 7.0`),
  oneOf("boolean", ["true", "false"], (n) => `(${n}) % 2 = 0`),
  ofText("text"),
  ofText("character varying(40)"),
  ofText("character(24)"),
  ofText("name"),
  oneOf('"char"', literals("a", "\\", " "), (n) => `(array['x', 'y', 'z'])[1 + pg_catalog.abs(${n}) % 3]`),
  oneOf("bytea", literals("\\x", "\\x00", "\\x00ff5c5c", "\\x5c78"), (n) => `pg_catalog.decode(${md5(n)}, 'hex')`),
  oneOf("uuid", literals("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"), md5),
  oneOf("date", literals("infinity", "-infinity", "0044-03-15 BC", "4714-11-24 BC", "5874897-12-31"), (n) => `date '1999-12-31' + (pg_catalog.abs(${n}) % 20000)::int`),
  oneOf("timestamp", literals("infinity", "-infinity", "0044-03-15 01:02:03.000001 BC", "294276-12-31 23:59:59.999999"), (n) => moment(n, "timestamp")),
  oneOf("timestamp with time zone", literals("infinity", "0044-03-15 01:02:03.000001+00 BC", "2020-10-25 02:30:00+02", "1883-11-18 12:00:00-05"), (n) => moment(n, "timestamptz")),
  oneOf("time", literals("24:00:00", "00:00:00.000001"), (n) => `time '01:02:03' + (${n}) % 10000 * interval '1 second'`),
  oneOf("time with time zone", literals("23:59:59.999999+14", "00:00:00-15:59"), () => `timetz '04:05:06.7-08'`),
  oneOf("interval", literals("1 mon -3 days", "-00:00:00.000001", "24:00:00", "1 day", "178000000 years"), (n) => `(${n}) % 10000 * interval '1.5 hours'`),
  oneOf("json", literals('{"a" :  1.10, "a": 2}', "null", "[]", '"\\u00e9"'), (n) => `'{"n":  ' || (${n}) || '.0}'`, { hasNoEquality: true }),
  oneOf("jsonb", literals('{"a": 1.10, "b": {"c": [1, null, "x"]}}', "null", '"\\\\"'), (n) => `'{"n": ' || (${n}) || '.00, "t": "' || ${md5(n)} || '"}'`),
  oneOf("inet", literals("10.0.0.1/8", "::ffff:1.2.3.4", "fe80::1/64"), (n) => `inet '10.0.0.0' + pg_catalog.abs(${n}) % 65536`),
  oneOf("cidr", literals("10.0.0.0/8", "2001:db8::/32"), () => `'192.168.0.0/16'`),
  oneOf("macaddr", literals("08:00:2b:01:02:03"), () => `'ff:ff:ff:ff:ff:ff'`),
  oneOf("point", literals("(1,-0.5)", "(1e-300,1e300)"), (n) => `pg_catalog.point((${n}) % 1000, 0.1)`, { hasNoEquality: true }),
  oneOf("bit varying", ["B'1'", "B''", "B'1010101011'"], (n) => `((${n}) % 1000)::int::bit(12)`),
  oneOf("money", literals("-12.34", "92233720368547758.07"), (n) => `((${n}) % 10000)::int`),
  oneOf("tsvector", literals("'it''s':1A 'a\\\\b':2", ""), (n) => `'w' || ${md5(n)} || ':1A'`),
  oneOf("oid", literals("0", "4294967295"), (n) => `pg_catalog.abs(${n}) % 1000000`),
  oneOf("int4range", literals("empty", "(,)", "[1,5)", "[7,)"), (n) => `pg_catalog.int4range(((${n}) % 1000)::int, ((${n}) % 1000 + 5)::int)`),
  oneOf("numrange", literals("[1.10,2.0]", "empty"), (n) => `pg_catalog.numrange((${n}) % 1000, (${n}) % 1000 + 0.50, '[]')`),
  oneOf("tstzrange", literals('["2020-01-01 00:00:00+00",infinity)', "empty"), (n) => `pg_catalog.tstzrange(${moment(n, "timestamptz")}, null)`),
  oneOf("int4multirange", literals("{}", "{[1,2),[5,9)}"), (n) => `'{[1,' || pg_catalog.abs(${n}) % 1000 + 2 || ')}'`, { since: 14 }),
  oneOf("integer[]", literals("{}", "{1,NULL,-3}", "{{1,2},{3,4}}", "[2:3]={5,6}"), (n) => `array[(${n}) % 1000, null, 3]`),
  oneOf("text[]", literals("{}", '{"a\\"b","c\\\\d",NULL,"NULL","",","}', '{{"{","}"},{"x y"," "}}'), (n) => `array[${md5(n)}, null, 'a"b']`),
  oneOf("bytea[]", ["array['\\x00'::bytea, null]", "array[]::bytea[]"], (n) => `array[pg_catalog.decode(${md5(n)}, 'hex')]`),
  oneOf("timestamptz[]", literals('{"2020-01-01 00:00:00+00",infinity,NULL}'), (n) => `array[${moment(n, "timestamptz")}]`),
  oneOf("kinds.mood", literals("sad", "so so", 'it\'s "ok"'), (n) => `(array['sad', 'so so', 'it''s "ok"'])[1 + pg_catalog.abs(${n}) % 3]`),
  oneOf("kinds.mood[]", ["array['sad', 'so so']", "array[null, 'it''s \"ok\"']"], () => "array['sad']"),
  oneOf("kinds.positive", literals("1", "2147483647"), (n) => `1 + pg_catalog.abs(${n}) % 1000000`),
  oneOf("kinds.short", literals("", "it's", "a\\b"), (n) => `pg_catalog.left(${md5(n)}, 12)`),
  oneOf("kinds.list", literals("{1,2}", "{}"), (n) => `array[(${n}) % 1000]`),
  oneOf(
    "kinds.pair",
    ["row(1, null, '{}')", `row(null, ${quoteLiteral('q"\\,()')}, array['x,y', null])`, "row(null, null, null)"],
    (n) => `row((${n}) % 1000, ${md5(n)}, array[${md5(n)}])`,
  ),
  oneOf("kinds.pair[]", ["array[row(1, '(\"', '{}')::kinds.pair, null]"], (n) => `array[row((${n}) % 1000, 'x', '{}')::kinds.pair]`),
  oneOf("kinds.positive[]", literals("{1,2,NULL}"), (n) => `array[1 + pg_catalog.abs(${n}) % 1000]`, { since: 11 }),
  oneOf("kinds.twin", ["row(1, 'x', '{}')"], (n) => `row((${n}) % 1000, 'y', '{}')`, { since: 11 }),
];

/** Types that come in their binary format where a database has no others: see stream/binary-types.ts. */
export const PLAIN_TYPES: ReadonlySet<string> = new Set([
  "smallint", "integer", "bigint", "numeric", "numeric(12,4)", "real", "double precision", "boolean", "text", "character varying(40)", "character(24)", "name", "bytea", "uuid", "date", "timestamp",
  "timestamp with time zone", "time", "time with time zone", "interval", "json", "jsonb", "inet", "cidr", "macaddr", "bit varying", "oid", "kinds.mood", "character(20)",
]); // prettier-ignore

/** Columns with STORAGE EXTERNAL. */
export const TOAST_TYPES: readonly ValueType[] = [toasted("text", (value) => value), toasted("bytea", (value) => `pg_catalog.convert_to(${value}, 'UTF8')`)];

/** The types that the columns above name. */
export function kindsSql(major: SourceMajor): string[] {
  return [
    "create schema kinds",
    `create type kinds.mood as enum ('sad', 'so so', 'it''s "ok"')`,
    "create domain kinds.positive as integer check (value > 0)",
    "create domain kinds.short as text check (pg_catalog.length(value) < 30)",
    "create domain kinds.list as integer[]",
    'create type kinds.pair as (a integer, "b c" text, d text[])',
    ...(major >= 11 ? ["create domain kinds.twin as kinds.pair check ((value).a is distinct from -1000000)"] : []),
  ];
}
