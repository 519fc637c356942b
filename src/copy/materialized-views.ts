import { DatabaseError } from "pg";
import type { Relation } from "../catalog/catalog.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import { quoteQualified } from "../wire/quote.ts";
import type { Session } from "../wire/session.ts";

/** What becomes of a materialized view. */
export interface RefreshObserver {
  refreshed(view: Relation): void;
  /** It stays empty: its query fails on the target (a foreign server out of reach, a right that its owner lacks). */
  failed(view: Relation, error: GodwitError): void;
}

/**
 * Fills materialized views with REFRESH, each after those that it reads. The server itself knows that order best, also through
 * functions: reading an unfilled one is an error (object_not_in_prerequisite_state), and then it is tried again after the others.
 * A view whose own query fails does not end the migration: everything else is there by now, and it can be refreshed later.
 */
export async function refreshMaterializedViews(target: Session, views: readonly Relation[], observer: RefreshObserver, signal: AbortSignal): Promise<void> {
  let waiting = [...views];
  while (waiting.length > 0) {
    const postponed: { readonly view: Relation; readonly error: GodwitError }[] = [];
    for (const view of waiting) {
      signal.throwIfAborted();
      try {
        await target.query(`refresh materialized view ${quoteQualified(view.schema, view.name)}`);
        observer.refreshed(view);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof GodwitError)) throw error;
        if ((error.retry === "automatic" || isOfTheServer(error)) && !(await isOfAnotherServer(target, error))) throw error;
        if (isNotPopulated(error)) postponed.push({ view, error });
        else observer.failed(view, error);
      }
    }
    if (postponed.length === waiting.length) {
      for (const { view, error } of postponed) observer.failed(view, error);
      return;
    }
    waiting = postponed.map(({ view }) => view);
  }
}

/** No room, a cancelled query, a failing disk: the view's query is not to blame. https://www.postgresql.org/docs/current/errcodes-appendix.html */
function isOfTheServer({ cause }: GodwitError): boolean {
  return typeof cause === "object" && cause !== null && "code" in cause && /^(?:53|57|58|XX)/.test(String(cause.code));
}

/** A connection exception (class 08) in a session that goes on: a foreign server or dblink could not be reached. https://www.postgresql.org/docs/current/errcodes-appendix.html */
async function isOfAnotherServer(target: Session, { cause }: GodwitError): Promise<boolean> {
  if (!(cause instanceof DatabaseError) || cause.code?.startsWith("08") !== true) return false;
  return await target.query("select").then(
    () => true,
    () => false,
  );
}

function isNotPopulated({ cause }: GodwitError): boolean {
  return typeof cause === "object" && cause !== null && "code" in cause && cause.code === "55000";
}
