import { Client as Session } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openTasks } from "../../../src/task/open-tasks.ts";
import { createDatabase, onServer } from "../../kit/databases.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";
import { type Client, type TestServer, startServe } from "../../kit/serve.ts";
import { newStateDirectory } from "../../kit/state-directory.ts";

const directory = newStateDirectory();
let server: TestServer;
let admin: Client;

beforeAll(async () => {
  server = await startServe({ directory });
  admin = await server.logIn();
});
afterAll(async () => await server.stop());

describe("a comparison", () => {
  it("ends with its task, also where it waits for a lock", async () => {
    const [major] = TEST_MAJORS;
    const [source, target] = [await createDatabase(major!), await createDatabase(TEST_MAJORS.at(-1)!)];
    for (const side of [source, target]) await side.query("create table a (id int primary key)");
    const { id } = await admin.call("createTask", { body: { source: source.uri, target: target.uri } });
    const name = new URL(source.uri).pathname.slice(1);
    const sessions = async (): Promise<number> =>
      await onServer(major!, async (other) => (await other.query("select from pg_stat_activity where datname = $1 and application_name like 'godwit%'", [name])).rowCount ?? 0);
    const holder = new Session({ connectionString: source.uri });
    await holder.connect();
    try {
      await holder.query("begin; lock table a");
      await admin.call("startVerification", { params: { id } });
      await expect.poll(sessions, { timeout: 10_000 }).toBeGreaterThan(0);
      await admin.call("actOnTask", { params: { id }, body: { action: "terminate" } });
      await admin.call("deleteTask", { params: { id } });
      await expect.poll(sessions, { timeout: 10_000 }).toBe(0);
    } finally {
      await holder.end();
    }
  });

  it("is one at a time, also when two are asked for at once", async () => {
    const [source, target] = [await createDatabase(TEST_MAJORS[0]!), await createDatabase(TEST_MAJORS.at(-1)!)];
    const { id } = await admin.call("createTask", { body: { source: source.uri, target: target.uri } });
    await using opened = await openTasks({ store: { dir: directory } }, () => undefined);
    const first = await opened.store.pool.connect();
    await first.query("begin");
    await first.query("insert into godwit.verification (id, task_id, started_by) values ('00000000aa', $1, 'ada')", [id]);
    const second = admin.ask("startVerification", { params: { id } });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await first.query("commit");
    first.release();
    expect(await second).toMatchObject({ status: 409, body: { error: { code: "action-refused" } } });
    await admin.call("cancelVerification", { params: { id, verification: "00000000aa" } });
  });

  it("that was asked for by a process which died then is done nevertheless", async () => {
    const [source, target] = [await createDatabase(TEST_MAJORS[0]!), await createDatabase(TEST_MAJORS.at(-1)!)];
    for (const side of [source, target]) await side.query("create table a (id int primary key)");
    const { id } = await admin.call("createTask", { body: { source: source.uri, target: target.uri } });
    await using opened = await openTasks({ store: { dir: directory } }, () => undefined);
    await opened.store.pool.query("insert into godwit.verification (id, task_id, started_by) values ('0123456789', $1, 'ada')", [id]);
    const state = async (): Promise<string> => (await admin.call("getVerification", { params: { id, verification: "0123456789" } })).state;
    await expect.poll(state, { timeout: 20_000 }).toBe("equal");
  });
});
