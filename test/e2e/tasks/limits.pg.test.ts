import { describe, expect, it } from "vitest";
import { act } from "../../../src/task/task-actions.ts";
import { pause } from "../engine/processes.ts";
import { INCREMENTAL_DEFAULTS } from "../../../src/plan/migration-options.ts";
import { type Pair, copied, create, expectEqual, newest, oldest, reaches, slowPair, taskSite, worker } from "./task-site.ts";
import { THOROUGH } from "../../kit/majors.ts";
import { startServer } from "../../../src/embedded/server.ts";
import { parseEndpoint } from "../../../src/wire/endpoint.ts";
import { openSession } from "../../../src/wire/session.ts";
import { createDatabase, onServer } from "../../kit/databases.ts";

const site = taskSite();

/** How many lanes of each task are at work on the target's server at this moment. */
async function atWork(): Promise<Map<string, number>> {
  const { rows } = await onServer(newest, async (admin) =>
    await admin.query<{ task: string; n: number }>(
      "select substr(split_part(application_name, '/', 1), 8) as task, count(*)::int as n from pg_stat_activity where application_name like 'godwit %/%' and state <> 'idle' group by 1",
    ),
  ); // prettier-ignore
  return new Map(rows.map(({ task, n }) => [task, n]));
}

/** The most lanes that a task had at a time, until all are done. */
async function watchUntilDone(ids: readonly string[]): Promise<Map<string, number>> {
  const most = new Map(ids.map((id) => [id, 0]));
  for (;;) {
    for (const [id, n] of await atWork()) if (most.has(id)) most.set(id, Math.max(most.get(id) ?? 0, n));
    const states = await Promise.all(ids.map(async (id) => (await site.tasks.find(id)).state));
    if (states.every((state) => state === "succeeded" || state === "failed")) return most;
    await pause(15);
  }
}

