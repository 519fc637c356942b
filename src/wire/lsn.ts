import { GodwitError } from "../errors/godwit-error.ts";

/** A position in a server's WAL, in bytes since its beginning. https://www.postgresql.org/docs/current/datatype-pg-lsn.html */
export type Lsn = bigint & { readonly __lsn: true };

/** PostgreSQL's own word for "none": no record lies at position 0. */
export const ZERO_LSN = 0n as Lsn;

/** Reads the text form, as "16/B374D848". Throws `protocol`. */
export function parseLsn(text: string): Lsn {
  const match = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/.exec(text);
  if (match === null) throw new GodwitError("protocol", `this is no WAL position: ${JSON.stringify(text.slice(0, 40))}`);
  return ((BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`)) as Lsn;
}

/** "16/B374D848": what the server shows, and what its commands take. */
export function formatLsn(lsn: Lsn): string {
  return `${(lsn >> 32n).toString(16)}/${(lsn & 0xffff_ffffn).toString(16)}`.toUpperCase();
}

/** The position that stands at an offset as eight bytes. The caller has seen to it that they are there. */
export function lsnAt(buffer: Buffer, offset: number): Lsn {
  const signed = int64At(buffer, offset);
  return (signed < 0n ? BigInt.asUintN(64, signed) : signed) as Lsn;
}

/** The upper four bytes of the first number that a double may not hold exactly. */
const HIGH_LIMIT = 2 ** 21;

/** The signed number that stands at an offset as eight bytes, which must be there. They come by the million: the smaller ones without bigints in between, as readBigInt64BE makes them. */
export function int64At(buffer: Buffer, offset: number): bigint {
  const high = (buffer[offset]! << 24) | (buffer[offset + 1]! << 16) | (buffer[offset + 2]! << 8) | buffer[offset + 3]!;
  if (high < 0 || high >= HIGH_LIMIT) return buffer.readBigInt64BE(offset);
  const low = ((buffer[offset + 4]! << 24) | (buffer[offset + 5]! << 16) | (buffer[offset + 6]! << 8) | buffer[offset + 7]!) >>> 0;
  return BigInt(high * 2 ** 32 + low);
}
