import { GodwitError } from "../errors/godwit-error.ts";
import { requestCancel } from "../wire/cancel.ts";
import type { Session } from "../wire/session.ts";

/** The sessions of a run: closed together at its end, and told to stop what they are doing when the run is interrupted or fails. */
export class InterruptibleSessions implements AsyncDisposable {
  readonly #sessions: Session[] = [];
  readonly #signal: AbortSignal;
  #isStopped = false;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", this.stop, { once: true });
  }

  /** Cancels whatever the sessions are doing: the run is over, and nobody should wait for the hour that an index still takes. */
  readonly stop = (): void => {
    this.#isStopped = true;
    for (const session of this.#sessions) void requestCancel(session);
  };

  async add(opening: Promise<Session>): Promise<Session> {
    const session = await opening;
    this.#sessions.push(session);
    this.#signal.throwIfAborted();
    if (this.#isStopped) throw new GodwitError("interrupted", "the run ended while a connection was being opened");
    return session;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal.removeEventListener("abort", this.stop);
    await Promise.all(this.#sessions.map(async (session) => await session.close()));
  }
}
