import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TestDatabase, createDatabase } from "../../kit/databases.ts";
import { EventReader } from "../../kit/event-reader.ts";
import { THOROUGH, TEST_MAJORS } from "../../kit/majors.ts";
import { type Client, type TestServer, startServe } from "../../kit/serve.ts";

let server: TestServer;
let admin: Client;
let headers: Record<string, string>;

beforeAll(async () => {
  server = await startServe();
  admin = await server.logIn();
  headers = { authorization: `Bearer ${(await admin.call("createToken", { body: { name: "watch", role: "viewer" } })).token}` };
});
afterAll(async () => await server.stop());

async function draft(type: "structure" | "full" = "full"): Promise<{ id: string; target: TestDatabase }> {
  const [source, target] = [await createDatabase(TEST_MAJORS[0]!), await createDatabase(TEST_MAJORS.at(-1)!)];
  await source.query("create table a (id int primary key); insert into a select generate_series(1, 100)");
  const { id } = await admin.call("createTask", { body: { source: source.uri, target: target.uri, type, acceptAlarms: true, owner: false } });
  return { id, target };
}

interface Line {
  readonly line: string;
  readonly message: string;
}

describe("server-sent events", () => {
  it("tell a task's states and every line of its log, and go on behind the last one seen", async () => {
    const { id } = await draft();
    const url = `${server.url}/api/tasks/${id}/events`;
    const lines = (reader: EventReader): string[] => reader.of("log").map(({ data }) => (data as Line).line);
    const all = new EventReader(`${url}?after=0`, headers);
    await expect.poll(() => all.of("task").length).toBeGreaterThan(0);
    await admin.call("actOnTask", { params: { id }, body: { action: "start" } });
    await expect.poll(() => (all.of("task").at(-1)?.data as { state?: string } | undefined)?.state, { timeout: 30_000 }).toBe("succeeded");
    const { lines: kept } = await admin.call("listLogs", { params: { id }, query: { level: "debug", after: "0", limit: 1000 } });
    await expect.poll(() => lines(all), { timeout: 15_000 }).toEqual(kept.map(({ line }) => line));
    expect(all.of("log").every(({ id: of, data }) => of === (data as Line).line)).toBe(true);
    expect(all.of("checks").length).toBeGreaterThan(0);
    await all[Symbol.asyncDispose]();
    const middle = kept[Math.floor(kept.length / 2)]!.line;
    await using rest = new EventReader(url, { ...headers, "last-event-id": middle });
    await expect.poll(() => lines(rest), { timeout: 15_000 }).toEqual(kept.map(({ line }) => line).filter((line) => BigInt(line) > BigInt(middle)));
  });

  it("go on with what is new for somebody who has seen lines that are not there", async () => {
    const { id } = await draft();
    await using reader = new EventReader(`${server.url}/api/tasks/${id}/events`, { ...headers, "last-event-id": "999999999999999999" });
    await expect.poll(() => reader.of("task").length).toBeGreaterThan(0);
    await admin.call("actOnTask", { params: { id }, body: { action: "terminate" } });
    await expect.poll(() => reader.of("log").length, { timeout: 15_000 }).toBeGreaterThan(0);
  });

  it("tell which tasks have changed, and that one is gone", async () => {
    await using reader = new EventReader(`${server.url}/api/tasks/events`, headers);
    await expect.poll(async () => {
      const { id } = await draft("structure");
      await new Promise((resolve) => setTimeout(resolve, 300));
      return reader.of("tasks").some(({ data }) => (data as { ids: string[] }).ids.includes(id));
    }, { timeout: 30_000 }).toBe(true); // prettier-ignore
    const { id } = await draft();
    await admin.call("actOnTask", { params: { id }, body: { action: "terminate" } });
    await admin.call("deleteTask", { params: { id } });
    await expect.poll(() => reader.of("tasks").some(({ data }) => (data as { isGone: boolean }).isGone), { timeout: 15_000 }).toBe(true);
  });

  it("refuse a task that is not there, and end with the server", async () => {
    expect(await admin.ask("watchTask", { params: { id: "0000000000" } })).toMatchObject({ status: 404, body: { error: { code: "task-unknown" } } });
    const other = await startServe({ hasWorker: false });
    await using reader = new EventReader(`${other.url}/api/tasks/events`, headers);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(reader.isEnded).toBe(false);
    await other.stop();
    await expect.poll(() => reader.isEnded).toBe(true);
  });
});

describe("alerts", () => {
  it("tell an address of a failed task once, and that it is over; the address itself is told to nobody", async () => {
    const told: { what: string; text: string; task: { id: string } | null }[] = [];
    const receiver = createServer((request, response) => {
      let text = "";
      request.on("data", (chunk: Buffer) => (text += chunk.toString()));
      request.on("end", () => {
        told.push(JSON.parse(text) as (typeof told)[0]);
        response.statusCode = told.length === 1 ? 500 : 204;
        response.end();
      });
    });
    await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = receiver.address() as AddressInfo;
      const hook = await admin.call("createWebhook", { body: { name: "chat", url: `http://127.0.0.1:${port}/secret-path`, lagSeconds: 60 } });
      expect(hook).toMatchObject({ host: `127.0.0.1:${port}`, onFailed: true, lastAt: null });
      expect(await admin.call("testWebhook", { params: { id: hook.id } })).toEqual({ isDelivered: false, detail: "answered 500" });
      const { id, target } = await draft();
      await target.query("create table a (other int)");
      await admin.call("actOnTask", { params: { id }, body: { action: "start" } });
      await expect.poll(() => told.filter(({ task }) => task?.id === id).map(({ what }) => what), { timeout: 30_000 }).toEqual(["failed"]);
      await admin.call("actOnTask", { params: { id }, body: { action: "terminate" } });
      await admin.call("changeWebhook", { params: { id: hook.id }, body: { name: "talk", lagSeconds: null } });
      expect((await admin.call("listWebhooks")).webhooks).toMatchObject([{ name: "talk", lagSeconds: null, lastOutcome: "answered 204", host: `127.0.0.1:${port}` }]);
      await admin.call("deleteWebhook", { params: { id: hook.id } });
      expect(server.told.join()).not.toContain("secret-path");
    } finally {
      receiver.close();
    }
  });

  it.runIf(THOROUGH)("come when the address answers again", async () => {
    const told: string[] = [];
    let isUp = false;
    const receiver = createServer((request, response) => {
      let text = "";
      request.on("data", (chunk: Buffer) => (text += chunk.toString()));
      request.on("end", () => {
        if (isUp) told.push((JSON.parse(text) as { what: string }).what);
        response.statusCode = isUp ? 204 : 503;
        response.end();
      });
    });
    await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = receiver.address() as AddressInfo;
      const { id } = await admin.call("createTask", { body: { source: "postgresql://a@127.0.0.1:1/a", target: "postgresql://a@127.0.0.1:1/b", start: true } });
      const hook = await admin.call("createWebhook", { body: { name: "late", url: `http://127.0.0.1:${port}/` } });
      const outcome = async (): Promise<string | null | undefined> => (await admin.call("listWebhooks")).webhooks.find((one) => one.id === hook.id)?.lastOutcome;
      await expect.poll(outcome, { timeout: 20_000 }).toBe("answered 503");
      isUp = true;
      await expect.poll(() => told, { timeout: 30_000 }).toEqual(["failed"]);
      await admin.call("deleteWebhook", { params: { id: hook.id } });
      await admin.call("actOnTask", { params: { id }, body: { action: "terminate" } });
    } finally {
      receiver.close();
    }
  });
});
