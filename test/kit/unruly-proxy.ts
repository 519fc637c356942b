import { type AddressInfo, type Socket, connect, createServer } from "node:net";

/** A network that drops connections, delays what passes, and resets, at random; until it is told to behave. */
export interface UnrulyProxy extends AsyncDisposable {
  readonly port: number;
  /** How many connections it has broken. */
  readonly broken: () => number;
  /** From now on a connection lives for so long on average, those that are open too. */
  live(lifeMs: number): void;
  behave(): void;
}

export interface Unruliness {
  /** A connection lives for so long on average. */
  readonly lifeMs: number;
  /** The part of connections that is refused at once; 0.1 by default. */
  readonly refused?: number | undefined;
  readonly random: () => number;
}

/** So often it is looked who lives no longer, in milliseconds. */
const LOOK_EVERY_MS = 50;

/** A proxy before a server of this machine; every piece of data may be held up for a while. */
export async function openUnrulyProxy(serverPort: number, { lifeMs, refused = 0.1, random }: Unruliness): Promise<UnrulyProxy> {
  const sockets = new Set<Socket>();
  const connections = new Map<Socket, Socket>();
  let isUnruly = true;
  let meanMs = lifeMs;
  let broken = 0;
  const hold = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on("error", () => socket.destroy()).on("close", () => sockets.delete(socket));
  };
  const pass = (from: Socket, to: Socket): void => {
    from.on("data", (data: Buffer) => {
      if (!to.write(data)) from.pause();
      if (!isUnruly || random() > 0.05) return;
      from.pause();
      setTimeout(() => from.resume(), random() * 300);
    });
    to.on("drain", () => from.resume());
    from.on("end", () => to.end()).on("close", () => to.destroy());
  };
  const server = createServer({ allowHalfOpen: true }, (inner) => {
    hold(inner);
    if (isUnruly && random() < refused) {
      broken++;
      inner.destroy();
      return;
    }
    const outer = hold(connect({ host: "127.0.0.1", port: serverPort, allowHalfOpen: true }));
    pass(inner, outer);
    pass(outer, inner);
    connections.set(inner, outer);
    inner.on("close", () => connections.delete(inner));
  });
  // Each has the same chance at each look, however long it has lived.
  const look = setInterval(() => {
    if (!isUnruly) return;
    for (const [inner, outer] of connections) {
      if (inner.destroyed || random() >= 1 - Math.exp(-LOOK_EVERY_MS / meanMs)) continue;
      broken++;
      if (random() < 0.5) inner.resetAndDestroy();
      else inner.destroy();
      outer.destroy();
    }
  }, LOOK_EVERY_MS);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    broken: () => broken,
    live: (ms) => void (meanMs = ms),
    behave: () => void (isUnruly = false),
    [Symbol.asyncDispose]: async () => {
      clearInterval(look);
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
