import { Transform } from "node:stream";
import { type AddressInfo, type Socket, connect, createServer } from "node:net";

/** A network between us and a server that can die without a word: connections stay open, and nothing passes any more. */
export interface StallingProxy extends AsyncDisposable {
  readonly port: number;
  /** From now on nothing passes in either direction; new connections are accepted and lead nowhere. */
  stall(): void;
  isStalled(): boolean;
  /** New connections lead to the server again; those that were held are gone. */
  recover(): void;
  /** The same URI, by way of this proxy. */
  through(uri: string): string;
}

/** With `stallsAt`, it stalls by itself before it passes on what the client sends there. */
export async function openStallingProxy(serverPort: number, stallsAt: (sent: Buffer) => boolean = () => false): Promise<StallingProxy> {
  const sockets = new Set<Socket>();
  let stalled = false;
  const hold = (socket: Socket): void => {
    socket.on("error", () => socket.destroy()).on("close", () => sockets.delete(socket));
    sockets.add(socket);
    if (stalled) socket.pause();
  };
  const stall = (): void => {
    stalled = true;
    for (const socket of sockets) socket.unpipe().pause();
  };
  const server = createServer({ pauseOnConnect: true }, (inner) => {
    hold(inner);
    if (stalled) return;
    const outer = connect({ host: "127.0.0.1", port: serverPort });
    hold(outer);
    const pass = new Transform({ transform: (sent: Buffer, _encoding, done) => (stallsAt(sent) ? stall() : done(null, sent)) });
    inner.pipe(pass).pipe(outer);
    outer.pipe(inner);
    inner.on("close", () => outer.destroy());
    outer.on("close", () => inner.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    through: (uri) => {
      const url = new URL(uri);
      url.host = `127.0.0.1:${port}`;
      return url.toString();
    },
    stall,
    isStalled: () => stalled,
    recover: () => {
      stalled = false;
      for (const socket of sockets) socket.destroy();
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
