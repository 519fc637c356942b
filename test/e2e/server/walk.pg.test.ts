import { OpenAPIClientAxios } from "openapi-client-axios";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Client } from "pg";
import { type EmbeddedServer, startServer } from "../../../src/embedded/server.ts";
import { OUTER_MAJORS } from "../../kit/majors.ts";
import { ADMIN, type TestServer, startServe } from "../../kit/serve.ts";
import { runOnce } from "../../kit/run-once.ts";
import { newStateDirectory } from "../../kit/state-directory.ts";

/** A client that a library has generated from /openapi.json alone: operationId → (parameters, body) → answer. */
type Generated = Record<string, (parameters?: object | null, body?: unknown, config?: object) => Promise<{ status: number; data: never }>>;

const SECRET = "pass-word-of-the-source";
let server: TestServer;
let source: EmbeddedServer;
let target: EmbeddedServer;
let api: Generated;
/** As another one: with these headers. */
let make: (headers: Record<string, string>) => Promise<Generated>;
let operations: string[];
/** The operations that were asked for, by the generated clients. */
const asked = new Set<string>();
const stopWriting = new AbortController();

beforeAll(async () => {
  [server, source, target] = await Promise.all([
    startServe({ directory: newStateDirectory() }),
    startServer({ major: OUTER_MAJORS[0]! }),
    startServer({ major: OUTER_MAJORS.at(-1)! }),
  ]);
  const token = new URL(server.setupUrl ?? "").searchParams.get("token");
  const definition = (await (await fetch(`${server.url}/openapi.json`)).json()) as never;
  operations = Object.values((definition as { paths: Record<string, Record<string, { operationId: string }>> }).paths).flatMap((path) =>
    Object.values(path).map(({ operationId }) => operationId),
  );
  make = async (headers) => {
    const client = new OpenAPIClientAxios({ definition, withServer: { url: server.url }, axiosConfigDefaults: { headers, validateStatus: () => true } });
    const generated = (await client.init()) as unknown as Generated;
    return new Proxy(generated, { get: (operation, id: string) => (asked.add(id), operation[id]) });
  };
  const session = await (await make({})).setUp!(null, { token, ...ADMIN });
  const cookie = ((session as unknown as { headers: Record<string, string[]> }).headers["set-cookie"] ?? [])[0]?.split(";")[0];
  api = await make({ cookie: cookie ?? "", "x-csrf-token": (session.data as { csrfToken: string }).csrfToken });
});
afterAll(async () => {
  stopWriting.abort();
  await server.stop();
  await Promise.all([source[Symbol.asyncDispose](), target[Symbol.asyncDispose]()]);
});

async function ask<T>(id: string, parameters: object | null = null, body?: unknown, as = api): Promise<T> {
  const { status, data } = await as[id]!(parameters, body);
  server.told.push(JSON.stringify(data));
  if (status !== 200) throw new Error(`${id}: ${status} ${JSON.stringify(data)}`);
  return data;
}

interface Shown {
  readonly id: string;
  readonly state: string;
  readonly error: unknown;
  readonly allowedActions: string[];
  readonly progress: { stream: { lagBytes: number | null; lagSeconds: number | null } | null } | null;
  readonly steps: { step: string }[];
  readonly summary: { rows: number; followed: { changes: { received: number; applied: number }; completed: { steps: { step: string }[] } } } | null;
}

