import { type Relation, displayName } from "../catalog/catalog.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import { quoteQualified } from "../wire/quote.ts";
import type { Session } from "../wire/session.ts";

/**
 * Fills materialized views with REFRESH, each after those that it reads. The server itself knows that order best, also through
 * functions: reading an unfilled one is an error (object_not_in_prerequisite_state), and then it is tried again after the others.
 */
export async function refreshMaterializedViews(target: Session, views: readonly Relation[], onRefreshed: (view: Relation) => void, signal: AbortSignal): Promise<void> {
  let waiting = [...views];
  while (waiting.length > 0) {
    const postponed: { readonly view: Relation; readonly error: unknown }[] = [];
    for (const view of waiting) {
      signal.throwIfAborted();
      try {
        await target.query(`refresh materialized view ${quoteQualified(view.schema, view.name)}`);
        onRefreshed(view);
      } catch (error) {
        if (!isNotPopulated(error)) throw error;
        postponed.push({ view, error });
      }
    }
    if (postponed.length === waiting.length) {
      const names = postponed.map(({ view }) => displayName(view)).join(", ");
      throw new GodwitError("structure-failed", `target: refreshing materialized views: ${names} read one that is never filled`, { object: names, cause: postponed[0]?.error });
    }
    waiting = postponed.map(({ view }) => view);
  }
}

function isNotPopulated(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return typeof cause === "object" && cause !== null && "code" in cause && cause.code === "55000";
}
