import { openSocket } from "./open-socket.ts";
import type { Session } from "./session.ts";

/**
 * Asks the server to cancel what a session is doing, over a connection of its own
 * (https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS).
 * Best effort: resolves when the request was delivered or could not be; the effect shows on the session itself.
 */
export async function requestCancel(session: Session): Promise<void> {
  const message = Buffer.alloc(16);
  message.writeInt32BE(16, 0);
  message.writeInt32BE(80877102, 4);
  message.writeInt32BE(session.backendPid, 8);
  session.cancelKey.copy(message, 12);
  try {
    const socket = await openSocket(session.endpoint, "encrypted" in session.socket);
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
