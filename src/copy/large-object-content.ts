import { relayCopy, type RelayCounters } from "../wire/copy-relay.ts";
import type { Session } from "../wire/session.ts";

/** A condition on an oid: one of these, or none at all. */
export function isAmong(expression: string, oids: readonly string[] | undefined): string {
  return oids === undefined ? "true" : `${expression} = any ('{${oids.join(",")}}'::pg_catalog.oid[])`;
}

type OnProgress = (bytes: number, count: number) => void;

/** Where the pages of one batch wait on the target. Pages are not compressed here: they are read once. */
const PAGES = "pg_temp.godwit_large_object_pages";

/** Pages are a quarter of a block, 2 kB where nobody built the server otherwise: 64 MB. */
const PAGES_PER_BATCH = 32_768;

/** lo_open's mode for writing (INV_WRITE, https://www.postgresql.org/docs/current/lo-interfaces.html#LO-OPEN). */
const FOR_WRITING = 0x20000;

/**
 * Moves the content of all large objects as pages of pg_largeobject (https://www.postgresql.org/docs/current/catalog-pg-largeobject.html), in
 * batches by key: the index finds each one, so that a part of an object of many gigabytes costs no more than a thousand small objects.
 * Pages that do not exist are holes, read as zeros, and stay holes. Returns the bytes written.
 */
export async function readPages(source: Session, target: Session, onProgress: OnProgress, signal: AbortSignal, only?: readonly string[]): Promise<number> {
  const [blocks] = await source.query<{ size: number }>("select pg_catalog.current_setting('block_size')::pg_catalog.int4 / 4 as size");
  const pageSize = blocks?.size ?? 2048;
  await target.query(`create temporary table ${PAGES.replace("pg_temp.", "")} (loid pg_catalog.oid, pageno pg_catalog.int4, data pg_catalog.bytea) on commit delete rows;
    alter table ${PAGES} alter column data set storage plain`);
  const counters: RelayCounters = { bytes: 0, rows: 0 };
  let bytes = 0;
  let objects = 0;
  let last = { loid: "0", pageno: -1 };
  try {
    for (let rows = PAGES_PER_BATCH; rows === PAGES_PER_BATCH;) {
      const job = {
        sourceSql: `copy (select l.loid, l.pageno, l.data from pg_catalog.pg_largeobject l
          where (l.loid, l.pageno) > ('${last.loid}'::pg_catalog.oid, ${last.pageno}) and ${isAmong("l.loid", only)} order by l.loid, l.pageno limit ${PAGES_PER_BATCH}) to stdout (format binary)`,
        targetSql: `begin; copy ${PAGES} (loid, pageno, data) from stdin (format binary)`,
        objects: ["large objects"],
      };
      rows = (await relayCopy(source, target, job, counters, signal)).copiedRows[0] ?? 0;
      const written = await writePages(target, pageSize);
      await target.query("commit");
      if (written.last === null) break;
      bytes += Number(written.bytes);
      objects += Number(written.objects) - (written.first === last.loid ? 1 : 0);
      last = written.last;
      onProgress(bytes, objects);
    }
    return bytes;
  } finally {
    await target.query(`rollback; drop table if exists ${PAGES}`).catch(() => undefined);
  }
}

interface WrittenPages {
  readonly bytes: string;
  readonly objects: string;
  readonly first: string;
  readonly last: { readonly loid: string; readonly pageno: number } | null;
}

async function writePages(target: Session, pageSize: number): Promise<WrittenPages> {
  const [written] = await target.query<WrittenPages>(
    `select coalesce(sum(length(p.data)), 0) as bytes, count(distinct p.loid) as objects, min(p.loid)::pg_catalog.text as first,
       (select pg_catalog.json_build_object('loid', e.loid::pg_catalog.text, 'pageno', e.pageno) from ${PAGES} e order by e.loid desc, e.pageno desc limit 1) as last,
       count(pg_catalog.lo_put(p.loid, p.pageno::pg_catalog.int8 * ${pageSize}, p.data)::pg_catalog.text)
     from ${PAGES} p`,
  );
  // lo_truncate beyond the end leaves an empty page that says how long the object is; lo_put of nothing writes nothing.
  await target.query(
    `select pg_catalog.lo_close(t.fd) from (
       select pg_catalog.lo_open(p.loid, ${FOR_WRITING}) as fd, p.pageno::pg_catalog.int8 * ${pageSize} as size from ${PAGES} p
       where length(p.data) = 0 and not exists (select from ${PAGES} later where later.loid = p.loid and later.pageno > p.pageno)
       offset 0
     ) t where pg_catalog.lo_truncate64(t.fd, t.size) = 0`,
  );
  return written ?? { bytes: "0", objects: "0", first: "0", last: null };
}

