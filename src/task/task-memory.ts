import { randomUUID } from "node:crypto";

/** What a task remembers between its runs, besides the ledgers on the target; both together let a run go on where another one was cut off. */
export interface TaskMemory {
  /** Names the ledgers: a target that another task has begun is left alone. */
  readonly id: string;
  has(what: Milestone): boolean;
  /** Kept before it returns, with what the task's summary has to tell of it: plain data. The first that reaches it is believed. */
  reached(what: Milestone, value?: unknown): Promise<void>;
  /** What was kept with a milestone that an earlier run, or this one, has reached. */
  value(what: Milestone): unknown;
  /** Those that were reached. */
  reachedAll(): Milestone[];
  /** What the task failed with last, before this run, as its record has it: somebody was told of that. */
  failure: Failure | undefined;
}

/** `id`: another one each time. */
export interface Failure {
  readonly id: string;
  readonly message: string;
}

/** Roles are about to be created (those that were not there); roles are created; the data of a database is there and its changes are followed; a database's ledger is about to be dropped, as its last act; all that belongs to a database is done. */
export type Milestone = "roles begun" | "roles" | `closing ${string}` | `database ${string}` | `following ${string}`;

/** For a run that nobody will continue. */
export function shortMemory(): TaskMemory {
  return memoryOf(randomUUID(), new Map(), async () => undefined);
}

/** A memory over what is known; `keep` makes it outlive this process. */
export function memoryOf(id: string, known: Map<Milestone, unknown>, keep: (what: Milestone, value: unknown) => Promise<void>, failure?: Failure): TaskMemory {
  return {
    id,
    failure,
    has: (what) => known.has(what),
    value: (what) => known.get(what),
    reachedAll: () => [...known.keys()],
    reached: async (what, value) => {
      await keep(what, value);
      if (!known.has(what)) known.set(what, value);
    },
  };
}
