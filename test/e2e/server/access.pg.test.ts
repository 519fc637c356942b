import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROLES, type Role } from "../../../src/server/contract/access.ts";
import type { Route } from "../../../src/server/contract/route.ts";
import { ROUTES, type RouteId } from "../../../src/server/contract/routes.ts";
import { ADMIN, type Client, type TestServer, startServe } from "../../kit/serve.ts";
import { newStateDirectory } from "../../kit/state-directory.ts";

let server: TestServer;
let admin: Client;
const tokens = new Map<Role, string>();

beforeAll(async () => {
  server = await startServe({ hasWorker: false, directory: newStateDirectory() });
  admin = await server.logIn();
  for (const role of ROLES) tokens.set(role, (await admin.call("createToken", { body: { name: role, role } })).token);
});
afterAll(async () => await server.stop());

const bearer = (role: Role): Client => server.client({ authorization: `Bearer ${tokens.get(role)}` });
const all = Object.entries<Route>(ROUTES) as [RouteId, Route][];
/** Parameters that name nothing. */
const PARAMS = { id: "0000000000", verification: "0000000000", name: "nobody" };

/** Who may do what, as people have decided it: written here once more, so that no slip in the table of routes passes. */
const WHO_MAY: Readonly<Record<RouteId, Role | "anyone">> = {
  getSession: "anyone", setUp: "anyone", logIn: "anyone", logOut: "viewer", changePassword: "viewer",
  listAccounts: "admin", createAccount: "admin", changeAccount: "admin", deleteAccount: "admin", listTokens: "admin", createToken: "admin", deleteToken: "admin", listAudit: "admin",
  listTasks: "viewer", watchTasks: "viewer", createTask: "operator", actOnTasks: "operator", getTask: "viewer", watchTask: "viewer", getAsked: "viewer", modifyTask: "operator",
  changeSettings: "operator", actOnTask: "operator", deleteTask: "operator", getChecks: "viewer", acceptAlarms: "operator", fixChecks: "operator", listTables: "viewer", listLogs: "viewer",
  getHistory: "viewer", getChanges: "operator", getReport: "viewer", listVerifications: "viewer", startVerification: "operator", getVerification: "operator", cancelVerification: "operator",
  ping: "operator", listObjects: "operator", findCorrelated: "operator",
  listWebhooks: "admin", createWebhook: "admin", changeWebhook: "admin", deleteWebhook: "admin", testWebhook: "admin",
}; // prettier-ignore

describe("every route", () => {
  it("asks for the role that was decided for it", () => {
    expect(Object.fromEntries(all.map(([id, { role }]) => [id, role]))).toEqual(WHO_MAY);
  });

  it.each(all.filter(([id]) => WHO_MAY[id] !== "anyone"))("%s refuses who is not logged in", async (id) => {
    expect(await server.client().ask(id, { params: PARAMS })).toMatchObject({ status: 401, body: { error: { code: "login-required" } } });
    expect(await server.client({ authorization: "Bearer godwit_no" }).ask(id, { params: PARAMS })).toMatchObject({ status: 401, body: { error: { code: "login-required" } } });
  });

  const guarded = all.filter(([id]) => WHO_MAY[id] !== "anyone");
  const pairs = guarded.flatMap(([id]) => ROLES.map((role) => ({ id, role, may: ROLES.indexOf(role) >= ROLES.indexOf(WHO_MAY[id] as Role) })));

  it.each(pairs.filter(({ may }) => !may))("$id refuses a $role", async ({ id, role }) => {
    expect(await bearer(role).ask(id, { params: PARAMS })).toMatchObject({ status: 403, body: { error: { code: "role-missing" } } });
  });

  it.each(ROLES)("watchTasks does not refuse a %s", async (role) => {
    const gone = new AbortController(); // it never ends by itself
    const { status } = await fetch(server.url + ROUTES.watchTasks.path, { headers: { authorization: `Bearer ${tokens.get(role)}` }, signal: gone.signal });
    gone.abort();
    expect(status).toBe(200);
  });

  it.each(pairs.filter(({ id, may }) => may && id !== "watchTasks"))("$id does not refuse a $role", async ({ id, role }) => {
    const { status, body } = await bearer(role).ask(id, { params: PARAMS });
    expect([status < 500 && status !== 401 && status !== 403, (body as { error?: { code: string } }).error?.code === "role-missing"]).toEqual([true, false]);
  });

  /** Of a change everything may be left out. */
  const changes: readonly RouteId[] = ["changeSettings", "changeAccount", "changeWebhook"];
  const oddBodies = ["{", "[]", "null", '"text"', '{"odd":1}', `{"x":"${"x".repeat(1_200_000)}"}`];

  it.each(all.filter(([, { body }]) => body !== undefined))("%s refuses bodies that are not what it takes", async (id) => {
    for (const body of changes.includes(id) ? oddBodies : [...oddBodies, "{}"]) {
      const { status, body: answer } = await admin.ask(id, { params: PARAMS, body });
      expect([body.slice(0, 20), status, (answer as { error?: { code: string } }).error?.code]).toEqual([body.slice(0, 20), 400, "request-invalid"]);
    }
  });

  it.each(all.filter(([, { path }]) => path.includes(":id")))("%s says that there is no such thing", async (id) => {
    const { status, body: answer } = await admin.ask(id, { params: PARAMS, body: BODIES[id] });
    expect([status, (answer as { error?: { code: string } }).error?.code]).toEqual([404, expect.stringMatching(/-unknown$/)]);
  });

  it.each(all.filter(([, { path }]) => path.includes("/tasks/:id")))("%s refuses an id that can be none", async (id) => {
    const odd = { params: { ...PARAMS, id: "'; drop table" }, body: BODIES[id] };
    expect(await admin.ask(id, odd)).toMatchObject({ status: 400, body: { error: { code: "request-invalid" } } });
  });
});

