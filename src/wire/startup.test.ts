import { type AddressInfo, type Server, type Socket, createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { parseEndpoint } from "./endpoint.ts";
import { openSession } from "./session.ts";

/** Not PostgreSQL, or not yet, or no longer: each connection is answered by `answer` when the client has spoken first. */
async function withServer(answer: (socket: Socket, request: Buffer) => void, work: (port: number) => Promise<void>): Promise<void> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).on("data", (request) => answer(socket, request));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await work((server.address() as AddressInfo).port);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

const connect = async (port: number, sslmode: string): Promise<unknown> =>
  await openSession(parseEndpoint("source", `postgresql://u:p@127.0.0.1:${port}/x?sslmode=${sslmode}&connect_timeout=20`));

const isSslRequest = (request: Buffer): boolean => request.length === 8;

describe("what answers is no PostgreSQL server that is ready", () => {
  it.each(["disable", "prefer", "require"])("stops while we connect (sslmode %s): the connection was lost, which time may mend", async (sslmode) => {
    await withServer(
      (socket) => socket.end(),
      async (port) => await expect(connect(port, sslmode)).rejects.toMatchObject({ code: "connection-lost", retry: "automatic" }),
    );
  });

  it("cannot start a process for us, and says so instead of answering whether it has TLS", async () => {
    await withServer(
      (socket) => socket.end("Ecould not fork new process for connection: Resource temporarily unavailable\n\0"),
      async (port) => await expect(connect(port, "prefer")).rejects.toMatchObject({ code: "connection-lost", retry: "automatic" }),
    );
  });

  it.each(["disable", "prefer", "require"])("sends something else (sslmode %s)", async (sslmode) => {
    const since = performance.now();
    await withServer(
      (socket) => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"),
      async (port) => await expect(connect(port, sslmode)).rejects.toMatchObject({ code: "protocol" }),
    );
    expect(performance.now() - since).toBeLessThan(3000);
  });

  it.each(["N", "S"])("more follows its answer %s", async (answer) => {
    const since = performance.now();
    await withServer(
      (socket) => socket.write(`${answer}garbage that looks like nothing at all`),
      async (port) => await expect(connect(port, "prefer")).rejects.toMatchObject({ code: "protocol" }),
    );
    expect(performance.now() - since).toBeLessThan(3000);
  });

  it.each(["Ngarbage that looks like nothing", "R\x7f\xff\xff\xff", "E\x7f\xff\xff\xffSFATAL"])("has no TLS, and then says %j", async (words) => {
    const since = performance.now();
    await withServer(
      (socket, request) => socket.write(isSslRequest(request) ? "N" : Buffer.from(words, "latin1")),
      async (port) => await expect(connect(port, "prefer")).rejects.toMatchObject({ code: "protocol" }),
    );
    expect(performance.now() - since).toBeLessThan(3000);
  });
});
