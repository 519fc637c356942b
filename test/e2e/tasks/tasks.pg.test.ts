import { describe, expect, it } from "vitest";
import { THOROUGH } from "../../kit/majors.ts";
import { act, runId } from "../../../src/task/task-actions.ts";
import { pausesIn } from "./pauses.ts";
import { SLOW_STEPS } from "./slow-steps.ts";
import { INCREMENTAL_DEFAULTS } from "../../../src/plan/migration-options.ts";
import { createDatabase } from "../../kit/databases.ts";
import { type Pair, copied, create, expectEqual, newest, noSessions, oldest, reaches, slowPair, taskSite, worker } from "./task-site.ts";

const site = taskSite();

describe("a task", () => {
  it("is taken by a worker and done; its log tells how", async () => {
    const databases = await slowPair();
    const { id } = await create(site, databases);
    await worker(site);
    await act(site.tasks, site.control, id, "start");
    expect(await reaches(site, id, "succeeded", "failed", "checkFailed")).toMatchObject({ state: "succeeded", run: 1, allowedActions: ["delete"] });
    await expectEqual(databases);
    const messages = (await site.tasks.logs(id)).map(({ message }) => message);
    for (const line of ["start: draft → checking", "checksPassed: checking → checkPassed", "prepared: preparing → running", "finished: running → succeeded"])
      expect(messages).toContain(line);
    await noSessions(databases);
  });

  it("goes on when its worker is killed, in the copy and behind it", async () => {
    const databases = await slowPair();
    const { id } = await create(site, databases);
    const first = await worker(site);
    await act(site.tasks, site.control, id, "start");
    await copied(databases.target, 2);
    // Before the next worker is started: that can take longer than the copy.
    first.kill("SIGKILL");
    const since = performance.now();
    const second = await worker(site);
    await expect
      .poll(async () => (await site.tasks.logs(id)).filter(({ message }) => message.includes("the snapshot that the data was copied from is gone")).length, { timeout: 20_000 })
      .toBe(1);
    console.log(`kill -9 in the copy to the next worker's copy: ${((performance.now() - since) / 1000).toFixed(2)} s`);
    const hasCopied = async (): Promise<number> => (await databases.target.query("select from godwit.done where job = 'copied'").catch(() => [])).length;
    await expect.poll(hasCopied, { timeout: 60_000, interval: 5 }).toBe(1);
    const third = await worker(site);
    second.kill("SIGKILL");
    expect(third.pid).toBeGreaterThan(0);
    expect(await reaches(site, id, "succeeded", "failed", "checkFailed")).toMatchObject({ state: "succeeded", run: 1 });
    await expectEqual(databases);
    await noSessions(databases);
  });

  it("pauses within two seconds, and is resumed by another worker", async () => {
    const databases = await slowPair();
    const { id } = await create(site, databases);
    const first = await worker(site);
    await act(site.tasks, site.control, id, "start");
    await copied(databases.target, 2);
    const since = performance.now();
    await act(site.tasks, site.control, id, "pause");
    expect(await reaches(site, id, "paused")).toMatchObject({ before: "running", allowedActions: ["resume", "terminate"] });
    expect(performance.now() - since).toBeLessThan(2000);
    await first.leave();
    await noSessions(databases);
    await worker(site);
    await expect.poll(async () => (await site.tasks.find(id)).isHeld).toBe(false);
    await act(site.tasks, site.control, id, "resume");
    expect(await reaches(site, id, "succeeded", "failed")).toMatchObject({ state: "succeeded", run: 2 });
    await expectEqual(databases);
  });

  // The others, and with a dead network: npm run test:long.
  it.each(SLOW_STEPS.filter(({ step, by }) => by === "a function of a materialized view" || (THOROUGH && step === "structure")).map((slow) => [slow.step, slow.by, slow] as const))(
    "pauses within two seconds in the step %s, held up by %s, and is resumed by another worker",
    async (_step, _by, slow) => {
      expect(await pausesIn(site, slow, "alive")).toBeGreaterThan(0);
    },
  );

  it("that is paused in the copy holds its snapshot: what was copied stays", async () => {
    const databases = await slowPair();
    const { id } = await create(site, databases);
    await worker(site);
    await act(site.tasks, site.control, id, "start");
    await copied(databases.target, 2);
    await act(site.tasks, site.control, id, "pause");
    expect(await reaches(site, id, "paused")).toMatchObject({ isHeld: true });
    // one session plans and holds, none writes
    const sessions = "select application_name from pg_stat_activity where datname = current_database() and application_name like 'godwit%/%'";
    expect(await databases.target.query(sessions)).toEqual([]);
    const [before] = await databases.target.query<{ n: number }>("select count(*)::int as n from godwit.done where job like 'chunk %'");
    await databases.source.query("update t8 set body = 'written during the pause' where id = 1; insert into t1 values (99, 'too late')");
    await act(site.tasks, site.control, id, "resume");
    expect(await reaches(site, id, "succeeded", "failed")).toMatchObject({ state: "succeeded", run: 1 });
    expect(before?.n).toBeGreaterThanOrEqual(2);
    expect((await site.tasks.logs(id)).filter(({ message }) => message.includes("is gone"))).toEqual([]);
    await databases.source.query("update t8 set body = repeat('x', 200000) where id = 1; delete from t1 where id = 99");
    await expectEqual(databases);
  });

  it("is terminated without a ledger or a session left, and can then be deleted", async () => {
    const databases = await slowPair();
    const { id } = await create(site, databases);
    await worker(site);
    await act(site.tasks, site.control, id, "start");
    await copied(databases.target, 2);
    await expect(site.tasks.delete(id)).rejects.toMatchObject({ code: "action-refused" });
    await act(site.tasks, site.control, id, "terminate");
    await reaches(site, id, "terminated");
    await noSessions(databases);
    expect(await databases.target.query("select nspname from pg_namespace where nspname = 'godwit'")).toEqual([]);
    await site.tasks.delete(id);
    await expect(site.tasks.find(id)).rejects.toMatchObject({ code: "task-unknown" });
  });

  it.runIf(THOROUGH)("whose checks fail when it has passed them once fails, and says so", async () => {
    const databases = await slowPair();
    const { id } = await create(site, databases, { scheduledAt: new Date(Date.now() + 4000) });
    await worker(site);
    await act(site.tasks, site.control, id, "start");
    await reaches(site, id, "scheduled");
    await databases.target.query("create table t1 (id int)");
    expect(await reaches(site, id, "failed", "succeeded")).toMatchObject({ state: "failed", run: 1, before: "preparing", error: { code: "precheck-failed" } });
    await databases.target.query("drop table t1");
    await act(site.tasks, site.control, id, "retry");
    expect(await reaches(site, id, "succeeded", "failed")).toMatchObject({ state: "succeeded", error: null });
    await expectEqual(databases);
  });

  it("that is terminated frees its slot also when its notes on the target are gone", async () => {
    const options = { type: "full+incremental", incremental: INCREMENTAL_DEFAULTS } as const;
    const databases = await slowPair();
    const begin = async (): Promise<string> => {
      const { id } = await create(site, databases, { options });
      await act(site.tasks, site.control, id, "start");
      await copied(databases.target, 2);
      await act(site.tasks, site.control, id, "pause");
      await reaches(site, id, "paused");
      return id;
    };
    const slots = async (): Promise<unknown[]> => await databases.source.query("select slot_name from pg_replication_slots where database = current_database()");
    await worker(site);
    const first = await begin();
    expect(await slots()).toHaveLength(1);
    await databases.target.query(
      "drop schema godwit cascade; drop materialized view v; drop table t1, t2, t3, t4, t5, t6, t7, t8, parent; drop sequence s; drop domain slow; drop function patient",
    );
    await act(site.tasks, site.control, first, "terminate");
    expect(await reaches(site, first, "terminated")).toMatchObject({ error: null });
    expect(await slots()).toEqual([]);
    expect(await databases.source.query("select from pg_publication")).toEqual([]);
  });

  it("tries again what passes, and says why it waits", async () => {
    const databases = await slowPair();
    const { id } = await create(site, databases);
    await worker(site);
    await act(site.tasks, site.control, id, "start");
    await copied(databases.target, 2);
    await databases.target.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'godwit%'");
    expect(await reaches(site, id, "retrying")).toMatchObject({ before: "running", error: { code: "connection-lost" }, nextTryAt: expect.any(Date) as Date });
    expect(await reaches(site, id, "succeeded", "failed")).toMatchObject({ state: "succeeded", run: 1, error: null });
    await expectEqual(databases);
  });

  it.runIf(THOROUGH)("ends well also when its last lane was in trouble a moment ago", async () => {
    const databases: Pair = { source: await createDatabase(oldest), target: await createDatabase(newest) };
    await databases.source.query(`create function gate(int) returns int language plpgsql immutable as 'begin perform pg_catalog.pg_advisory_xact_lock_shared(7); return $1; end';
      create table t (id int); insert into t select generate_series(1, 100); create index on t (gate(id)); create sequence s`);
    const { id } = await create(site, databases);
    await worker(site);
    await databases.target.query("select pg_advisory_lock(7)");
    await act(site.tasks, site.control, id, "start");
    const ours = "datname = current_database() and application_name like 'godwit %/%' and wait_event_type = 'Lock'";
    await expect.poll(async () => (await databases.target.query(`select from pg_stat_activity where ${ours}`)).length, { timeout: 20_000, interval: 20 }).toBe(1);
    const troubled = async (): Promise<string> => {
      await databases.target.query(`select pg_terminate_backend(pid) from pg_stat_activity where ${ours}`);
      return (await site.tasks.find(id)).state;
    };
    await expect.poll(troubled, { timeout: 30_000, interval: 200 }).toBe("retrying"); // a trouble of less than a second may pass unseen
    await databases.target.query("select pg_advisory_unlock(7)");
    expect(await reaches(site, id, "succeeded", "failed")).toMatchObject({ state: "succeeded", run: 1, error: null });
    await expectEqual(databases);
  });

  it.runIf(THOROUGH)("stops at what does not pass, and goes on when it is mended", async () => {
    const databases = await slowPair();
    const { id } = await create(site, databases);
    await worker(site);
    await databases.target.query("create table in_the_way (a int)");
    await act(site.tasks, site.control, id, "start");
    expect(await reaches(site, id, "checkFailed", "succeeded")).toMatchObject({ state: "checkFailed", error: { code: "precheck-failed" } });
    await databases.target.query("drop table in_the_way");
    await act(site.tasks, site.control, id, "check");
    expect(await reaches(site, id, "checkPassed", "checkFailed", "succeeded")).toMatchObject({ state: "checkPassed", error: null });
    await act(site.tasks, site.control, id, "start");
    expect(await reaches(site, id, "succeeded", "failed")).toMatchObject({ state: "succeeded", run: 3 });
    await expectEqual(databases);
  });

  it("that is only to be checked is not started by those who let its checks go on", async () => {
    const databases = await slowPair();
    const { id } = await create(site, databases);
    await act(site.tasks, site.control, id, "check");
    // The process that asked died before it could begin the run: a worker finds that out.
    await site.control.cancel([runId(await site.tasks.find(id))]);
    await worker(site);
    expect(await reaches(site, id, "checkPassed", "checkFailed", "preparing", "running")).toMatchObject({ state: "checkPassed", run: 2, startedAt: null });
    await databases.source.query("begin; lock table t1");
    await act(site.tasks, site.control, id, "check");
    await expect.poll(async () => (await site.tasks.progress(id))?.step, { timeout: 20_000 }).toBe("plan");
    await act(site.tasks, site.control, id, "pause");
    await reaches(site, id, "paused");
    await databases.source.query("rollback");
    await act(site.tasks, site.control, id, "resume");
    expect(await reaches(site, id, "checkPassed", "checkFailed", "preparing", "running")).toMatchObject({ state: "checkPassed" });
    expect(await databases.target.query("select relname from pg_class where relnamespace = 'public'::regnamespace")).toEqual([]);
  });

  it.runIf(THOROUGH)("starts at its time", async () => {
    const databases = await slowPair();
    const scheduledAt = new Date(Date.now() + 4000);
    const { id } = await create(site, databases, { scheduledAt });
    await worker(site);
    await act(site.tasks, site.control, id, "start");
    await reaches(site, id, "scheduled");
    await reaches(site, id, "preparing", "running");
    expect(Date.now()).toBeGreaterThanOrEqual(scheduledAt.getTime());
    await reaches(site, id, "succeeded");
    await expectEqual(databases);
  });
});
