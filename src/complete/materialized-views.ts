import { displayName, type Relation } from "../catalog/catalog.ts";
import { refreshMaterializedViews } from "../copy/materialized-views.ts";
import { quoteQualified } from "../wire/quote.ts";
import type { Session } from "../wire/session.ts";
import type { StepResult } from "./step-result.ts";

/**
 * Empties and fills materialized views from the tables as they are at the end; only those that are filled at the source. The session has the settings on which their queries may
 * depend (see computing-settings.ts). Emptied first, all of them: what reads one of yesterday would be of yesterday itself, and the server tells the order only by
 * refusing to read an empty one (see refreshMaterializedViews). One that cannot be filled, or was dropped meanwhile, does not end Complete: it is told, and can be refreshed later. Idempotent.
 */
export async function refreshViews(target: Session, views: readonly Relation[], signal: AbortSignal): Promise<StepResult> {
  const aligned: { object: string; to: string }[] = [];
  const notes: string[] = [];
  const there = await target.query<{ name: string }>(
    "select w.name from pg_catalog.unnest($1::pg_catalog.text[]) as w (name) join pg_catalog.pg_class c on c.oid = pg_catalog.to_regclass(w.name) where c.relkind = 'm'",
    [views.map(({ schema, name }) => quoteQualified(schema, name))],
  );
  const names = new Set(there.map(({ name }) => name));
  const isThere = ({ schema, name }: Relation): boolean => names.has(quoteQualified(schema, name));
  const filled = views.filter((view) => view.isPopulated && isThere(view));
  for (const view of views) if (!isThere(view)) notes.push(`materialized view ${displayName(view)} is not on the target any more`);
  for (const { schema, name } of filled) await target.query(`refresh materialized view ${quoteQualified(schema, name)} with no data`);
  await refreshMaterializedViews(
    target,
    filled,
    {
      refreshed: (view) => aligned.push({ object: `materialized view ${displayName(view)}`, to: "refreshed" }),
      failed: (view, error) => {
        const name = displayName(view);
        notes.push(`materialized view ${name} stays empty: ${error.message}; mend the cause, then REFRESH MATERIALIZED VIEW ${name}`);
      },
    },
    signal,
  );
  return { aligned, notes };
}
