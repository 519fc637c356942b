import { openSocket } from "./open-socket.ts";
import type { Session } from "./session.ts";

/** What a cancel request needs to know of the connection that it is about. */
export type Cancellable = Pick<Session, "endpoint" | "socket" | "backendPid" | "cancelKey">;

/** How long a server may take to end what it was told to end; then its connection is given up: the network between us may be dead without a word. */
export const STOP_WITHIN_MS = 5000;

/**
 * Asks the server to cancel what a session is doing, over a connection of its own
 * (https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS).
 * Best effort: resolves when the request was delivered or could not be; the effect shows on the session itself.
 */
export async function requestCancel(session: Cancellable): Promise<void> {
  const message = Buffer.alloc(16);
  message.writeInt32BE(16, 0);
  message.writeInt32BE(80877102, 4);
  message.writeInt32BE(session.backendPid, 8);
  session.cancelKey.copy(message, 12);
  try {
    const socket = await openSocket(session.endpoint, "encrypted" in session.socket, AbortSignal.timeout(STOP_WITHIN_MS));
    await new Promise<void>((resolve) => {
      socket.once("close", () => resolve()).once("error", () => resolve());
      socket.resume();
      socket.end(message);
      setTimeout(() => {
        socket.destroy();
        resolve();
      }, 2000).unref();
    });
  } catch {
    // the server is not reachable: then the session's own socket tells
  }
}

/** Ends what a session is doing: by a cancel request, and where that shows no effect by giving the connection up. For sessions whose work is over. */
export function stopSession(session: Cancellable): void {
  void requestCancel(session);
  // A request that comes before the statement began is lost.
  const again = setInterval(() => {
    if (session.socket.destroyed) clearInterval(again);
    else void requestCancel(session);
  }, CANCEL_AGAIN_MS).unref();
  setTimeout(() => {
    clearInterval(again);
    session.socket.destroy();
  }, STOP_WITHIN_MS).unref();
}

const CANCEL_AGAIN_MS = 1000;