describe("limits", () => {
  it.runIf(THOROUGH)("of three tasks at once on two workers hold, each its own", async () => {
    const pairs: Pair[] = [];
    for (let n = 0; n < 3; n++) pairs.push(await slowPair());
    await Promise.all([worker(site), worker(site)]);
    const tasks = [];
    for (const [at, databases] of pairs.entries()) tasks.push(await create(site, databases, { options: { concurrency: at + 1 } }));
    for (const { id } of tasks) await act(site.tasks, site.control, id, "start");
    const most = await watchUntilDone(tasks.map(({ id }) => id));
    expect(tasks.map(({ id }) => most.get(id))).toEqual([1, 2, 3]);
    for (const [at, { id }] of tasks.entries()) {
      expect(await site.tasks.find(id)).toMatchObject({ state: "succeeded" });
      await expectEqual(pairs[at]!);
    }
  });

  it("are changed while the task runs; its lanes are shared by the workers", async () => {
    const databases = await slowPair();
    const { id } = await create(site, databases, { options: { concurrency: 1 } });
    await Promise.all([worker(site), worker(site)]);
    await act(site.tasks, site.control, id, "start");
    await expect.poll(async () => (await atWork()).get(id), { timeout: 20_000, interval: 20 }).toBe(1);
    await site.tasks.set(id, { concurrency: 4 });
    await expect.poll(async () => (await atWork()).get(id), { timeout: 20_000, interval: 20 }).toBe(4);
    const { rows } = await site.store.pool.query<{ executors: number }>("select count(distinct executor)::int as executors from godwit.task_lane where task_id = $1", [id]);
    expect(rows).toEqual([{ executors: 2 }]);
    await site.tasks.set(id, { concurrency: 1 });
    await expect.poll(async () => (await atWork()).get(id) ?? 0, { timeout: 20_000, interval: 20 }).toBeLessThanOrEqual(1);
    const most = await watchUntilDone([id]);
    expect(most.get(id)).toBe(1);
    await expectEqual(databases);
  });

  it("of the rate are kept by all lanes together", async () => {
    const databases = await slowPair();
    await databases.source.query("create or replace function patient(text) returns bool language sql as 'select true'");
    const { id } = await create(site, databases, { rateLimit: 4_000_000 });
    await worker(site);
    await act(site.tasks, site.control, id, "start");
    await reaches(site, id, "running");
    const since = performance.now();
    expect(await reaches(site, id, "succeeded", "failed")).toMatchObject({ state: "succeeded" });
    // 24 MB; the first moments of a lane may pass before it knows how many there are
    expect((performance.now() - since) / 1000).toBeGreaterThan(5);
    await expectEqual(databases);
  });

  it.runIf(THOROUGH)("that a lock sets are told: who holds it, with what", async () => {
    const databases = await slowPair();
    const { id } = await create(site, databases);
    await worker(site);
    await databases.target.query("select 1");
    await act(site.tasks, site.control, id, "start");
    await reaches(site, id, "running");
    await expect.poll(async () => (await databases.target.query("select to_regclass('t8') as t"))[0], { timeout: 20_000, interval: 10 }).toEqual({ t: "t8" });
    await databases.target.query("begin; lock table t8");
    try {
      await expect
        .poll(async () => (await site.tasks.progress(id))?.waits.join("\n"), { timeout: 60_000 })
        .toMatch(/target .*: our process \d+ has waited \d+ s for a lock that process \d+ holds \(.*test.*\): begin; lock table t8/);
    } finally {
      await databases.target.query("rollback");
    }
    await reaches(site, id, "succeeded");
    expect((await site.tasks.progress(id))?.waits).toEqual([]);
    expect((await site.tasks.logs(id)).filter(({ message }) => message.includes("lock table t8"))).toHaveLength(1);
    await expectEqual(databases);
  });

  it.runIf(THOROUGH)("that others set at the source are told as well: a transaction that the slot waits for, a lock in the way of a replica identity", async () => {
    const databases = await slowPair();
    await databases.source.query("create table no_key (a int); insert into no_key values (1)");
    const { id } = await create(site, databases, { options: { type: "full+incremental", incremental: INCREMENTAL_DEFAULTS } });
    const waits = async (): Promise<string | undefined> => (await site.tasks.progress(id))?.waits.join("\n");
    await databases.source.query("begin; lock table no_key in access share mode");
    await worker(site);
    await act(site.tasks, site.control, id, "start");
    await expect.poll(waits, { timeout: 60_000 }).toMatch(/the source waits for a lock on public\.no_key: held by process \d+ \(.*idle in transaction for \d+ s\)/);
    await databases.source.query("rollback; begin; insert into parent values (-1)");
    await expect.poll(waits, { timeout: 60_000 }).toMatch(/the slot waits for transactions that write: process \d+ of database \w+ \(/);
    await databases.source.query("rollback");
    await reaches(site, id, "readyToComplete");
    await expect.poll(waits).toBe("");
    const told = (await site.tasks.logs(id)).filter(({ level, message }) => level === "warning" && message.includes(": held by process"));
    expect(told).toHaveLength(1);
    await act(site.tasks, site.control, id, "terminate");
    await reaches(site, id, "terminated");
  });

  it.runIf(THOROUGH)("of a target whose synchronous standby is gone are told, and end with it", async () => {
    const { source, target: elsewhere } = await slowPair();
    await using server = await startServer({ major: newest }); // one of its own: all others would wait, too
    await using session = await openSession(parseEndpoint("target", server.uri()));
    for (const setting of ["synchronous_commit = local", "search_path = public"]) await session.query(`set ${setting}`);
    const waitFor = async (standby: string): Promise<void> => {
      await session.query(`alter system set synchronous_standby_names = '${standby}'`);
      await session.query("select pg_reload_conf()");
    };
    const target = { ...elsewhere, endpoint: () => session.endpoint, query: async <Row extends object>(sql: string) => await session.query<Row>(sql) };
    const { id } = await create(site, { source, target });
    await worker(site);
    await act(site.tasks, site.control, id, "start");
    await expect.poll(async () => await session.query("select to_regclass('t8') as t"), { timeout: 20_000, interval: 10 }).toEqual([{ t: "t8" }]);
    await waitFor("gone");
    await expect
      .poll(async () => (await site.tasks.progress(id))?.waits.join("\n"), { timeout: 60_000 })
      .toMatch(/target .*: our process \d+ has waited \d+ s for synchronous standbys to confirm a commit/);
    await waitFor("");
    expect(await reaches(site, id, "succeeded", "failed")).toMatchObject({ state: "succeeded" });
    expect((await site.tasks.logs(id)).filter(({ message }) => message.includes("synchronous standbys"))).toHaveLength(1);
    await expectEqual({ source, target });
  });

  it("that a server sets stop no task that has begun: lanes that find no place wait", async () => {
    const databases = await slowPair();
    const { id } = await create(site, databases);
    const first = await worker(site);
    await act(site.tasks, site.control, id, "start");
    await copied(databases.target, 2);
    await site.tasks.set(id, { concurrency: 128 }); // of 100 that the servers allow
    first.kill("SIGKILL");
    await worker(site);
    expect(await reaches(site, id, "succeeded", "failed")).toMatchObject({ state: "succeeded", run: 1 });
    await expectEqual(databases);
    const checks = (await site.tasks.logs(id, { debug: true })).map(({ event }) => (event as { item?: { id: string; result: string } } | null)?.item);
    expect(checks.filter((item) => item?.id === "connections" && item.result === "alarm").length).toBeGreaterThan(0);
  });

  it.runIf(THOROUGH)("hold also when a worker dies whose server goes on building an index", async () => {
    const databases: Pair = { source: await createDatabase(oldest), target: await createDatabase(newest) };
    // Indexes of more than a megabyte have jobs of their own.
    await databases.source.query(`create function drowsy(int) returns int language sql immutable as 'select $1';
      do $$ begin for n in 1..4 loop execute format('create table b%s (id int); insert into b%s select generate_series(1, 60000); create index on b%s (drowsy(id))', n, n, n); end loop; end $$;
      create or replace function drowsy(int) returns int language plpgsql immutable as 'begin if $1 <= 20 then perform pg_catalog.pg_sleep(0.1); end if; return $1; end'`);
    const { id } = await create(site, databases);
    const workers = [await worker(site), await worker(site)];
    await act(site.tasks, site.control, id, "start");
    const building = async (): Promise<number> =>
      (
        await databases.target.query<{ n: number }>(
          "select count(*)::int as n from pg_stat_activity where datname = current_database() and state = 'active' and query ~* 'create index' and pid <> pg_backend_pid()",
        )
      )[0]!.n;
    await expect.poll(building, { timeout: 30_000, interval: 10 }).toBe(2);
    workers[1]!.kill("SIGKILL");
    let most = 0;
    while (!["succeeded", "failed"].includes((await site.tasks.find(id)).state)) {
      most = Math.max(most, await building());
      await pause(5);
    }
    expect(most).toBe(2);
    expect((await site.tasks.find(id)).state).toBe("succeeded");
    expect(await databases.target.query("select count(*)::int as n from pg_index i join pg_class c on c.oid = i.indrelid where c.relname ~ '^b' and i.indisvalid")).toEqual([
      { n: 4 },
    ]);
  });
});
