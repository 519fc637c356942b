import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Control, openControl } from "../../../src/engine/control.ts";
import { migrateStore } from "../../../src/engine/migrations.ts";
import { openSecrets } from "../../../src/engine/secrets.ts";
import { type Store, openStore } from "../../../src/engine/store.ts";
import { act } from "../../../src/task/task-actions.ts";
import { STORE_MIGRATIONS } from "../../../src/task/store-migrations.ts";
import { type Task, type TaskStore as Tasks, TaskStore } from "../../../src/task/task-store.ts";
import type { TaskState } from "../../../src/task/states.ts";
import { verifyTables } from "../../../src/verify/verify.ts";
import { taskOptions } from "../../kit/checks.ts";
import { type TestDatabase, createDatabase } from "../../kit/databases.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";
import { type Process, killLeftovers, pause, processesOf, run } from "../engine/processes.ts";

const [oldest, newest] = [TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!];

let dir = "";
let store: Store;
let control: Control;
let tasks: Tasks;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "godwit-tasks-test-"));
  await chmod(dir, 0o755);
  store = await openStore({ dir });
  await migrateStore(store, STORE_MIGRATIONS);
  control = await openControl(store);
  tasks = new TaskStore(store.pool, await openSecrets({ dir }));
});

afterEach(async () => {
  await killLeftovers();
  await control.close();
  await pause(1000); // the last one stops the server, and killed workers' connections count until the server has seen their end
  await store.close();
  for (let attempt = 0; attempt < 500 && (await processesOf(dir)).length > 0; attempt++) await pause(20);
  const left = await processesOf(dir);
  await rm(dir, { recursive: true, force: true, maxRetries: 5 });
  // oxlint-disable-next-line vitest/no-standalone-expect -- it belongs to every test
  expect(left).toEqual([]);
});

async function worker(): Promise<Process> {
  const started = run(new URL("worker-process.ts", import.meta.url), dir);
  await started.saw("launched");
  return started;
}

/** Eight tables, too large to share a chunk, whose copy takes a while: each row is held up by a domain's check on the target. */
async function pair(): Promise<{ source: TestDatabase; target: TestDatabase }> {
  const [source, target] = [await createDatabase(oldest), await createDatabase(newest)];
  await source.query(`create function patient(text) returns bool language sql as 'select true'; create domain slow as text check (public.patient(value));
    do $$ begin for n in 1..8 loop execute format('create table t%s (id int primary key, body slow); alter table t%s alter body set storage external;
        insert into t%s select i, repeat(''x'', 200000) from generate_series(1, 15) i', n, n, n);
      execute format('create index on t%s (length(body))', n); end loop; end $$;
    create table parent (id int primary key); insert into parent select generate_series(1, 1000); create sequence s; select nextval('s') from generate_series(1, 7);
    create materialized view v as select count(*) as n from parent;
    create or replace function patient(text) returns bool language plpgsql as 'begin perform pg_catalog.pg_sleep(0.05); return true; end'`);
  return { source, target };
}

async function create({ source, target }: { source: TestDatabase; target: TestDatabase }, more: { scheduledAt?: Date } = {}): Promise<Task> {
  return await tasks.create({ options: taskOptions(source.endpoint("source"), target.endpoint("target"), { concurrency: 2, acceptAlarms: true }), ...more });
}

async function reaches(id: string, ...states: TaskState[]): Promise<Task> {
  for (let attempt = 0; attempt < 1500; attempt++) {
    const task = await tasks.find(id).catch(() => undefined);
    if (task !== undefined && states.includes(task.state)) return task;
    await pause(40);
  }
  throw new Error(`still ${(await tasks.find(id)).state}:\n${(await tasks.logs(id)).map(({ message }) => message).join("\n")}`);
}

/** Until some tables are there. */
async function copied(target: TestDatabase, chunks: number): Promise<void> {
  for (let attempt = 0; attempt < 1000; attempt++) {
    const [row] = await target.query<{ n: number }>("select count(*)::int as n from godwit.done where job like 'chunk %'").catch(() => []);
    if ((row?.n ?? 0) >= chunks) return;
    await pause(20);
  }
  throw new Error("nothing is copied");
}

async function expectEqual({ source, target }: { source: TestDatabase; target: TestDatabase }): Promise<void> {
  const rows = await source.query<{ name: string }>("select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'm')");
  const pairs = rows.map(({ name }) => ({ schema: "public", name, bytes: 0, withPartitions: false }));
  const result = await verifyTables(source.endpoint("source"), target.endpoint("target"), pairs, { concurrency: 2, signal: new AbortController().signal });
  expect(result).toMatchObject({ tables: 10, differences: [] });
  expect(await target.query("select last_value::int as n from s")).toEqual([{ n: 7 }]);
  expect(await target.query("select nspname from pg_namespace where nspname = 'godwit'")).toEqual([]);
  const indexes = "select count(*)::int as n from pg_index i join pg_class c on c.oid = i.indexrelid where c.relnamespace = 'public'::regnamespace and i.indisvalid";
  expect(await target.query(indexes)).toEqual(await source.query(indexes));
}

