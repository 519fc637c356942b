import type { Random } from "./random.ts";

/** A type of key columns: whole numbers to values, one to one. */
export interface KeyType {
  readonly sql: string;
  /** The value of the number that an SQL expression of type bigint gives. */
  at(n: string): string;
  /** All keys one further, from a column's quoted name; none where a key is not a number. */
  shifted?(column: string): string;
  /** The same key written in another way: equal, and not the same text. */
  respelled?(column: string): string;
}

const number = (sql: string, one: string, more: Partial<KeyType> = {}): KeyType => ({ sql, at: (n) => `(${n})::${sql}`, shifted: (column) => `${column} + ${one}`, ...more });

export const INTEGER_KEY: KeyType = number("integer", "1");

/** Every kind of key; whatever a program could take for a number, a text or a marker. */
export const KEY_TYPES: readonly KeyType[] = [
  INTEGER_KEY,
  number("bigint", "1", { at: (n) => `((${n})::bigint * 4294967311)` }),
  number("numeric", "1", { at: (n) => `((${n})::numeric / 4)`, respelled: (column) => `${column} + 0.0000` }),
  number("double precision", "1", { at: (n) => `((${n}) / 4.0)::double precision` }),
  number("date", "1", { at: (n) => `(date '2000-01-01' + ((${n}) % 700000)::int)` }),
  number("timestamp with time zone", "interval '1 microsecond'", { at: (n) => `(timestamptz '2000-01-01 00:00:00+00' + (${n}) * interval '0.000003 seconds')` }),
  { sql: "uuid", at: (n) => `pg_catalog.md5((${n})::text)::uuid` },
  { sql: "text", at: (n) => `('k\\' || (${n}) || '"'',')` },
  { sql: "character(20)", at: (n) => `('c' || (${n}))::character(20)` },
  { sql: "bytea", at: (n) => `pg_catalog.decode(pg_catalog.md5((${n})::text), 'hex')` },
  { sql: "kinds.short", at: (n) => `('s ' || (${n}))::kinds.short` },
  { sql: "integer[]", at: (n) => `array[(${n})::int, null]` },
  { sql: "int4range", at: (n) => `pg_catalog.int4range((${n})::int, (${n})::int + 2)` },
];

/** Values of columns that tables are partitioned by: few, and each in a partition. */
export const PARTITION_TYPES = {
  range: { sql: "integer", at: (n: string) => `((${n}) % 300)::int`, shifted: (column: string) => `(${column} + 100) % 300` },
  list: { sql: "text", at: (n: string) => `(array['a', 'b', 'c'])[(1 + pg_catalog.abs(${n}) % 3)::int]` },
  hash: { sql: "bigint", at: (n: string) => `((${n}) % 50)::bigint` },
} satisfies Record<string, KeyType>;

/** A number that is hardly taken yet; also negative ones. */
export function freshNumber(random: Random): number {
  return random.int(100, 500_000) * 1000 * (random.chance(0.3) ? -1 : 1);
}

/** A number out of those that are used again and again, -1 and 0 among them. */
export function usedNumber(random: Random): number {
  return random.int(-20, 200);
}
