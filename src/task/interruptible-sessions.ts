import { GodwitError } from "../errors/godwit-error.ts";
import type { Endpoint } from "../wire/endpoint.ts";
import { type Session, type SessionOptions, openSession } from "../wire/session.ts";

/** The sessions of a run: closed together at its end, and told to stop what they are doing when the run is interrupted or fails. */
export class InterruptibleSessions implements AsyncDisposable {
  readonly #sessions: Session[] = [];
  readonly #failure = new AbortController();
  /** Aborted when the run is interrupted, and when it fails: for sessions that are opened elsewhere and added here. */
  readonly signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.signal = AbortSignal.any([signal, this.#failure.signal]);
  }

  /** Cancels whatever the sessions are doing: the run is over, and nobody should wait for the hour that an index still takes. */
  readonly stop = (): void => {
    this.#failure.abort(new GodwitError("interrupted", "the run ended meanwhile"));
  };

  async open(endpoint: Endpoint, options: Omit<SessionOptions, "signal"> = {}): Promise<Session> {
    return await this.add(openSession(endpoint, { ...options, signal: this.signal }));
  }

  async add(opening: Promise<Session>): Promise<Session> {
    const session = await opening;
    this.#sessions.push(session);
    this.signal.throwIfAborted();
    return session;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#sessions.map(async (session) => await session.close()));
  }
}
