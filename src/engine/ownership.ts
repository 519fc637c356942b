import { setTimeout as sleep } from "node:timers/promises";
import type { EngineLog } from "./quiet-logger.ts";
import type { Store } from "./store.ts";

/**
 * What this executor may go on with. DBOS writes a token of each claim beside the workflow: cancelling, resuming, sweeping and claiming by
 * another executor all change it, and DBOS refuses what an execution with an old token wants to record. That refusal comes at the end of a
 * step, which can be hours away; so the tokens are read here once a second, and steps whose claim is gone are interrupted at once.
 */
export interface Ownership {
  /** Aborts when the claim is gone. `release` when the step has ended. */
  guard(workflowId: string, token: string): { readonly signal: AbortSignal; release(): void };
  /** Interrupts every step, as when nothing can be said about the claims any more. */
  interruptAll(): void;
  /** Interrupts every step now and every one that begins later, and waits for their ends, at most `patienceMs`. */
  stop(patienceMs: number): Promise<void>;
}

export interface OwnershipOptions {
  readonly executorId: string;
  /** Whether an execution of this workflow runs in this process. */
  readonly isRunning: (workflowId: string) => boolean;
  readonly log: EngineLog;
}

const LOOK_MS = 1000;
/** Between a claim and the start of its execution there are two round trips. */
const STRANDED_AFTER_MS = 3000;

export function watchOwnership(store: Store, options: OwnershipOptions): Ownership {
  const watch = new OwnershipWatch(store, options);
  watch.start();
  return watch;
}

interface Guarded {
  readonly workflowId: string;
  readonly token: string;
  readonly since: number;
  readonly controller: AbortController;
}

class OwnershipWatch implements Ownership {
  readonly #store: Store;
  readonly #options: OwnershipOptions;
  readonly #guarded = new Set<Guarded>();
  readonly #notRunningSince = new Map<string, number>();
  readonly #stopped = new AbortController();
  #ended: Promise<void> = Promise.resolve();

  constructor(store: Store, options: OwnershipOptions) {
    this.#store = store;
    this.#options = options;
  }

  start(): void {
    this.#ended = this.#loop();
  }

  guard(workflowId: string, token: string): { signal: AbortSignal; release: () => void } {
    const guarded = { workflowId, token, since: Date.now(), controller: new AbortController() };
    if (this.#stopped.signal.aborted) guarded.controller.abort();
    this.#guarded.add(guarded);
    return { signal: guarded.controller.signal, release: () => void this.#guarded.delete(guarded) };
  }

  interruptAll(): void {
    for (const { controller } of this.#guarded) controller.abort();
  }

  async stop(patienceMs: number): Promise<void> {
    this.#stopped.abort();
    this.interruptAll();
    await this.#ended;
    for (const deadline = Date.now() + patienceMs; this.#guarded.size > 0 && Date.now() < deadline;) await sleep(10);
  }

  async #loop(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      await this.#look().catch(() => undefined); // the store is away: nobody can take anything over meanwhile
      await sleep(LOOK_MS, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
    }
  }

  async #look(): Promise<void> {
    const askedAt = Date.now();
    const { rows } = await this.#store.pool.query<{ id: string; token: string | null }>(
      "select workflow_uuid as id, owner_xid as token from dbos.workflow_status where status = 'PENDING' and executor_id = $1",
      [this.#options.executorId],
    );
    const owned = new Set(rows.map(({ id, token }) => `${token} ${id}`));
    for (const { workflowId, token, since, controller } of this.#guarded) {
      if (since < askedAt && !owned.has(`${token} ${workflowId}`)) controller.abort();
    }
    await this.#requeueStranded(rows.filter(({ id }) => !this.#options.isRunning(id)));
  }

  /**
   * A workflow claimed by this executor that no execution here goes on with: the store went away between the claim and its dispatch, or the
   * execution was interrupted while nobody could say whose it was. The lease is held, so no sweeper will come: it goes back to its queue.
   */
  async #requeueStranded(notRunning: readonly { id: string; token: string | null }[]): Promise<void> {
    const now = Date.now();
    const keys = new Set(notRunning.map(({ id, token }) => `${token} ${id}`));
    for (const key of this.#notRunningSince.keys()) if (!keys.has(key)) this.#notRunningSince.delete(key);
    for (const { id, token } of notRunning) {
      const since = this.#notRunningSince.get(`${token} ${id}`);
      if (since === undefined) this.#notRunningSince.set(`${token} ${id}`, now);
      else if (now - since > STRANDED_AFTER_MS) {
        this.#options.log(`workflow ${id} was claimed but does not run; it goes back to its queue`);
        await this.#store.pool.query(
          `update dbos.workflow_status set status = 'ENQUEUED', owner_xid = null, started_at_epoch_ms = null
           where workflow_uuid = $1 and owner_xid = $2 and status = 'PENDING'`,
          [id, token],
        );
      }
    }
  }
}