async function noSessions({ source, target }: { source: TestDatabase; target: TestDatabase }): Promise<void> {
  for (const database of [source, target]) {
    const left = async (): Promise<unknown[]> =>
      await database.query("select application_name from pg_stat_activity where datname = current_database() and application_name like 'godwit%'");
    await expect.poll(left, { timeout: 10_000, interval: 50 }).toEqual([]);
  }
}

describe("a task", () => {
  it("is taken by a worker and done; its log tells how", async () => {
    const databases = await pair();
    const { id } = await create(databases);
    await worker();
    await act(tasks, control, id, "start");
    expect(await reaches(id, "succeeded", "failed", "checkFailed")).toMatchObject({ state: "succeeded", run: 1, allowedActions: ["delete"] });
    await expectEqual(databases);
    const messages = (await tasks.logs(id)).map(({ message }) => message);
    for (const line of ["start: draft → checking", "checksPassed: checking → checkPassed", "prepared: preparing → running", "finished: running → succeeded"])
      expect(messages).toContain(line);
    await noSessions(databases);
  });

  it("goes on when its worker is killed, in the copy and behind it", async () => {
    const databases = await pair();
    const { id } = await create(databases);
    const first = await worker();
    await act(tasks, control, id, "start");
    await copied(databases.target, 2);
    const second = await worker();
    first.kill("SIGKILL");
    const since = performance.now();
    await expect
      .poll(async () => (await tasks.logs(id)).filter(({ message }) => message.includes("the snapshot that the data was copied from is gone")).length, { timeout: 20_000 })
      .toBe(1);
    console.log(`kill -9 in the copy to the next worker's copy: ${((performance.now() - since) / 1000).toFixed(2)} s`);
    const hasCopied = async (): Promise<number> => (await databases.target.query("select from godwit.done where job = 'copied'").catch(() => [])).length;
    await expect.poll(hasCopied, { timeout: 60_000, interval: 5 }).toBe(1);
    const third = await worker();
    second.kill("SIGKILL");
    expect(third.pid).toBeGreaterThan(0);
    expect(await reaches(id, "succeeded", "failed", "checkFailed")).toMatchObject({ state: "succeeded", run: 1 });
    await expectEqual(databases);
    await noSessions(databases);
  });

  it("pauses within two seconds, and is resumed by another worker", async () => {
    const databases = await pair();
    const { id } = await create(databases);
    const first = await worker();
    await act(tasks, control, id, "start");
    await copied(databases.target, 2);
    const since = performance.now();
    await act(tasks, control, id, "pause");
    expect(await reaches(id, "paused")).toMatchObject({ before: "running", allowedActions: ["resume", "terminate"] });
    expect(performance.now() - since).toBeLessThan(2000);
    await noSessions(databases);
    await first.leave();
    await worker();
    await act(tasks, control, id, "resume");
    expect(await reaches(id, "succeeded", "failed")).toMatchObject({ state: "succeeded", run: 2 });
    await expectEqual(databases);
  });

  it("is terminated without a ledger or a session left, and can then be deleted", async () => {
    const databases = await pair();
    const { id } = await create(databases);
    await worker();
    await act(tasks, control, id, "start");
    await copied(databases.target, 2);
    await expect(tasks.delete(id)).rejects.toMatchObject({ code: "action-refused" });
    await act(tasks, control, id, "terminate");
    await reaches(id, "terminated");
    await noSessions(databases);
    expect(await databases.target.query("select nspname from pg_namespace where nspname = 'godwit'")).toEqual([]);
    await tasks.delete(id);
    await expect(tasks.find(id)).rejects.toMatchObject({ code: "task-unknown" });
  });

  it("tries again what passes, and says why it waits", async () => {
    const databases = await pair();
    const { id } = await create(databases);
    await worker();
    await act(tasks, control, id, "start");
    await copied(databases.target, 2);
    await databases.target.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'godwit%'");
    expect(await reaches(id, "retrying")).toMatchObject({ before: "running", error: { code: "connection-lost" }, nextTryAt: expect.any(Date) as Date });
    expect(await reaches(id, "succeeded", "failed")).toMatchObject({ state: "succeeded", run: 1, error: null });
    await expectEqual(databases);
  });

  it("stops at what does not pass, and goes on when it is mended", async () => {
    const databases = await pair();
    const { id } = await create(databases);
    await worker();
    await databases.target.query("create table in_the_way (a int)");
    await act(tasks, control, id, "start");
    expect(await reaches(id, "checkFailed", "succeeded")).toMatchObject({ state: "checkFailed", error: { code: "precheck-failed" } });
    await databases.target.query("drop table in_the_way");
    await act(tasks, control, id, "check");
    expect(await reaches(id, "checkPassed", "checkFailed", "succeeded")).toMatchObject({ state: "checkPassed", error: null });
    await act(tasks, control, id, "start");
    expect(await reaches(id, "succeeded", "failed")).toMatchObject({ state: "succeeded", run: 3 });
    await expectEqual(databases);
  });

  it("starts at its time", async () => {
    const databases = await pair();
    const scheduledAt = new Date(Date.now() + 4000);
    const { id } = await create(databases, { scheduledAt });
    await worker();
    await act(tasks, control, id, "start");
    await reaches(id, "scheduled");
    await reaches(id, "preparing", "running");
    expect(Date.now()).toBeGreaterThanOrEqual(scheduledAt.getTime());
    await reaches(id, "succeeded");
    await expectEqual(databases);
  });
});
