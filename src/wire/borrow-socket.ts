import type { Socket } from "node:net";
import type { Session } from "./session.ts";

/** Takes the socket of an idle session away from node-postgres and gives it back on disposal. */
export function borrowSocket(session: Pick<Session, "socket">): Disposable & { readonly socket: Socket } {
  const { socket } = session;
  const listeners = socket.listeners("data") as ((chunk: Buffer) => void)[];
  socket.removeAllListeners("data");
  return {
    socket,
    [Symbol.dispose]: () => {
      socket.removeAllListeners("data");
      for (const listener of listeners) socket.on("data", listener);
      socket.resume();
    },
  };
}
