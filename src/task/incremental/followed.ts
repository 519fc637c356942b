import type { CompleteReport } from "../../complete/report.ts";
import type { DatabaseResult } from "../run-context.ts";
import type { TaskMemory } from "../task-memory.ts";

/** What became of the changes that were received. */
export interface Conserved {
  readonly received: number;
  readonly applied: number;
  readonly skipped: number;
  /** The newest conflicts, as text for people, with their rows' keys: the target forgets them. */
  readonly conflicts: readonly string[];
}

/** What following came to, of all databases of a task so far. Plain data. */
export interface Followed {
  readonly changes: Conserved;
  readonly completed: CompleteReport;
}

export const NO_CHANGES: Conserved = { received: 0, applied: 0, skipped: 0, conflicts: [] };

export function addChanges(one: Conserved, other: Conserved): Conserved {
  return {
    received: one.received + other.received,
    applied: one.applied + other.applied,
    skipped: one.skipped + other.skipped,
    conflicts: [...one.conflicts, ...other.conflicts],
  };
}

/** What is kept with the milestone `closing …`, as the ledger, which knew it, is dropped then: the database's result, and the task's account so far. */
export interface Closing extends DatabaseResult {
  readonly followed: Followed;
}

/** The account of the databases that earlier runs have closed. */
export function followedBefore(task: TaskMemory): Followed | undefined {
  const closed = task.reachedAll().findLast((what) => what.startsWith("closing "));
  return closed === undefined ? undefined : (task.value(closed) as Partial<Closing> | undefined)?.followed;
}
