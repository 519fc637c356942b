import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { taskOptions } from "../../test/kit/checks.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { type EmbeddedServer, startServer } from "../embedded/server.ts";
import { migrateStore } from "../engine/migrations.ts";
import { openSecrets } from "../engine/secrets.ts";
import { type Store, openStore } from "../engine/store.ts";
import { parseEndpoint } from "../wire/endpoint.ts";
import { STORE_MIGRATIONS } from "./store-migrations.ts";
import { TaskStore } from "./task-store.ts";
import { StoreQueries } from "./store-queries.ts";

const PASSWORD = "hunter2-never-in-clear";
const source = parseEndpoint("source", `postgresql://app:${PASSWORD}@old/shop`);
const target = parseEndpoint("target", `postgresql://app:${PASSWORD}@new/shop`);
const options = taskOptions(source, target, { concurrency: undefined, include: [{ kind: "schema", pattern: "s" }] });
const newKey = (): string => randomBytes(32).toString("base64");

let server: EmbeddedServer;
let store: Store;
let key: string;
let tasks: TaskStore;

beforeAll(async () => {
  server = await startServer({ major: TEST_MAJORS.at(-1)! });
  store = await openStore({ uri: server.uri("postgres") });
  await migrateStore(store, STORE_MIGRATIONS);
  key = newKey();
  tasks = new TaskStore(new StoreQueries(store), await openSecrets({ key }));
});
afterAll(async () => {
  await store.close();
  await server[Symbol.asyncDispose]();
});
beforeEach(async () => void (await store.pool.query("delete from godwit.task")));

it("keeps what was asked for, and secrets only sealed", async () => {
  const task = await tasks.create({ options, tags: { team: "shop" }, rateLimit: 5e9 });
  expect(task).toMatchObject({
    state: "draft", source: "source app@old:5432/shop", target: "target app@new:5432/shop", tags: { team: "shop" }, concurrency: 4, rateLimit: 5e9, run: 0,
    options: { type: "full", include: [{ kind: "schema", pattern: "s" }] }, allowedActions: ["check", "start", "terminate"],
  }); // prettier-ignore
  expect(await tasks.find(task.id)).toEqual(task);
  expect(await tasks.endpoints(task.id)).toEqual(JSON.parse(JSON.stringify({ source, target })));
  const { rows } = await store.pool.query<{ everything: string }>("select row_to_json(t)::text as everything from godwit.task t");
  expect(rows[0]?.everything).not.toContain(PASSWORD);
});

it("opens endpoints with the key they were sealed with only", async () => {
  const { id } = await tasks.create({ options });
  const other = new TaskStore(new StoreQueries(store), await openSecrets({ key: newKey() }));
  await expect(other.endpoints(id)).rejects.toMatchObject({ code: "secret-key-wrong", object: id });
  expect((await other.find(id)).id).toBe(id);
});

it("moves as the states say, and logs each move", async () => {
  const { id } = await tasks.create({ options });
  await tasks.apply(id, "start");
  await tasks.apply(id, "checksPassed");
  expect(await tasks.apply(id, "due", { step: "roles" })).toMatchObject({ state: "preparing", step: "roles", run: 1, startedAt: expect.any(Date) as Date });
  await tasks.apply(id, "prepared", { step: "copy" });
  const error = { code: "connection-lost" as const, message: "gone", advice: "wait" };
  const nextTryAt = new Date(Date.now() + 5000);
  expect(await tasks.apply(id, "interrupted", { error, nextTryAt })).toMatchObject({ state: "retrying", before: "running", step: "copy", error, nextTryAt });
  expect(await tasks.apply(id, "recovered", { error: null })).toMatchObject({ state: "running", error: null, nextTryAt: null });
  expect(await tasks.apply(id, "finished")).toMatchObject({ state: "succeeded", endedAt: expect.any(Date) as Date, allowedActions: ["delete"] });
  const lines = await tasks.logs(id);
  expect(lines.map(({ level, message }) => `${level} ${message}`)).toEqual([
    "info start: draft → checking", "info checksPassed: checking → checkPassed", "info due: checkPassed → preparing", "info prepared: preparing → running",
    "warning interrupted: running → retrying: gone", "info recovered: retrying → running", "info finished: running → succeeded",
  ]); // prettier-ignore
  expect((await tasks.logs(id, { after: lines[4]!.id, limit: 1 })).map(({ message }) => message)).toEqual(["recovered: retrying → running"]);
});