async function reaches(id: string, state: string): Promise<Shown> {
  for (let attempt = 0; attempt < 600; attempt++) {
    const task = await ask<Shown>("getTask", { id });
    if (task.state === state) return task;
    if (["failed", "checkFailed"].includes(task.state)) throw new Error(`${task.state}: ${JSON.stringify(task.error)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`not ${state}: ${JSON.stringify(await ask<Shown>("getTask", { id }))}`);
}

it("walks the whole way with a client made from /openapi.json, and tells no secret", async () => {
  await runOnce(source.uri(), `create role app superuser login password '${SECRET}'`);
  await runOnce(source.uri(), "create database shop owner app");
  await runOnce(
    source.uri("shop"),
    "create table a (id int primary key, v text); insert into a select i, 'v' || i from generate_series(1, 5000) i; create table b (id serial primary key)",
  );
  await runOnce(target.uri(), "create role app login");
  await runOnce(target.uri(), "create database shop");
  const writer = new Client({ connectionString: source.uri("shop") });
  writer.on("error", () => undefined);
  await writer.connect();
  const writing = (async () => {
    for (let id = 5001; !stopWriting.signal.aborted; id++) {
      await writer.query("insert into a values ($1, 'new')", [id]);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();

  const { host, port } = new URL(source.uri());
  const hostname = host.split(":")[0]!;
  const endpoints = { source: { host: hostname, port: Number(port), user: "app", password: SECRET, dbname: "shop", sslmode: "disable" }, target: target.uri("shop") };
  const pinged = await ask<{ isReachable: boolean; steps: { step: string; result: string }[] }>("ping", null, { side: "source", endpoint: endpoints.source });
  expect([pinged.isReachable, pinged.steps.map(({ step }) => step)]).toEqual([true, ["name", "tcp", "tls", "login", "database", "replication"]]);
  const refused = await api["ping"]!(null, { side: "source", endpoint: { ...endpoints.source, password: "wrong" } });
  expect((refused.data as { steps: object[] }).steps.at(-1)).toMatchObject({ step: "login", result: "failed", code: "password-wrong" });
  const tree = await ask<{ nodes: { pattern: string }[] }>("listObjects", null, { endpoint: endpoints.source });
  expect(tree.nodes.map(({ pattern }) => pattern)).toContain("shop");
  const schemas = await ask<{ nodes: { pattern: string; children: number }[] }>("listObjects", null, { endpoint: endpoints.source, database: "shop" });
  expect(schemas.nodes).toContainEqual(expect.objectContaining({ pattern: "public" }));
  const objects = await ask<{ nodes: { kind: string; pattern: string }[]; next: string | null }>("listObjects", null, {
    endpoint: endpoints.source,
    database: "shop",
    schema: "public",
    limit: 2,
  });
  expect(objects.nodes.map(({ kind, pattern }) => `${kind} ${pattern}`)).toEqual(["table public.a", "table public.b"]);
  const rest = await ask<typeof objects>("listObjects", null, { endpoint: endpoints.source, database: "shop", schema: "public", after: objects.next });
  const found = await ask<typeof objects>("listObjects", null, { endpoint: endpoints.source, database: "shop", search: "UBLIC.b" });
  expect(found.nodes.map(({ pattern }) => pattern)).toEqual(["public.b", "public.b_id_seq"]);
  expect([rest.nodes.map(({ pattern }) => pattern), rest.next]).toEqual([["public.b_id_seq"], null]);

  const draft = await ask<Shown>("createTask", null, { ...endpoints, type: "full+incremental", name: "walk", tags: { team: "shop" }, acceptAlarms: false, fence: true });
  expect(draft).toMatchObject({ state: "draft", allowedActions: ["check", "start", "terminate"] });
  const { id } = draft;
  await ask("actOnTask", { id }, { action: "check" });
  await expect.poll(async () => (await ask<Shown>("getTask", { id })).state, { timeout: 60_000 }).toMatch(/check(Passed|Failed)/);
  const checks = await ask<{ items: { id: string; result: string }[]; isRunning: boolean }>("getChecks", { id });
  expect([checks.isRunning, checks.items.length > 20]).toEqual([false, true]);
  const alarms = [...new Set(checks.items.filter(({ result }) => result !== "passed").map((item) => item.id))];
  // Also where none has been raised, beforehand.
  await ask("acceptAlarms", { id }, { checks: [...alarms, "clocks"] });

  const before = await ask<{ source: object; type: string }>("getAsked", { id });
  expect(before).toMatchObject({ type: "full+incremental", source: { host: hostname, user: "app", hasPassword: true, sslmode: "disable" }, tags: { team: "shop" } });
  // Modified without its password: the one that is kept is used for the same server, and for no other.
  const { password: _password, ...open } = endpoints.source;
  await ask("modifyTask", { id }, { ...endpoints, source: open, type: "full+incremental", fence: true, name: "walk on" });
  const stolen = await ask<Shown>("createTask", null, { ...endpoints, source: { ...open, host: "localhost" }, secretsOf: id });
  expect(await ask<{ source: object }>("getAsked", { id: stolen.id })).toMatchObject({ source: { hasPassword: false } });
  await ask("actOnTask", { id: stolen.id }, { action: "terminate" });
  await ask("deleteTask", { id: stolen.id });
  if (alarms.length > 0) await ask("acceptAlarms", { id }, { checks: alarms });

  await ask("changeSettings", { id }, { concurrency: 2, rateLimit: 50_000_000, tags: { stage: "test" } });
  await ask("actOnTask", { id }, { action: "start" });
  const ready = await reaches(id, "readyToComplete");
  expect(ready).toMatchObject({ name: "walk on", concurrency: 2, rateLimit: 50_000_000, tags: { team: "shop", stage: "test" } });
  const steps = async (): Promise<string[]> => (await ask<Shown>("getTask", { id })).steps.map(({ step }) => step);
  await expect.poll(steps).toEqual(expect.arrayContaining(["connect", "plan", "precheck", "structure", "copy", "index", "catchUp", "sync"]));
  await ask("actOnTask", { id }, { action: "pause" });
  await reaches(id, "paused");
  await ask("actOnTask", { id }, { action: "resume" });
  await expect.poll(async () => (await ask<Shown>("getTask", { id })).progress?.stream?.lagSeconds, { timeout: 30_000 }).toBeLessThan(5);
  expect(await ask<{ total: number; tables: object[] }>("listTables", { id, sort: "-rows", limit: 1 })).toMatchObject({
    total: 2,
    tables: [{ database: "shop", table: "public.a", isCopied: true }],
  });
  expect(await ask<{ databases: { tables: object[] }[] }>("getChanges", { id })).toMatchObject({ databases: [{ database: "shop", conflicts: [] }] });
  expect((await ask<{ samples: object[] }>("getHistory", { id })).samples.length).toBeGreaterThan(0);
  expect((await ask<{ lines: { message: string }[] }>("listLogs", { id, search: "accept" })).lines.every(({ message }) => message.includes("accept"))).toBe(true);
  const listed = await ask<{ total: number; tasks: object[]; states: Record<string, number> }>("listTasks", {
    search: "WALK",
    tag: "team=shop,stage=test",
    state: "readyToComplete,running",
  });
  expect(listed).toMatchObject({ total: 1, tasks: [{ id }] });
  expect((await ask<{ total: number }>("listTasks", { search: "no such" })).total).toBe(0);

  const comparison = await ask<{ id: string }>("startVerification", { id });
  const compared = async (): Promise<{ state: string; rows: number; found: unknown[] }> => await ask("getVerification", { id, verification: comparison.id });
  await expect.poll(async () => (await compared()).state, { timeout: 60_000 }).toMatch(/equal|different|failed/);
  expect(await compared()).toMatchObject({ state: "equal", doneTables: 2, found: [] });

  const [again] = (await ask<{ verifications: { id: string; state: string }[] }>("listVerifications", { id })).verifications;
  expect(again).toMatchObject({ id: comparison.id, state: "equal" });
  expect((await api["cancelVerification"]!({ id, verification: comparison.id })).status).toBeLessThan(500); // it is over

  await reaches(id, "readyToComplete");
  stopWriting.abort();
  await writing;
  await ask("actOnTask", { id }, { action: "complete" });
  const done = await reaches(id, "succeeded");
  expect(done.summary?.followed.changes.received).toBeGreaterThan(0);
  expect(done.summary?.followed.changes.received).toBe(done.summary?.followed.changes.applied);
  expect(await runOnce(target.uri("shop"), "select * from a order by id")).toEqual(await runOnce(source.uri("shop"), "select * from a order by id"));
  const report = await ask<string>("getReport", { id });
  expect(report).toMatch(/Migration walk on[^]*drained up to[^]*Comparisons[^]*equal/);
  await ask("listLogs", { id, level: "debug", limit: 1000 });
  await ask("getChecks", { id });
  await ask("deleteTask", { id });
  expect((await api["getTask"]!({ id })).data).toMatchObject({ error: { code: "task-unknown" } });

  expect(report).not.toContain("undefined");
  const bearer = { headers: { authorization: `Bearer ${await token()}` } };
  for (const path of ["/metrics", "/api/audit?limit=500", "/api/tasks?limit=500", "/openapi.json"]) server.told.push(await (await fetch(server.url + path, bearer)).text());
  server.told.push(report, JSON.stringify(refused.data));
  const told = server.told.join("\n");
  for (const secret of [SECRET, new URL(target.uri()).password, ADMIN.password].filter((text) => text !== "")) expect(told).not.toContain(secret);
  await writer.end();
});

it("walks what is not on that way: people, tokens, alerts, selections, fixes, many at once; then every operation of the document was asked for", async () => {
  const words = { name: "grace", password: "a password of grace" };
  expect(await ask("createAccount", null, { ...words, role: "viewer" })).toMatchObject({ name: "grace", role: "viewer" });
  expect((await ask<{ accounts: { name: string }[] }>("listAccounts")).accounts.map(({ name }) => name)).toEqual([ADMIN.name, "grace"]);
  const login = await (await make({}))["logIn"]!(null, words);
  const cookie = ((login as unknown as { headers: Record<string, string[]> }).headers["set-cookie"] ?? [])[0]?.split(";")[0] ?? "";
  const grace = await make({ cookie, "x-csrf-token": (login.data as { csrfToken: string }).csrfToken });
  expect(await ask("getSession", null, undefined, grace)).toMatchObject({ account: { name: "grace", role: "viewer" } });
  expect((await grace["createTask"]!(null, {})).status).toBe(403);
  await ask("changePassword", null, { current: words.password, password: "another one of hers" }, grace);
  expect((await grace["logOut"]!()).status).toBeLessThan(500);
  expect(await ask("changeAccount", { name: "grace" }, { role: "operator" })).toMatchObject({ role: "operator" });
  await ask("deleteAccount", { name: "grace" });

  const made = await ask<{ id: string; token: string }>("createToken", null, { name: "ci", role: "operator" });
  const ci = await make({ authorization: `Bearer ${made.token}` });
  const end = { host: "127.0.0.1", port: 1, user: "a", dbname: "b" };
  const { id } = await ask<Shown>("createTask", null, { source: end, target: { ...end, dbname: "c" } }, ci);
  const fix = { fixes: [{ id: "wal-level", scope: "source", sql: "select 1" }] };
  expect((await ci["fixChecks"]!({ id }, fix)).data).toMatchObject({ error: { code: "action-refused" } }); // there is no such item
  const many = await ask<{ results: { error: { code: string } | null }[] }>("actOnTasks", null, { ids: [id, "0000000000"], action: "terminate" }, ci);
  expect(many.results).toMatchObject([{ error: null }, { error: { code: "task-unknown" } }]);
  expect((await ask<{ tokens: { name: string }[] }>("listTokens")).tokens.map(({ name }) => name)).toContain("ci");
  await ask("deleteToken", { id: made.id });
  expect((await ci["listTasks"]!()).status).toBe(401);

  await runOnce(source.uri(), "create table c (id int primary key); create view v as select id from c");
  const correlated = await ask<{ missing: { object: string }[] }>("findCorrelated", null, { source: source.uri(), include: { view: ["public.v"] } });
  expect(correlated.missing).toMatchObject([{ object: expect.stringContaining("public.c") as string, neededBy: expect.stringContaining("public.v") as string }]);

  const hook = await ask<{ id: string }>("createWebhook", null, { name: "on call", url: "http://127.0.0.1:9/hook?key=of-the-hook" });
  expect(await ask("changeWebhook", { id: hook.id }, { isEnabled: false })).toMatchObject({ isEnabled: false });
  expect(await ask<{ webhooks: object[] }>("listWebhooks")).toMatchObject({ webhooks: [{ name: "on call", isEnabled: false }] });
  expect(JSON.stringify(await ask("testWebhook", { id: hook.id }))).not.toContain("of-the-hook");
  await ask("deleteWebhook", { id: hook.id });
  expect((await ask<{ entries: { action: string }[] }>("listAudit", { limit: 200 })).entries.map(({ action }) => action)).toEqual(
    expect.arrayContaining(["createAccount", "changePassword", "createToken", "deleteToken", "createWebhook", "actOnTasks", "fixChecks"]),
  );
  expect(server.told.join("\n")).not.toMatch(/a password of grace|another one of hers|of-the-hook/);
  // The two streams of events have no end that a client like this could wait for: see events.pg.test.ts.
  expect(operations.filter((operation) => !asked.has(operation))).toEqual(["watchTasks", "watchTask"]);
});

async function token(): Promise<string> {
  return (await ask<{ token: string }>("createToken", null, { name: "report", role: "viewer" })).token;
}
