/** So many items wait for one watcher. */
const MOST_WAITING = 1000;

/** What one loop finds out for everybody who watches the same thing, however many they are. Runs while somebody watches. */
export class SharedFeed<Item> {
  readonly #run: (publish: (item: Item) => void, signal: AbortSignal) => Promise<void>;
  readonly #watchers = new Set<(item: Item | undefined) => void>();
  #running: AbortController | undefined;

  constructor(run: (publish: (item: Item) => void, signal: AbortSignal) => Promise<void>) {
    this.#run = run;
  }

  get isWatched(): boolean {
    return this.#watchers.size > 0;
  }

  /** From the first call of `next` on, everything that is published; ends with the loop, or when the signal aborts. */
  async *watch(signal: AbortSignal): AsyncGenerator<Item> {
    // undefined: it is over
    const queue: (Item | undefined)[] = [];
    let wake = (): void => undefined;
    const take = (item: Item | undefined): void => {
      // Who does not read on is let go: it connects again, and goes on behind what it has seen.
      if (queue.length >= MOST_WAITING) queue.splice(0, queue.length, undefined);
      else queue.push(item);
      wake();
    };
    const stop = (): void => take(undefined);
    this.#watchers.add(take);
    signal.addEventListener("abort", stop);
    this.#start();
    try {
      while (!signal.aborted) {
        if (queue.length === 0) await new Promise<void>((resolve) => (wake = resolve));
        const item = queue.shift();
        if (item === undefined) return;
        yield item;
      }
    } finally {
      signal.removeEventListener("abort", stop);
      this.#watchers.delete(take);
      if (this.#watchers.size === 0) {
        this.#running?.abort();
        this.#running = undefined;
      }
    }
  }

  #start(): void {
    if (this.#running !== undefined) return;
    const running = new AbortController();
    this.#running = running;
    const publish = (item: Item): void => {
      if (this.#running === running) for (const take of this.#watchers) take(item);
    };
    // What breaks the loop ends the connections: who watches connects again, and sees then what is the matter.
    void this.#run(publish, running.signal)
      .catch(() => undefined)
      .finally(() => {
        if (this.#running !== running) return;
        this.#running = undefined;
        for (const take of this.#watchers) take(undefined);
      });
  }
}
