import { readComputingSettings } from "../copy/computing-settings.ts";
import { openUnderSnapshot } from "../copy/snapshot.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import type { Endpoint } from "../wire/endpoint.ts";
import { quoteQualified } from "../wire/quote.ts";
import type { Session } from "../wire/session.ts";

/** A materialized view by its name. */
interface ViewName {
  readonly schema: string;
  readonly name: string;
}

/**
 * Which of these materialized views do not hold at the source what their queries give there, under the snapshot: their tables were written since the last REFRESH, or those of
 * views that they read. On the target they were filled anew, so there they hold something else, and nothing is wrong. A view whose query fails is not among them.
 * Computes each query once; the account's right to that is the one that it would refresh with.
 */
export async function findStaleViews<View extends ViewName>(source: Endpoint, snapshotId: string, views: readonly View[], signal: AbortSignal): Promise<View[]> {
  await using session = await openUnderSnapshot(source, snapshotId, { signal });
  for (const [name, value] of Object.entries(await readComputingSettings(session))) await session.query("select pg_catalog.set_config($1, $2, true)", [name, value]);
  const stale: View[] = [];
  for (const view of views) {
    for (const { schema, name } of await readViews(session, view)) {
      if (await holdsItsQuery(session, { schema, name })) continue;
      stale.push(view);
      break;
    }
  }
  return stale;
}

/** The view itself, and the materialized views that it reads, also through views. */
async function readViews(session: Session, { schema, name }: ViewName): Promise<ViewName[]> {
  return await session.query<{ schema: string; name: string }>(
    `with recursive reads (oid) as (
       select $1::pg_catalog.regclass::pg_catalog.oid
       union select d.refobjid from reads r join pg_catalog.pg_rewrite w on w.ev_class = r.oid
         join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.objid = w.oid and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
     ) select n.nspname as schema, c.relname as name from reads join pg_catalog.pg_class c on c.oid = reads.oid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where c.relkind = 'm'`,
    [quoteQualified(schema, name)],
  );
}

async function holdsItsQuery(session: Session, { schema, name }: ViewName): Promise<boolean> {
  const view = quoteQualified(schema, name);
  const [row] = await session.query<{ definition: string }>("select pg_catalog.pg_get_viewdef($1::pg_catalog.regclass) as definition", [view]);
  // A sum over hashes: the order of rows is nobody's business.
  const digest = (of: string): string => `(select pg_catalog.count(*) || ' ' || coalesce(pg_catalog.sum(('x' || pg_catalog.md5((godwit_row.*)::pg_catalog.text))::pg_catalog.bit(64)::pg_catalog.int8), 0) from ${of} godwit_row)`; // prettier-ignore
  await session.query("savepoint view");
  try {
    const [same] = await session.query<{ same: boolean }>(`select ${digest(view)} = ${digest(`(${(row?.definition ?? "").replace(/;\s*$/, "")})`)} as same`);
    return same?.same ?? true;
  } catch (error) {
    if (!(error instanceof GodwitError) || error.code === "connection-lost") throw error;
    await session.query("rollback to savepoint view");
    return true;
  }
}