const BODIES: Partial<Record<RouteId, unknown>> = {
  modifyTask: { source: "postgresql://a@b/c", target: "postgresql://a@b/d" },
  changeSettings: { concurrency: 2 },
  actOnTask: { action: "start" },
  acceptAlarms: { checks: ["wal-level"] },
  fixChecks: { fixes: [{ id: "wal-level", scope: "source", sql: "select 1" }] },
  changeWebhook: { name: "x" },
};

describe("access", () => {
  it("makes the first account once, by the link", async () => {
    const token = new URL(server.setupUrl ?? "").searchParams.get("token") ?? "";
    const again = await server.client().ask("setUp", { body: { token, name: "eve", password: "another password" } });
    expect(again).toMatchObject({ status: 403, body: { error: { code: "setup-refused" } } });
    expect(await server.client().call("getSession")).toMatchObject({ account: null, needsSetup: false });
  });

  it("tells a wrong name and a wrong password in the same words", async () => {
    const wrong = await server.client().ask("logIn", { body: { name: ADMIN.name, password: "no" } });
    const unknown = await server.client().ask("logIn", { body: { name: "nobody", password: "no" } });
    expect(wrong).toMatchObject({ status: 401, body: { error: { code: "login-wrong" } } });
    expect(unknown.body).toEqual(wrong.body);
  });

  it("keeps the cookie from scripts and other sites, and wants proof that a change comes from the console", async () => {
    const { headers, body } = await server.client().ask("logIn", { body: ADMIN });
    const cookie = headers.get("set-cookie") ?? "";
    expect(cookie).toMatch(/^godwit_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
    const session = { cookie: cookie.split(";")[0] ?? "" };
    expect(await server.client(session).call("getSession")).toMatchObject({ account: { name: ADMIN.name, role: "admin" } });
    const account = { name: "x", password: "long enough password", role: "viewer" };
    for (const given of [{}, { "x-csrf-token": "wrong" }]) {
      expect(await server.client({ ...session, ...given }).ask("createAccount", { body: account })).toMatchObject({ status: 403, body: { error: { code: "csrf-refused" } } });
    }
    const { csrfToken } = body as { csrfToken: string };
    await server.client({ ...session, "x-csrf-token": csrfToken }).call("logOut");
    expect((await server.client(session).ask("listAccounts")).status).toBe(401);
  });

  it("ends the sessions of an account that is changed, disabled or deleted; somebody stays admin", async () => {
    await admin.call("createAccount", { body: { name: "bob", password: "bobs long password", role: "operator" } });
    const bob = await server.logIn("bob", "bobs long password");
    expect((await bob.call("getSession")).account).toEqual({ name: "bob", role: "operator" });
    await admin.call("changeAccount", { params: { name: "bob" }, body: { role: "viewer" } });
    expect((await bob.call("getSession")).account).toBeNull();
    const again = await server.logIn("bob", "bobs long password");
    await admin.call("changeAccount", { params: { name: "bob" }, body: { isDisabled: true } });
    expect((await again.call("getSession")).account).toBeNull();
    expect(await server.client().ask("logIn", { body: { name: "bob", password: "bobs long password" } })).toMatchObject({ body: { error: { code: "login-wrong" } } });
    for (const [id, body] of [["changeAccount", { role: "viewer" }], ["changeAccount", { isDisabled: true }], ["deleteAccount", undefined]] as const)
      expect(await admin.ask(id, { params: { name: ADMIN.name }, body })).toMatchObject({ status: 409, body: { error: { code: "last-admin" } } });
    await admin.call("deleteAccount", { params: { name: "bob" } });
    expect((await admin.call("listAccounts")).accounts.map(({ name }) => name)).toEqual([ADMIN.name]);
    expect(await admin.ask("createAccount", { body: { name: ADMIN.name, password: "long enough password", role: "viewer" } })).toMatchObject({ status: 409 });
  }); // prettier-ignore

  it("leaves no session of a password that was changed while somebody logged in with it", async () => {
    const passwords = ["first of two passwords", "second of two passwords"];
    await admin.call("createAccount", { body: { name: "dora", password: passwords[0]!, role: "admin" } });
    for (let round = 0; round < 12; round++) {
      const [old, next] = round % 2 === 0 ? passwords : passwords.toReversed();
      const [login] = await Promise.all([
        server.client().ask("logIn", { body: { name: "dora", password: old } }),
        admin.call("changeAccount", { params: { name: "dora" }, body: { password: next } }),
      ]);
      const cookie = (login.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
      expect((await server.client({ cookie }).call("getSession")).account, String(login.status)).toBeNull();
    }
    await admin.call("deleteAccount", { params: { name: "dora" } });
  });

  it("changes one's own password, with the old one; other sessions end", async () => {
    await admin.call("createAccount", { body: { name: "cleo", password: "cleos old password", role: "viewer" } });
    const [one, two] = [await server.logIn("cleo", "cleos old password"), await server.logIn("cleo", "cleos old password")];
    expect(await one.ask("changePassword", { body: { current: "wrong", password: "cleos new password" } })).toMatchObject({ status: 401 });
    const { headers } = await one.ask("changePassword", { body: { current: "cleos old password", password: "cleos new password" } });
    expect(headers.get("set-cookie")).toMatch(/^godwit_session=/);
    expect((await two.call("getSession")).account).toBeNull();
    expect(await server.client().ask("logIn", { body: { name: "cleo", password: "cleos old password" } })).toMatchObject({ status: 401 });
  });

  it("revokes tokens, and does not take expired ones", async () => {
    const made = await admin.call("createToken", { body: { name: "ci", role: "viewer", expiresInDays: 1 } });
    const ci = server.client({ authorization: `Bearer ${made.token}` });
    expect((await ci.ask("listTasks")).status).toBe(200);
    await admin.call("deleteToken", { params: { id: made.id } });
    expect((await ci.ask("listTasks")).status).toBe(401);
  });

  it("writes down who did what, also what was refused", async () => {
    await bearer("viewer").ask("createTask", { body: {} });
    const { entries } = await admin.call("listAudit", { query: { limit: 500 } });
    expect(entries).toContainEqual(expect.objectContaining({ who: "token viewer", action: "createTask", outcome: "role-missing", address: "127.0.0.1" }));
    expect(entries).toContainEqual(expect.objectContaining({ who: ADMIN.name, action: "createAccount", outcome: "done", detail: "bob, operator" }));
    expect(entries).toContainEqual(expect.objectContaining({ who: "nobody", action: "logIn", outcome: "login-wrong", detail: "nobody" }));
  });

  it("lets only who may see metrics; health tells nothing", async () => {
    const get = async (path: string, headers = {}): Promise<Response> => await fetch(server.url + path, { headers });
    expect((await get("/metrics")).status).toBe(401);
    const text = await (await get("/metrics", { authorization: `Bearer ${tokens.get("viewer")}` })).text();
    expect(text).toContain('godwit_tasks{state="running"} 0');
    expect(await (await get("/healthz")).json()).toEqual({ status: "ok" });
    expect(await (await get("/readyz")).json()).toEqual({ status: "ok" });
    expect((await get("/api/nothing")).status).toBe(404);
    expect((await get("/docs/")).status).toBe(200);
    for (const path of ["/", "/tasks", "/assets/"]) {
      const page = await get(path, { accept: "text/html" });
      expect([page.status, page.headers.get("content-type"), page.headers.get("cache-control")], path).toEqual([200, expect.stringContaining("text/html"), "no-cache"]);
      expect(page.headers.get("content-security-policy")).toContain("default-src 'self'");
      expect(await page.text()).toContain('<div id="console">');
    }
  });

  it("holds up whoever guesses", async () => {
    const careful = await startServe({ hasWorker: false, loginsPerMinute: 4 });
    try {
      const watcher = await careful.logIn(); // a try, too
      const statuses = [];
      for (let at = 0; at < 5; at++) statuses.push((await careful.client().ask("logIn", { body: { name: "x", password: `guess ${at}` } })).status);
      expect(statuses).toEqual([401, 401, 401, 429, 429]);
      const { headers, body } = await careful.client().ask("logIn", { body: { name: "x", password: "y" } });
      expect([Number(headers.get("retry-after")) > 0, body]).toEqual([true, { error: expect.objectContaining({ code: "too-many-tries" }) }]);
      // A flood leaves three lines, not one for each try: before them is the login that looks.
      const { entries } = await watcher.call("listAudit", { query: { limit: 500 } });
      expect(
        entries
          .filter(({ action }) => action === "logIn")
          .map(({ outcome }) => outcome)
          .slice(0, 4),
      ).toEqual(["login-wrong", "login-wrong", "login-wrong", "done"]);
    } finally {
      await careful.stop();
    }
  });

  it("never tells a password, a cookie's twin in the store, or a hash", () => {
    const told = server.told.join("\n");
    for (const secret of [ADMIN.password, "bobs long password", "cleos new password", "argon2"]) expect(told).not.toContain(secret);
  });
});