it("refuses what the state does not allow, and says what it does", async () => {
  const { id } = await tasks.create({ options });
  await expect(tasks.apply(id, "pause")).rejects.toMatchObject({
    code: "action-refused",
    message: `task ${id} is draft, where pause is not possible; allowed: check, start, terminate`,
  });
  await expect(tasks.delete(id)).rejects.toMatchObject({ code: "action-refused" });
  expect(await tasks.logs(id)).toEqual([]);
  const nobody = ["find", "logs", "delete", "endpoints"] as const;
  for (const call of nobody) await expect(tasks[call]("nobody")).rejects.toMatchObject({ code: "task-unknown", exitCode: 2 });
  await expect(tasks.apply("nobody", "start")).rejects.toMatchObject({ code: "task-unknown" });
  await expect(tasks.set("nobody", {})).rejects.toMatchObject({ code: "task-unknown" });
});

it("takes events that come at once one after the other", async () => {
  const { id } = await tasks.create({ options });
  const settled = await Promise.allSettled(Array.from({ length: 5 }, async () => await tasks.apply(id, "start")));
  expect(settled.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  expect(await tasks.find(id)).toMatchObject({ state: "checking", run: 1 });
});

it("finds by state, tags and servers", async () => {
  const first = await tasks.create({ options, tags: { team: "shop", stage: "test" } });
  const second = await tasks.create({ options, tags: { team: "shop" } });
  const ids = (list: { id: string }[]): string[] => list.map(({ id }) => id);
  expect(ids(await tasks.list())).toEqual([second.id, first.id]);
  expect(ids(await tasks.list({ tags: { stage: "test" } }))).toEqual([first.id]);
  expect(ids(await tasks.list({ states: ["running"] }))).toEqual([]);
  await tasks.apply(second.id, "terminate");
  expect(await tasks.unfinishedOrNew({ options })).toMatchObject({ isNew: false, task: { id: second.id } });
  await tasks.apply(second.id, "cleaned");
  expect(await tasks.unfinishedOrNew({ options })).toMatchObject({ isNew: false, task: { id: first.id } });
});

it("makes one task for all who ask for the same two databases at once", async () => {
  const elsewhere = { ...options, target: { ...target, database: "other" } };
  const asked = await Promise.all(Array.from({ length: 8 }, async () => await tasks.unfinishedOrNew({ options: elsewhere })));
  expect(new Set(asked.map(({ task }) => task.id)).size).toBe(1);
  expect(asked.filter(({ isNew }) => isNew)).toHaveLength(1);
});

it("changes settings at any time, deletes ended tasks, and forgets them after a while", async () => {
  const { id } = await tasks.create({ options });
  expect(await tasks.set(id, { concurrency: 2, rateLimit: 1000 })).toMatchObject({ concurrency: 2, rateLimit: 1000 });
  expect(await tasks.set(id, { rateLimit: null })).toMatchObject({ concurrency: 2, rateLimit: null });
  await tasks.log(id, "warning", "w", { event: "notice" });
  expect(await tasks.logs(id)).toMatchObject([{ level: "warning", message: "w", event: { event: "notice" } }]);
  await tasks.apply(id, "terminate");
  await tasks.apply(id, "cleaned");
  const other = await tasks.create({ options });
  expect(await tasks.deleteEndedBefore(new Date(Date.now() - 60_000))).toEqual([]);
  expect(await tasks.deleteEndedBefore(new Date(Date.now() + 60_000))).toEqual([id]);
  await tasks.apply(other.id, "terminate");
  await tasks.apply(other.id, "cleaned");
  await tasks.delete(other.id);
  expect(await tasks.list()).toEqual([]);
});
