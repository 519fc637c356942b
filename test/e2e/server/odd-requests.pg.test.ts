import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { RouteId } from "../../../src/server/contract/routes.ts";
import { EventReader } from "../../kit/event-reader.ts";
import { ADMIN, type Client, serving, startServe } from "../../kit/serve.ts";
import { createDatabase } from "../../kit/databases.ts";
import { TEST_MAJORS, THOROUGH } from "../../kit/majors.ts";
import { openStallingProxy } from "../../kit/stalling-proxy.ts";
import { newStateDirectory } from "../../kit/state-directory.ts";

const NOWHERE = { source: "postgresql://a@127.0.0.1:1/a", target: "postgresql://a@127.0.0.1:1/b" };
const INVALID = { status: 400, body: { error: { code: "request-invalid" } } };

const site = serving();

describe("an odd request", () => {
  it("with a moment that no answer could tell does not make the list unreadable", async () => {
    for (const scheduledAt of ["0000-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]) {
      expect(await site.admin.ask("createTask", { body: { ...NOWHERE, scheduledAt } }), scheduledAt).toMatchObject(INVALID);
    }
    expect(await site.admin.ask("createTask", { body: { ...NOWHERE, scheduledAt: "9999-12-31T23:59:59Z" } })).toMatchObject({ status: 200 });
    expect(await site.admin.ask("listTasks")).toMatchObject({ status: 200 });
  });

  const half = '"\\ud800"';
  const asks: readonly (readonly [id: RouteId, request: Parameters<Client["ask"]>[1]])[] = [
    ["logIn", { body: { name: "a\0", password: "x" } }],
    ["deleteAccount", { params: { name: "\0" } }],
    ["changeAccount", { params: { name: "a\0" }, body: { role: "viewer" } }],
    ["deleteToken", { params: { id: "\0" } }],
    ["deleteWebhook", { params: { id: "\0" } }],
    ["actOnTasks", { body: { ids: ["\0"], action: "start" } }],
    ["ping", { body: { side: "source", endpoint: NOWHERE.source, secretsOf: "\0" } }],
    ["createTask", { body: { ...NOWHERE, include: { table: ["a\0"] } } }],
    ["createTask", { body: { ...NOWHERE, tablespaceMap: { "a\0": "b" } } }],
    ["createTask", { body: JSON.stringify({ ...NOWHERE, tags: { a: "?" } }).replace('"?"', half) }],
    ["createTask", { body: `${'{"a":['.repeat(50_000)}${half}${"]}".repeat(50_000)}` }],
    ["listTasks", { query: { search: "\0" } }],
    ["listTasks", { query: { tag: "a\0=b" } }],
    ["createWebhook", { body: { name: "a", url: "http://127.0.0.1:1/", retainedBytes: 1.5 } }],
    ["createWebhook", { body: { name: "a", url: "http://127.0.0.1:1/", retainedBytes: 1e300 } }],
  ];
  it.each(asks)("with a text or number that the store cannot keep is refused: %s", async (id, request) => {
    expect(await site.admin.ask(id, request)).toMatchObject(INVALID);
  });

  it("for a task whose servers have long or odd names leaves one that can be asked for again", async () => {
    for (const target of [
      { host: "h".repeat(900), user: "a" },
      { host: "127.0.0.1", dbname: "two\nlines" },
    ]) {
      const { id, name } = await site.admin.call("createTask", { body: { ...NOWHERE, target } });
      expect([name.length <= 200, /\p{Cc}/u.test(name)]).toEqual([true, false]);
      expect(await site.admin.call("getAsked", { params: { id } })).toMatchObject({ name });
    }
  });

  it("makes no account that no address could name, nor one called as nobody is", async () => {
    for (const name of [".", "..", "Nobody"]) expect(await site.admin.ask("createAccount", { body: { name, password: "long enough", role: "admin" } })).toMatchObject(INVALID);
  });

  it("with a name that shows nothing, or another one, is refused, and one with more tags than anybody reads", async () => {
    for (const name of [" ", "\u200b", "abc\u202egnp.exe", "a\u2066b"]) expect(await site.admin.ask("createTask", { body: { ...NOWHERE, name } }), name).toMatchObject(INVALID);
    const tags = (count: number, from = 0): Record<string, string> => Object.fromEntries(Array.from({ length: count }, (_, at) => [`tag ${from + at}`, "x"]));
    expect(await site.admin.ask("createTask", { body: { ...NOWHERE, tags: tags(21) } })).toMatchObject(INVALID);
    const { id } = await site.admin.call("createTask", { body: { ...NOWHERE, name: "👩\u200d🔬 שלום", tags: tags(20) } });
    expect(await site.admin.ask("changeSettings", { params: { id }, body: { tags: tags(1, 20) } })).toMatchObject(INVALID);
    expect(await site.admin.ask("changeSettings", { params: { id }, body: { tags: { ...tags(1, 20), "tag 0": null } } })).toMatchObject({ status: 200 });
  });

  it("for the head of a stream of events is answered", async () => {
    const { token } = await site.admin.call("createToken", { body: { name: "head", role: "viewer" } });
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`${site.server.url}/api/tasks/events`, { method: "HEAD", headers, signal: AbortSignal.timeout(5000) });
    expect(response.status).toBe(400); // no id of a task
  });

  it("is in the audit log, whatever it holds", async () => {
    await site.admin.ask("deleteAccount", { params: { name: "z\0z" } });
    const { entries } = await site.admin.call("listAudit", { query: { limit: 20 } });
    expect(entries).toContainEqual(expect.objectContaining({ action: "deleteAccount", object: "z\uFFFDz", outcome: "request-invalid" }));
  });

  it("is told without the passwords that it holds, also where they are in a place for something else", async () => {
    const odd = "postgresql://a:sesame@h/x";
    const { status, body } = await site.admin.ask("ping", { body: { side: "source", endpoint: NOWHERE.source, secretsOf: odd } });
    expect([status, JSON.stringify(body)]).toEqual([expect.any(Number), expect.not.stringContaining("sesame")]);
    await site.admin.ask("deleteAccount", { params: { name: odd } });
    const { entries } = await site.admin.call("listAudit", { query: { limit: 20 } });
    expect(entries.map(({ action }) => action)).toContain("deleteAccount");
    expect(JSON.stringify(entries)).not.toContain("sesame");
  });

  it("that Fastify refuses by itself is answered in the same form", async () => {
    for (const path of ["/api/tasks/%zz", "/%zz"]) {
      const response = await fetch(`${site.server.url}${path}`);
      expect([response.status, await response.json()], path).toMatchObject([400, { error: { code: "request-invalid", object: "request" } }]);
    }
    expect(await site.admin.ask("deleteAccount", { params: { name: "é".repeat(300) } })).toMatchObject({ status: 404, body: { error: { code: "entry-unknown" } } });
  });

  it("that is no HTTP is answered in the same form", async () => {
    for (const [text, status] of [
      ["GARBAGE\r\n\r\n", 400],
      [`GET / HTTP/1.1\r\nhost: a\r\na: ${"x".repeat(20_000)}\r\n\r\n`, 431],
    ] as const) {
      const answer = await raw(text);
      expect(answer.split(" ")[1]).toBe(String(status));
      expect(JSON.parse(answer.split("\r\n\r\n")[1] ?? "")).toMatchObject({ error: { code: "request-invalid", object: "request" } });
    }
  });

  it("may be quoted, and costs no more for that", async () => {
    const began = performance.now();
    await fetch(`${site.server.url}/api/${"://a:".repeat(3000)}`);
    expect(performance.now() - began).toBeLessThan(1000);
    expect(await site.admin.ask("ping", { body: { side: "source", endpoint: NOWHERE.source, secretsOf: "://a:".repeat(30_000) } })).toMatchObject(INVALID);
  });

  async function raw(text: string): Promise<string> {
    const socket = connect(Number(new URL(site.server.url).port), "127.0.0.1", () => socket.write(text));
    let answer = "";
    socket.on("data", (data: Buffer) => (answer += data.toString()));
    socket.on("error", () => undefined);
    await new Promise((resolve) => socket.once("close", resolve));
    return answer;
  }
});

