import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { startServer } from "../../../src/embedded/server.ts";
import { expectFailure, runCli } from "../../kit/cli.ts";
import { parseEndpoint } from "../../../src/wire/endpoint.ts";
import { openSession } from "../../../src/wire/session.ts";
import { createDatabase, onServer, type TestDatabase } from "../../kit/databases.ts";
import { TEST_MAJORS, THOROUGH } from "../../kit/majors.ts";

const major = TEST_MAJORS.at(-1)!;

function withParts(database: TestDatabase, parts: { user?: string; password?: string; host?: string; port?: number; database?: string; query?: string }): string {
  const url = new URL(database.uri);
  const { user = url.username, password = url.password, host = url.hostname, port = url.port, query = "" } = parts;
  return `postgresql://${user}:${password}@${host}:${port}/${parts.database ?? database.name}${query}`;
}

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe.each(THOROUGH ? (["source", "target"] as const) : (["source"] as const))("the %s", (side) => {
  const run = async (parts: Parameters<typeof withParts>[1], expected: { exit: number; says: (string | RegExp)[] }): Promise<void> => {
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    const uris = { source: source.uri, target: target.uri, [side]: withParts(side === "source" ? source : target, parts) };
    const result = await runCli(["migrate", "--source", uris.source, "--target", uris.target], { timeLimitMs: 20_000 });
    const secrets = [new URL(source.uri).password, "wrong horse"];
    expectFailure(result, { ...expected, says: [new RegExp(`${side} .*@`), ...expected.says], secrets });
    expect(await target.query("select relname from pg_class where relnamespace = 'public'::regnamespace")).toEqual([]);
  };

  it("refuses a wrong password", async () => {
    await run({ password: encodeURIComponent("wrong horse") }, { exit: 3, says: ["password-wrong", /password authentication failed for user "postgres"/] });
  });

  it("gets no password", async () => {
    await run({ password: "" }, { exit: 3, says: ["password-wrong", "no password was given", `GODWIT_${side.toUpperCase()}_PASSWORD`] });
  });

  it("has an unknown host", async () => {
    await run({ host: "no-such-host.invalid" }, { exit: 3, says: ["host-unknown", "no-such-host.invalid"] });
  });

  it("does not listen", async () => {
    const port = await closedPort();
    await run({ port }, { exit: 3, says: ["connection-refused", String(port)] });
  });

  it("has no such database", async () => {
    await run({ database: "no_such_database" }, { exit: 3, says: ["database-unknown", "no_such_database"] });
  });

  it("has no such user", async () => {
    await run({ user: "no_such_user" }, { exit: 3, says: ["password-wrong", "no_such_user"] });
  });

  it("does not let this user in", async () => {
    await onServer(major, async (admin) => await admin.query("do $$begin create role nobody_may nologin password 'x'; exception when duplicate_object then null; end$$"));
    await run({ user: "nobody_may", password: "x" }, { exit: 3, says: ["login-refused", "nobody_may"] });
  });

  it("offers no TLS although it is asked for", async () => {
    await run({ query: "?sslmode=require" }, { exit: 3, says: ["tls-refused", "does not offer TLS", "sslmode is require"] });
  });
});

it("is not a PostgreSQL server", async () => {
  const http = createServer((socket) =>
    socket
      .on("error", () => undefined)
      .resume()
      .end("HTTP/1.1 400 Bad Request\r\n\r\n"),
  );
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const { port } = http.address() as { port: number };
  const target = await createDatabase(major);
  try {
    const result = await runCli(["migrate", "--source", `postgresql://u:p@127.0.0.1:${port}/x`, "--target", target.uri], { timeLimitMs: 20_000 });
    expectFailure(result, { exit: 3, says: [/protocol|connection-lost/, "source u@127.0.0.1"] });
  } finally {
    await new Promise((resolve) => http.close(resolve));
  }
});

it("answers nothing at all", async () => {
  const silent = createServer((socket) => socket.on("error", () => undefined).resume());
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const { port } = silent.address() as { port: number };
  const target = await createDatabase(major);
  try {
    const result = await runCli(["migrate", "--source", `postgresql://u:p@127.0.0.1:${port}/x?connect_timeout=2`, "--target", target.uri], { timeLimitMs: 20_000 });
    expectFailure(result, { exit: 3, says: ["connection-timeout", "within 2 s"] });
  } finally {
    silent.close();
  }
});

it("has no connection left", async () => {
  await using full = await startServer({ major, settings: { max_connections: 5, max_wal_senders: 1, superuser_reserved_connections: 3 } });
  const target = await createDatabase(major);
  const migrate = async (lanes: string): ReturnType<typeof runCli> =>
    await runCli(["migrate", "--source", full.uri(), "--target", target.uri, "--concurrency", lanes], { timeLimitMs: 20_000 });
  const tooMany = await migrate("4");
  expect(tooMany.code).toBe(1);
  expect(tooMany.stdout + tooMany.stderr).toContain("Run with --concurrency 3");
  expect((await migrate("3")).code).toBe(0);
  const held = await Promise.all(Array.from({ length: 5 }, async () => await openSession(parseEndpoint("source", full.uri()))));
  expectFailure(await migrate("1"), { exit: 3, says: ["too-many-connections"] });
  for (const session of held) await session.close();
});
