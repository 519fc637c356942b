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
  return buffer.readBigUInt64BE(offset) as Lsn;
}
