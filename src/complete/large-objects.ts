import { copyLargeObjects, type LargeObjectOptions } from "../copy/large-objects.ts";
import type { Session } from "../wire/session.ts";
import { inWritingTransaction } from "../source/lock-patiently.ts";
import { NOTHING, type StepResult } from "./step-result.ts";

export interface LargeObjectAlignment extends Omit<LargeObjectOptions, "only" | "onProgress"> {
  /** Oids that were on the target before the migration: not ours, and left alone. */
  readonly keep: readonly string[];
}

/** So many are compared at a time. */
const PER_COMPARISON = 20_000;
/** So many are taken away, and copied again, at a time. */
const PER_COPY = 1000;

/**
 * Brings large objects into line: they lie in a system catalog, of which no plugin decodes anything. Those that are new or have other content at the source are copied (with owner, rights and
 * comment), those that are gone there are taken away. Compared by digests of their pages, which both servers read in full; where an account may not read pg_largeobject, all of
 * them are copied again. Idempotent. Both sessions are idle before and after.
 */
export async function alignLargeObjects(source: Session, target: Session, { keep, ...options }: LargeObjectAlignment, signal: AbortSignal): Promise<StepResult> {
  await source.query("begin isolation level repeatable read read only");
  try {
    const difference = await compare(source, target, keep, signal);
    const { created, changed, removed } = difference;
    await unlink(target, [...changed, ...removed], signal);
    const copied = [...changed, ...created];
    for (let from = 0; from < copied.length; from += PER_COPY) await copyLargeObjects(source, target, { ...options, only: copied.slice(from, from + PER_COPY) }, signal);
    if (copied.length + removed.length === 0) return NOTHING;
    const how = difference.isCompared ? "" : " (all of them: an account may not read pg_largeobject, so that nothing could be compared)";
    return { aligned: [{ object: "large objects", to: `${created.length} created, ${changed.length} written again, ${removed.length} removed${how}` }], notes: [] };
  } finally {
    if (!source.socket.destroyed) await source.query("rollback").catch(() => undefined);
  }
}

interface Difference {
  readonly created: string[];
  readonly changed: string[];
  readonly removed: string[];
  readonly isCompared: boolean;
}

async function compare(source: Session, target: Session, keep: readonly string[], signal: AbortSignal): Promise<Difference> {
  const isCompared = (await mayReadPages(source)) && (await mayReadPages(target));
  const difference: Difference = { created: [], changed: [], removed: [], isCompared };
  const kept = new Set(keep);
  for (let after = "0", isLast = false; !isLast;) {
    signal.throwIfAborted();
    const wanted = await readDigests(source, isCompared, { after, limit: PER_COMPARISON });
    isLast = wanted.length < PER_COMPARISON;
    const upTo = isLast ? null : wanted.at(-1)!.oid;
    const there = new Map((await readDigests(target, isCompared, { after, upTo })).filter(({ oid }) => !kept.has(oid)).map(({ oid, digest }) => [oid, digest]));
    for (const { oid, digest } of wanted) {
      const found = there.get(oid);
      if (found === undefined) difference.created.push(oid);
      else if (found !== digest || !isCompared) difference.changed.push(oid);
      there.delete(oid);
    }
    difference.removed.push(...there.keys());
    after = upTo ?? after;
  }
  return difference;
}

async function mayReadPages(session: Session): Promise<boolean> {
  const [row] = await session.query<{ may: boolean }>("select pg_catalog.has_table_privilege('pg_catalog.pg_largeobject', 'select') as may");
  return row?.may === true;
}

/** Behind `after`, in the order of the oid; null: no such bound. */
interface Range {
  readonly after: string;
  readonly upTo?: string | null;
  readonly limit?: number;
}

/** The digest is a sum over pages, so that an object of any size has one: 60 bits of each page's number and content. */
async function readDigests(session: Session, isCompared: boolean, { after, upTo = null, limit }: Range): Promise<{ oid: string; digest: string }[]> {
  const digest = isCompared
    ? `coalesce((select pg_catalog.sum(('x' || pg_catalog.substr(pg_catalog.md5(l.pageno::pg_catalog.text || ':' || pg_catalog.md5(l.data)), 1, 15))::bit(60)::pg_catalog.int8)
                   from pg_catalog.pg_largeobject l where l.loid = m.oid)::pg_catalog.text, '')`
    : "''";
  return await session.query<{ oid: string; digest: string }>(
    `select m.oid::pg_catalog.text as oid, ${digest} as digest from pg_catalog.pg_largeobject_metadata m
      where m.oid > $1::pg_catalog.oid and ($2::pg_catalog.oid is null or m.oid <= $2::pg_catalog.oid)
      order by m.oid ${limit === undefined ? "" : `limit ${limit}`}`,
    [after, upTo],
  );
}

/** Each takes a place in the lock table until its transaction ends. */
const PER_TRANSACTION = 500;

async function unlink(target: Session, oids: readonly string[], signal: AbortSignal): Promise<void> {
  for (let from = 0; from < oids.length; from += PER_TRANSACTION) {
    signal.throwIfAborted();
    const part = oids.slice(from, from + PER_TRANSACTION);
    await inWritingTransaction(target, async () => await target.query("select pg_catalog.lo_unlink(o.oid) from pg_catalog.unnest($1::pg_catalog.oid[]) o(oid)", [part]));
  }
}