it("a store that is away is no fault of who asks", async () => {
  const directory = newStateDirectory();
  const other = await startServe({ directory, hasWorker: false });
  try {
    const client = await other.logIn();
    process.kill(Number((await readFile(join(directory, "store", "data", "postmaster.pid"), "utf8")).split("\n")[0]), "SIGKILL");
    const answers = [];
    for (let attempt = 0; attempt < 40; attempt++) {
      answers.push(await client.ask("listTasks"), await client.ask("createTask", { body: NOWHERE }));
      if (attempt > 5 && answers.at(-1)?.status === 200) break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const statuses = new Set(answers.map(({ status }) => status));
    expect([...statuses].toSorted((one, two) => one - two)).toEqual([200, 503]);
    const codes = answers.filter(({ status }) => status !== 200).map(({ body }) => (body as { error: { code: string } }).error.code);
    expect(codes.filter((code) => !["connection-refused", "connection-lost", "connection-timeout", "server-starting"].includes(code))).toEqual([]);
  } finally {
    await other.stop();
  }
});

it.runIf(THOROUGH)("a target that takes connections and says nothing keeps nobody who asks for the changes, and no session of ours", async () => {
  const target = await createDatabase(TEST_MAJORS.at(-1)!);
  await using proxy = await openStallingProxy(target.endpoint("target").port, (sent) => sent.includes("has_schema_privilege"));
  const { id } = await site.admin.call("createTask", { body: { source: NOWHERE.source, target: proxy.through(target.uri), type: "full+incremental" } });
  const since = performance.now();
  const answers = await Promise.all([1, 2].map(async () => await site.admin.ask("getChanges", { params: { id } })));
  expect(proxy.isStalled()).toBe(true);
  expect(answers).toMatchObject([1, 2].map(() => ({ body: { error: { code: "connection-timeout" } } })));
  expect(performance.now() - since).toBeLessThan(60_000);
});

it("a stream of a list that rests is answered at once", async () => {
  const { token } = await site.admin.call("createToken", { body: { name: "watch", role: "viewer" } });
  await new Promise((resolve) => setTimeout(resolve, 5500)); // what happened lately is told at once
  await using reader = new EventReader(`${site.server.url}/api/tasks/events`, { authorization: `Bearer ${token}` });
  await expect.poll(() => reader.of("tasks").length, { timeout: 3000 }).toBeGreaterThan(0);
});

it("behind a proxy, an address is the one that the proxy tells, not what somebody wrote before it", async () => {
  await using other = {
    ...(await startServe({ directory: newStateDirectory(), trustsProxy: true, loginsPerMinute: 5, hasWorker: false })),
    [Symbol.asyncDispose]: async () => await other.stop(),
  };
  const admin = await other.logIn();
  // A proxy appends whom it sees.
  const tryFrom = async (forwarded: string): Promise<number> => (await other.client({ "x-forwarded-for": forwarded }).ask("logIn", { body: { name: "a", password: "b" } })).status;
  const statuses = [];
  for (let n = 0; n < 8; n++) statuses.push(await tryFrom(`10.0.0.${n}, 203.0.113.7`));
  expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);
  // Whoever guesses locks nobody else out.
  expect(await tryFrom("203.0.113.7, 203.0.113.8")).toBe(401);
  const { entries } = await admin.call("listAudit", { query: { limit: 3 } });
  expect(entries.map(({ address }) => address)).toEqual(["203.0.113.8", "203.0.113.7", "203.0.113.7"]);
  const secure = async (proto: string): Promise<boolean> => {
    const { headers } = await other.client({ "x-forwarded-for": "203.0.113.9", "x-forwarded-proto": proto }).ask("logIn", { body: ADMIN });
    return (headers.get("set-cookie") ?? "").includes("Secure");
  };
  expect([await secure("https"), await secure("http")]).toEqual([true, false]);
});
