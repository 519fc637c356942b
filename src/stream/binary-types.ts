import type { Session } from "../wire/session.ts";

/**
 * Types whose binary format holds nothing that differs from server to server, as oids would, and is the same in all versions (pg_type.oid): bool, bytea, name, int8, int2, int4, text, oid, json,
 * float4, float8, macaddr8, macaddr, cidr, inet, bpchar, varchar, date, time, timestamp, timestamptz, interval, timetz, bit, varbit, numeric, uuid, pg_lsn, jsonb.
 * https://www.postgresql.org/docs/current/sql-createsubscription.html#SQL-CREATESUBSCRIPTION-PARAMS-WITH-BINARY
 */
const SAFE: ReadonlySet<number> = new Set([
  16, 17, 19, 20, 21, 23, 25, 26, 114, 700, 701, 774, 829, 650, 869, 1042, 1043, 1082, 1083, 1114, 1184, 1186, 1266, 1560, 1562, 1700, 2950, 3220, 3802,
]); // prettier-ignore
/** pg_type.oid of the integers, by which rows are often known. */
export const INTEGERS: ReadonlySet<number> = new Set([20, 21, 23]);

/** The option came with it: https://www.postgresql.org/docs/current/protocol-logical-replication.html */
const BINARY_SINCE = 140000;

/** Whether values of this type may travel in their binary format. An enum's is its label. */
export function isBinarySafe(typeOid: number, isEnum: boolean): boolean {
  return isEnum || SAFE.has(typeOid);
}

/** Thrown where what came in binary format has to be had as text: the stream is begun again so, from what the target has. */
export class NeedsText extends Error {}

/** Whether all that a publication's tables hold may come in binary format: it is all columns of all tables, or none. */
export async function publishesOnlyBinarySafe(source: Session, publication: string): Promise<boolean> {
  if (source.versionNum < BINARY_SINCE) return false;
  const types = await source.query<{ oid: string; is_enum: boolean }>(
    `select distinct t.oid::pg_catalog.text as oid, t.typtype = 'e' as is_enum
       from pg_catalog.pg_publication_tables p
       join pg_catalog.pg_namespace n on n.nspname = p.schemaname
       join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = p.tablename
       join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
       join pg_catalog.pg_type t on t.oid = a.atttypid
      where p.pubname = $1`,
    [publication],
  );
  return types.every(({ oid, is_enum }) => isBinarySafe(Number(oid), is_enum));
}
