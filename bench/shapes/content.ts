/** SQL expressions for made-up content. They need PostgreSQL 11 or newer (sha512). */

/** A number of 0 … 2^31-1 that looks random and is always the same for the same key. The multiplier is Knuth's (golden ratio × 2^32). */
export function hashed(key: string): string {
  return `((${key})::bigint * 2654435761 % 2147483648)`;
}

/**
 * `bytes` bytes that no compression makes smaller: SHA-512 digests of the key, one after the other. A sub-select: it must
 * stay correlated with the key's row.
 */
export function noise(key: string, bytes: string): string {
  return `(select string_agg(sha512(convert_to((${key})::text || ':' || part, 'UTF8')), '' order by part) from generate_series(1, ((${bytes}) / 64)::int) as part)`;
}

export function scaled(rows: number, scale: number): number {
  return Math.max(1, Math.round(rows * scale));
}

/** Columns c0, c1 … of the usual types, with their content for row `i`; every fifth text is null. */
export function wideColumns(count: number): { readonly definitions: string; readonly values: string } {
  const kinds = [
    { type: "int", value: (n: number) => `${hashed(`i + ${n}`)} % 100000` },
    { type: "text", value: (n: number) => `case when (i + ${n}) % 5 = 0 then null else 'value ' || ${hashed(`i + ${n}`)} % 3000 end` },
    { type: "boolean", value: (n: number) => `(i + ${n}) % 3 = 0` },
    { type: "date", value: (n: number) => `date '1990-01-01' + (${hashed(`i + ${n}`)} % 12000)::int` },
    { type: "numeric", value: (n: number) => `${hashed(`i + ${n}`)} % 1000000 / 1000.0` },
    { type: "double precision", value: (n: number) => `${hashed(`i + ${n}`)} / 7.0` },
  ] as const;
  const columns = Array.from({ length: count }, (_, index) => kinds[index % kinds.length] ?? kinds[0]);
  return { definitions: columns.map((kind, n) => `c${n} ${kind.type}`).join(", "), values: columns.map((kind, n) => kind.value(n)).join(", ") };
}
