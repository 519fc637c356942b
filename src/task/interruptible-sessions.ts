import { requestCancel } from "../wire/cancel.ts";
import type { Session } from "../wire/session.ts";

/** The sessions of a run: closed together at its end, and told to stop what they are doing when the run is interrupted. */
export class InterruptibleSessions implements AsyncDisposable {
  readonly #sessions: Session[] = [];
  readonly #signal: AbortSignal;
  readonly #onAbort = (): void => {
    for (const session of this.#sessions) void requestCancel(session);
  };

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  async add(opening: Promise<Session>): Promise<Session> {
    const session = await opening;
    this.#sessions.push(session);
    this.#signal.throwIfAborted();
    return session;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal.removeEventListener("abort", this.#onAbort);
    await Promise.all(this.#sessions.map(async (session) => await session.close()));
  }
}
