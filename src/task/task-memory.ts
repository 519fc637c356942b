import { randomUUID } from "node:crypto";

/** What a task remembers between its runs, besides the ledgers on the target; both together let a run go on where another one was cut off. */
export interface TaskMemory {
  /** Names the ledgers: a target that another task has begun is left alone. */
  readonly id: string;
  has(what: Milestone): boolean;
  /** Kept before it returns. */
  reached(what: Milestone): Promise<void>;
}

/** Roles are created; the data of a database is there and its changes are followed; a database's ledger is about to be dropped, as its last act; all that belongs to a database is done. */
export type Milestone = "roles" | `closing ${string}` | `database ${string}` | `following ${string}`;

/** For a run that nobody will continue. */
export function shortMemory(): TaskMemory {
  const reached = new Set<Milestone>();
  return { id: randomUUID(), has: (what) => reached.has(what), reached: async (what) => void reached.add(what) };
}
