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
