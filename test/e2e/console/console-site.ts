import { setTimeout as sleep } from "node:timers/promises";
import { type EmbeddedServer, startServer } from "../../../src/embedded/server.ts";
import { fillSample } from "../../../src/demo/sample.ts";
import { Workload } from "../../../src/demo/workload.ts";
import { parseEndpoint } from "../../../src/wire/endpoint.ts";
import { openSession } from "../../../src/wire/session.ts";
import { type Client, type TestServer, ADMIN, startServe } from "../../kit/serve.ts";
import { reaches } from "../../kit/reaches.ts";
import { newStateDirectory } from "../../kit/state-directory.ts";

/** A server with tasks in all kinds of states, for pages to be looked at. */
export interface ConsoleSite extends AsyncDisposable {
  readonly server: TestServer;
  /** Its pages, by a name for their pictures. */
  readonly pages: Readonly<Record<string, string>>;
}

/** `directory`: where its store will be, or is. Begins a sample shop at work, one migration of it that follows changes, one that is done, one whose checks failed, a draft, a scheduled one. */
export async function openConsoleSite(directory = newStateDirectory()): Promise<ConsoleSite> {
  await using stack = new AsyncDisposableStack();
  const [source, target] = await Promise.all([startServer({ major: 14 }), startServer({ major: 18 })]);
  stack.use(source);
  stack.use(target);
  await fillSample(source, 2, () => undefined, AbortSignal.timeout(120_000));
  await run(target, "create database shop; create database archive; create database trial".split("; "));
  await copyRoles(source, target);
  const server = await startServe({ directory });
  stack.defer(async () => await server.stop());
  const admin = await server.logIn();
  await makePeople(admin);
  const workload = new Workload(4, 100);
  await workload.start(parseEndpoint("source", source.uri("shop")));
  stack.defer(async () => await workload.stop());
  const make = async (name: string, database: string, more: object): Promise<string> =>
    (await admin.call("createTask", { body: { source: source.uri("shop"), target: target.uri(database), name, acceptAlarms: true, start: true, tags: { team: "shop" }, ...more } }))
      .id;
  const done = await make("Shop archive", "archive", { type: "full", privileges: false, owner: false, verify: true });
  await reaches(admin, done, "succeeded");
  await run(target, ["create schema shop", "create table shop.orders (id int)"], "trial");
  const failed = await make("Shop on trial", "trial", { type: "full", acceptAlarms: false });
  await reaches(admin, failed, "checkFailed");
  const live = await make("Shop to PostgreSQL 18", "shop", { type: "full+incremental", fence: true, tags: { team: "shop", stage: "live" } });
  await reaches(admin, live, "readyToComplete");
  const compared = await admin.call("startVerification", { params: { id: live } });
  for (let attempt = 0; attempt < 300; attempt++) {
    const { state } = await admin.call("getVerification", { params: { id: live, verification: compared.id } });
    if (!["waiting", "running"].includes(state)) break;
    await sleep(100);
  }
  await make("Reports, next month", "trial", { type: "structure", start: false, tags: { team: "reports" } });
  const tabs = ["tables", "checks", "verification", "changes", "logs", "settings"];
  const kept = stack.move();
  return {
    server,
    pages: {
      home: "/",
      tasks: "/tasks",
      "tasks-filtered": "/tasks?search=nothing+of+this+name",
      create: "/tasks/new",
      "create-similar": `/tasks/new?similar=${live}`,
      task: `/tasks/${live}`,
      ...Object.fromEntries(tabs.map((tab) => [`task-${tab}`, `/tasks/${live}?tab=${tab}`])),
      "task-done": `/tasks/${done}`,
      "task-failed": `/tasks/${failed}`,
      "task-failed-checks": `/tasks/${failed}?tab=checks`,
      ...Object.fromEntries(["accounts", "tokens", "alerts", "audit", "password"].map((tab) => [`settings-${tab}`, `/settings/${tab}`])),
      lost: "/no/such/page",
    },
    [Symbol.asyncDispose]: async () => await kept.disposeAsync(),
  };
}

async function makePeople(admin: Client): Promise<void> {
  await admin.call("createAccount", { body: { name: "grace", password: "another long password", role: "operator" } });
  await admin.call("createAccount", { body: { name: "linus", password: "another long password", role: "viewer" } });
  await admin.call("createToken", { body: { name: "prometheus", role: "viewer" } });
  await admin.call("createWebhook", { body: { name: "on call", url: "http://127.0.0.1:9/hook", lagSeconds: 60, retainedBytes: 10_737_418_240 } });
  await admin.ask("logIn", { body: { ...ADMIN, password: "mistyped" } });
}

/** An ordinary target has the roles already. */
async function copyRoles(source: EmbeddedServer, target: EmbeddedServer): Promise<void> {
  await using session = await openSession(parseEndpoint("source", source.uri()));
  const roles = await session.query<{ name: string }>("select pg_catalog.quote_ident(rolname) as name from pg_catalog.pg_roles where rolname !~ '^pg_' and rolname <> 'postgres'");
  await run(target, roles.map(({ name }) => `create role ${name}`)); // prettier-ignore
}

async function run(server: EmbeddedServer, statements: readonly string[], database = "postgres"): Promise<void> {
  await using session = await openSession(parseEndpoint("target", server.uri(database)));
  for (const statement of statements) await session.query(statement);
}
