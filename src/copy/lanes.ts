/**
 * Lanes take work from one queue until it is empty. Work that waits for tables is released when these are complete.
 */
export class WorkQueue<Job> {
  readonly #ready: Job[] = [];
  readonly #waitingForTable = new Map<string, Job[]>();
  readonly #waitingForAll: Job[] = [];
  /** Chunks not yet complete, per table. */
  readonly #openChunks = new Map<string, number>();
  #running = 0;
  readonly #idle: (() => void)[] = [];

  /** Declares that a chunk holds rows of these tables. */
  expect(tableOids: readonly string[]): void {
    for (const oid of tableOids) this.#openChunks.set(oid, (this.#openChunks.get(oid) ?? 0) + 1);
  }

  /** Adds work; with `after`, it waits until that table, or "all" tables, are complete. Order of adding is order of taking. */
  add(job: Job, after?: string): void {
    if (after === undefined || (after === "all" ? this.#openChunks.size === 0 : !this.#openChunks.has(after))) this.#ready.push(job);
    else if (after === "all") this.#waitingForAll.push(job);
    else this.#waitingForTable.set(after, [...(this.#waitingForTable.get(after) ?? []), job]);
  }

  /** Says that a chunk is complete: what waited for its tables becomes ready. */
  complete(tableOids: readonly string[]): void {
    for (const oid of tableOids) {
      const open = (this.#openChunks.get(oid) ?? 1) - 1;
      if (open > 0) {
        this.#openChunks.set(oid, open);
        continue;
      }
      this.#openChunks.delete(oid);
      this.#ready.push(...(this.#waitingForTable.get(oid) ?? []));
      this.#waitingForTable.delete(oid);
    }
    if (this.#openChunks.size === 0) this.#ready.push(...this.#waitingForAll.splice(0));
    this.#wake();
  }

  /** Jobs that could begin now. */
  get readyJobs(): number {
    return this.#ready.length;
  }

  isComplete(tableOid: string): boolean {
    return !this.#openChunks.has(tableOid);
  }

  /**
   * Runs `work` for every job on `lanes` lanes; after the first error no lane takes another job, and that error is thrown when all have ended.
   * `onFailure` may end what the others are doing at that moment.
   */
  async run(lanes: number, work: (job: Job, lane: number) => Promise<void>, signal: AbortSignal, onFailure: () => void = () => undefined): Promise<void> {
    let failure: { readonly error: unknown } | undefined;
    const lane = async (number: number): Promise<void> => {
      while (failure === undefined) {
        signal.throwIfAborted();
        const job = this.#ready.shift();
        if (job === undefined) {
          if (this.#running === 0) break;
          await new Promise<void>((resolve) => this.#idle.push(resolve));
          continue;
        }
        this.#running++;
        try {
          await work(job, number);
        } catch (error) {
          if (failure === undefined) {
            failure = { error };
            onFailure();
          }
        } finally {
          this.#running--;
          this.#wake();
        }
      }
    };
    await Promise.all(Array.from({ length: lanes }, async (_, number) => await lane(number)));
    if (failure !== undefined) throw failure.error;
  }

  #wake(): void {
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
