import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { asAccount, createAccount } from "../../test/kit/checks.ts";
import { createDatabase } from "../../test/kit/databases.ts";
import { OUTER_MAJORS } from "../../test/kit/majors.ts";
import { type Endpoint, parseEndpoint } from "../wire/endpoint.ts";
import { type PingStep, ping } from "./ping.ts";

async function stepsOf(endpoint: Endpoint): Promise<PingStep[]> {
  return await Array.fromAsync(ping(endpoint, new AbortController().signal));
}

const brief = (steps: readonly PingStep[]): string[] => steps.map(({ step, result, code }) => `${step} ${result}${code === undefined ? "" : ` ${code}`}`);

describe.each(OUTER_MAJORS)("PostgreSQL %i", (major) => {
  it("answers step by step, and the first that fails is the last", async () => {
    const database = await createDatabase(major);
    const account = `ping_${major}`;
    await createAccount(major, account);
    const source = database.endpoint("source");
    expect(brief(await stepsOf(source))).toEqual(["name skipped", "tcp passed", "tls passed", "login passed", "database passed", "replication passed"]);
    const plain = await stepsOf({ ...database.endpoint("target"), host: "localhost", tls: { ...source.tls, mode: "disable" } });
    expect(brief(plain)).toEqual(["name passed", "tcp passed", "tls skipped", "login passed", "database passed"]);
    expect(plain.at(-1)?.detail).toMatch(new RegExp(`^${database.name}, PostgreSQL ${major}\\.`));
    expect(brief(await stepsOf({ ...source, database: "nowhere" }))).toEqual(["name skipped", "tcp passed", "tls passed", "login passed", "database failed database-unknown"]);
    expect(brief(await stepsOf({ ...source, tls: { ...source.tls, mode: "require" } }))).toEqual(["name skipped", "tcp passed", "tls failed tls-refused"]);
    const weak = await stepsOf(asAccount(database, "source", account));
    expect(brief(weak).slice(-2)).toEqual(["database passed", "replication alarm privilege-missing"]);
    const refused = await stepsOf({ ...source, user: "nobody-like-this" });
    expect(refused.at(-1)).toMatchObject({ step: "login", result: "failed" });
    expect(JSON.stringify([weak, refused])).not.toContain("secret");
  });
});

it("tells an unknown name, a closed port, and a server that is no PostgreSQL", async () => {
  expect(brief(await stepsOf(parseEndpoint("source", "postgresql://a@name.invalid/b")))).toEqual(["name failed host-unknown"]);
  expect(brief(await stepsOf(parseEndpoint("source", "postgresql://a@127.0.0.1:1/b")))).toEqual(["name skipped", "tcp failed connection-refused"]);
  const server = createServer((socket) =>
    socket
      .on("error", () => undefined)
      .resume()
      .end("HTTP/1.1 400 Bad Request\r\n\r\n"),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const steps = await stepsOf(parseEndpoint("source", `postgresql://a@127.0.0.1:${port}/b`));
  await new Promise((resolve) => server.close(resolve));
  expect(steps.slice(0, 2).map(({ result }) => result)).toEqual(["skipped", "passed"]);
  expect(steps.at(-1)).toMatchObject({ step: "tls", result: "failed" });
});
