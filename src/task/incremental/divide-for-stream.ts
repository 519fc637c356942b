import type { CopyTable } from "../../copy/chunk.ts";
import type { DatabasePlan } from "../../plan/database-plan.ts";
import { copyTables } from "../../plan/plan-chunks.ts";
import { mayReplicate } from "../../stream/replication-role.ts";
import type { Entry } from "../../structure/entry.ts";
import type { Session } from "../../wire/session.ts";

/** What fires when rows are written, or refuses them. */
const DISTURBING: ReadonlySet<string> = new Set(["TRIGGER", "FK CONSTRAINT", "RULE"]);

/**
 * What follows the data at once, and what waits until Complete. An account that may set session_replication_role applies changes past triggers, rules and
 * foreign keys; for another one they must not be there yet, with all that belongs to them.
 */
export async function divideForStream(target: Session, entries: readonly Entry[]): Promise<{ readonly now: readonly Entry[]; readonly late: readonly Entry[] }> {
  if (await mayReplicate(target)) return { now: entries, late: [] };
  const lateIds = new Set<number>();
  const isLate = (entry: Entry): boolean => DISTURBING.has(entry.type) || entry.dependencies.some((id) => lateIds.has(id));
  for (const entry of entries) if (isLate(entry)) lateIds.add(entry.dumpId);
  return { now: entries.filter(({ dumpId }) => !lateIds.has(dumpId)), late: entries.filter(({ dumpId }) => lateIds.has(dumpId)) };
}

export function unloggedTables({ catalog, selection }: DatabasePlan): CopyTable[] {
  const unlogged = new Set(catalog.relations.filter(({ persistence }) => persistence === "unlogged").map(({ oid }) => oid));
  return copyTables(catalog, selection.isSelected).filter(({ oid }) => unlogged.has(oid));
}