/**
 * The large objects that this account may not read, by oid: neither the owner nor a grantee, and no superuser
 * (https://www.postgresql.org/docs/current/lo-implementation.html). has_largeobject_privilege exists from version 18 on only.
 */
export async function findUnreadable(source: Session, only?: readonly string[]): Promise<string[]> {
  const rows = await source.query<{ oid: string }>(
    `select m.oid::pg_catalog.text as oid from pg_catalog.pg_largeobject_metadata m
     where ${isAmong("m.oid", only)} and not pg_catalog.current_setting('lo_compat_privileges')::pg_catalog.bool
       and not (select r.rolsuper from pg_catalog.pg_roles r where r.rolname = current_user)
       and not (m.lomacl is null and pg_catalog.pg_has_role(m.lomowner, 'usage'))
       and not exists (
         select from pg_catalog.aclexplode(m.lomacl) a
         where a.privilege_type = 'SELECT' and (a.grantee = 0 or pg_catalog.pg_has_role(a.grantee, 'usage')))
     order by m.oid`,
  );
  return rows.map((row) => row.oid);
}

const WINDOW = 1_048_576;
const OBJECTS_PER_QUERY = 16;
const ZEROS = Buffer.alloc(WINDOW);

/**
 * Moves the content through lo_get, for accounts that may read each object but not pg_largeobject: many small objects per query, large ones
 * in windows of 1 MB. Returns the bytes written; windows of zeros are not written, they become holes.
 */
export async function readByFunction(source: Session, target: Session, oids: readonly string[], onProgress: OnProgress, signal: AbortSignal): Promise<number> {
  let bytes = 0;
  for (let at = 0; at < oids.length; at += OBJECTS_PER_QUERY) {
    signal.throwIfAborted();
    const group = oids.slice(at, at + OBJECTS_PER_QUERY);
    const rows = await source.query<{ oid: string; data: Buffer }>(
      `select o.oid::pg_catalog.text as oid, pg_catalog.lo_get(o.oid, 0, ${WINDOW}) as data from pg_catalog.unnest($1::pg_catalog.oid[]) as o(oid)`,
      [`{${group.join(",")}}`],
    );
    // unnest of several arrays is the parser's own construct: it has no qualified name.
    await target.query("select count(pg_catalog.lo_put(w.oid, 0, w.data)::pg_catalog.text) from unnest($1::pg_catalog.oid[], $2::pg_catalog.bytea[]) as w(oid, data)", [
      rows.map((row) => row.oid),
      rows.map((row) => row.data),
    ]);
    bytes += rows.reduce((sum, row) => sum + row.data.length, 0);
    for (const row of rows.filter(({ data }) => data.length === WINDOW)) {
      bytes += await readWindows(source, target, row.oid, (more) => onProgress(bytes + more, at), signal);
    }
    onProgress(bytes, Math.min(at + OBJECTS_PER_QUERY, oids.length));
  }
  return bytes;
}

/** The rest of an object, behind its first window. */
async function readWindows(source: Session, target: Session, oid: string, onProgress: (bytes: number) => void, signal: AbortSignal): Promise<number> {
  let bytes = 0;
  for (let offset = WINDOW; ; offset += WINDOW) {
    signal.throwIfAborted();
    const [row] = await source.query<{ data: Buffer }>(`select pg_catalog.lo_get($1::pg_catalog.oid, $2::pg_catalog.int8, ${WINDOW}) as data`, [oid, offset]);
    const data = row?.data ?? Buffer.alloc(0);
    const isLast = data.length < WINDOW;
    if (!data.equals(ZEROS.subarray(0, data.length))) {
      await target.query("select pg_catalog.lo_put($1::pg_catalog.oid, $2::pg_catalog.int8, $3::pg_catalog.bytea)", [oid, offset, data]);
      bytes += data.length;
      onProgress(bytes);
    }
    if (isLast) {
      // The end may be a hole.
      const end = offset + data.length;
      await target.query(
        `select pg_catalog.lo_close(t.fd) from (select pg_catalog.lo_open($1::pg_catalog.oid, ${FOR_WRITING}) as fd offset 0) t
         where pg_catalog.lo_truncate64(t.fd, $2::pg_catalog.int8) = 0`,
        [oid, end],
      );
      return bytes;
    }
  }
}
