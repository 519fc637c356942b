import { Transform } from "node:stream";
import { type AddressInfo, type Socket, connect, createServer } from "node:net";

/** A network that changes what the server answers, for servers that nobody can start. */
export interface RewritingProxy extends AsyncDisposable {
  readonly port: number;
}

/** A proxy before a server of this machine. Answers have their length before them, so `to` is as long as `from`. */
export async function openRewritingProxy(serverPort: number, rewritten: readonly (readonly [from: string, to: string])[]): Promise<RewritingProxy> {
  const sockets = new Set<Socket>();
  const hold = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on("error", () => socket.destroy()).on("close", () => sockets.delete(socket));
  };
  // Every byte is one character of latin1.
  const rewrite = (answer: Buffer): Buffer =>
    Buffer.from(
      rewritten.reduce((text, [from, to]) => text.replaceAll(from, to), answer.toString("latin1")),
      "latin1",
    );
  const server = createServer((inner) => {
    hold(inner);
    const outer = hold(connect({ host: "127.0.0.1", port: serverPort }));
    inner.pipe(outer);
    outer.pipe(new Transform({ transform: (answer: Buffer, _encoding, done) => done(null, rewrite(answer)) })).pipe(inner);
    inner.on("close", () => outer.destroy());
    outer.on("close", () => inner.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
