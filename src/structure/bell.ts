/**
 * One thread sleeps until another has something for it. The bell is one Int32 in shared memory: 0 while nothing is there.
 * https://tc39.es/ecma262/#sec-atomics.wait
 */
export class Bell {
  /** What both threads share. */
  readonly memory: SharedArrayBuffer;
  readonly #raised: Int32Array;

  constructor(memory = new SharedArrayBuffer(4)) {
    this.memory = memory;
    this.#raised = new Int32Array(memory);
  }

  /** Before the other thread is asked for something. */
  lower(): void {
    Atomics.store(this.#raised, 0, 0);
  }

  /** After what the sleeper waits for was laid down. */
  ring(): void {
    Atomics.store(this.#raised, 0, 1);
    Atomics.notify(this.#raised, 0);
  }

  /**
   * Sleeps until the bell is raised. A notification alone does not end it: one that comes late, after the sleeper saw the
   * bell raised, took the answer and asked again, belongs to the answer before.
   */
  wait(): void {
    while (Atomics.load(this.#raised, 0) === 0) Atomics.wait(this.#raised, 0, 0);
  }
}
