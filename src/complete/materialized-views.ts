import { displayName, type Relation } from "../catalog/catalog.ts";
import { refreshMaterializedViews } from "../copy/materialized-views.ts";
import { quoteQualified } from "../wire/quote.ts";
import type { Session } from "../wire/session.ts";
import type { StepResult } from "./step-result.ts";

/**
 * Empties and fills materialized views from the tables as they are at the end; only those that are filled at the source. The session has the settings on which their queries may
 * depend (see computing-settings.ts). Emptied first, all of them: what reads one of yesterday would be of yesterday itself, and the server tells the order only by
 * refusing to read an empty one (see refreshMaterializedViews). One that cannot be filled does not end Complete: it is told, and can be refreshed later. Idempotent.
 */
export async function refreshViews(target: Session, views: readonly Relation[], signal: AbortSignal): Promise<StepResult> {
  const aligned: { object: string; to: string }[] = [];
  const notes: string[] = [];
  const filled = views.filter(({ isPopulated }) => isPopulated);
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
