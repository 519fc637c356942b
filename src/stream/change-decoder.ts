import type { Lsn } from "../wire/lsn.ts";
import { type PgoutputMessage, type RelationMessage, decodePgoutput, pgoutputOptions } from "../wire/pgoutput.ts";
import type { Session } from "../wire/session.ts";
import { TEST_DECODING_OPTIONS, type KnownRelation, TestDecoder } from "../wire/test-decoding.ts";
import { publishesOnlyBinarySafe } from "./binary-types.ts";
import type { SourceSetup } from "../source/source-setup.ts";

/** Makes messages of what the slot's output plugin sends, whichever it is. */
export interface ChangeDecoder {
  /** For START_REPLICATION. */
  readonly options: Readonly<Record<string, string>>;
  /** Values come in their types' binary format. */
  readonly isBinary: boolean;
  /** Of what lies from `start` to `end`. The messages, and their tuples, are valid until the next call. `walEnd` is what came with it. A relation that is new comes alone, or before its first change. */
  decode(bytes: Buffer, start: number, end: number, walEnd: Lsn): readonly PgoutputMessage[];
}

/** `mayBeBinary`: values may come in binary format, where that is the same on both sides. `followed` names the tables, as `schema\0name`: test_decoding tells the changes of all tables, a publication only those that it holds. */
export async function openDecoder(source: Session, { plugin, publication }: SourceSetup, followed: ReadonlySet<string>, mayBeBinary: boolean): Promise<ChangeDecoder> {
  if (plugin === "pgoutput") {
    const isBinary = mayBeBinary && (await publishesOnlyBinarySafe(source, publication ?? ""));
    return { options: pgoutputOptions([publication ?? ""], isBinary), isBinary, decode: (bytes, start, end) => [decodePgoutput(bytes, start, end, false, isBinary)] };
  }
  const known = await readRelations(source);
  const decoder = new TestDecoder((schema, name) => known.get(`${schema}\0${name}`));
  const others = new Set<number>();
  const isOfOthers = (message: PgoutputMessage): boolean => {
    if (message.kind === "relation") {
      const { id, schema, name } = message.relation;
      if (!followed.has(`${schema}\0${name}`)) others.add(id);
      return others.has(id);
    }
    return "relation" in message && others.has(message.relation);
  };
  return {
    options: TEST_DECODING_OPTIONS,
    isBinary: false,
    decode: (bytes, start, end, walEnd) => decoder.decode(bytes.subarray(start, end), walEnd).filter((message) => !isOfOthers(message)),
  };
}

/** What test_decoding does not say: all columns of each table, their types, and which of them make the replica identity. */
async function readRelations(source: Session): Promise<Map<string, KnownRelation>> {
  const rows = await source.query<{ schema: string; name: string; identity: string; columns: { name: string; typeOid: number; typeModifier: number; isKey: boolean }[] }>(
    `select n.nspname as schema, c.relname as name, c.relreplident as identity,
            (select pg_catalog.json_agg(pg_catalog.json_build_object('name', a.attname, 'typeOid', a.atttypid::pg_catalog.int8, 'typeModifier', a.atttypmod,
                      'isKey', c.relreplident = 'f' or coalesce(a.attnum = any (i.indkey), false)) order by a.attnum)
               from pg_catalog.pg_attribute a
               left join pg_catalog.pg_index i on i.indrelid = c.oid and case c.relreplident when 'd' then i.indisprimary when 'i' then i.indisreplident else false end
              where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
       from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'r' and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'`,
  );
  return new Map(rows.map(({ schema, name, identity, columns }) => [`${schema}\0${name}`, { replicaIdentity: IDENTITIES[identity] ?? "default", columns: columns ?? [] }]));
}

/** pg_class.relreplident. */
const IDENTITIES: Readonly<Record<string, RelationMessage["replicaIdentity"]>> = { d: "default", n: "nothing", f: "full", i: "index" };
