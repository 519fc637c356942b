import { displayName, type Relation } from "../catalog/catalog.ts";
import { refreshMaterializedViews } from "../copy/materialized-views.ts";
import type { Session } from "../wire/session.ts";
import type { StepResult } from "./step-result.ts";

/**
 * Fills materialized views from the tables as they are at the end; only those that are filled at the source. The session has the settings on which their queries may
 * depend (see computing-settings.ts). One that cannot be filled does not end Complete: it is told, and can be refreshed later. Idempotent.
 */
export async function refreshViews(target: Session, views: readonly Relation[], signal: AbortSignal): Promise<StepResult> {
  const aligned: { object: string; to: string }[] = [];
  const notes: string[] = [];
  await refreshMaterializedViews(
    target,
    views.filter(({ isPopulated }) => isPopulated),
    {
      refreshed: (view) => aligned.push({ object: `materialized view ${displayName(view)}`, to: "refreshed" }),
      failed: (view, error) => {
        const name = displayName(view);
        notes.push(`materialized view ${name} has its content of before: ${error.message}; mend the cause, then REFRESH MATERIALIZED VIEW ${name}`);
      },
    },
    signal,
  );
  return { aligned, notes };
}
