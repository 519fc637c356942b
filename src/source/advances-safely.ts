/** The first minor release of each major in which it is mended. */
const SAFE_SINCE: Readonly<Record<number, number>> = { 13: 21, 14: 18, 15: 13, 16: 9, 17: 5 };

/**
 * Whether a slot may be moved by pg_replication_slot_advance. Before "Fix xmin advancement during fast_forward decoding" (28 April 2025, https://postgr.es/m/CAA4eK1LqWncUOqKijiafe+Ypt1gQAQRjctKLMY953J79xDBgAg@mail.gmail.com)
 * it lets VACUUM take catalog rows that decoding still needs; and up to 13 the snapshots that it leaves for every slot of the server (pg_logical/snapshots) may lack subtransactions that changed the
 * catalog, so that decoding from there breaks, or reads a row by columns that a table no longer has. 12 was never mended.
 */
export function advancesSafely(versionNum: number): boolean {
  const major = Math.floor(versionNum / 10_000);
  return major >= 18 || versionNum % 10_000 >= (SAFE_SINCE[major] ?? Infinity);
}
