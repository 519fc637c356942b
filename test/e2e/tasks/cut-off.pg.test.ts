import { describe, expect, it } from "vitest";
import { INCREMENTAL_DEFAULTS } from "../../../src/plan/migration-options.ts";
import { act } from "../../../src/task/task-actions.ts";
import { type TestDatabase, createDatabase, useDatabase } from "../../kit/databases.ts";
import { THOROUGH } from "../../kit/majors.ts";
import { type Pair, create, newest, noSessions, oldest, reaches, taskSite, worker } from "./task-site.ts";

const site = taskSite();

/** Of everything that is brought at the switch, and no stream brings. */
async function shopPair(): Promise<Pair> {
  const [source, target] = [await createDatabase(oldest), await createDatabase(newest)];
  await source.query(`create table orders (id int primary key, note text); insert into orders select n, 'old' from generate_series(1, 100) n;
    create table no_key (a int); insert into no_key values (1); create sequence s; select nextval('s') from generate_series(1, 7);
    create unlogged table u (a int); insert into u select generate_series(1, 100); select lo_create(4711);
    create materialized view v as select count(*) as n from orders`);
  return { source, target };
}

const IDENTITY = "select relreplident from pg_class where relname = 'no_key'";
const AT_SOURCE = `select slot_name as name from pg_replication_slots where database = current_database() union all select pubname from pg_publication`;

/** Completes, and waits until the worker has died where it was told to. */
async function completeAndDie(databases: Pair, failpoint: string, isFenced = false): Promise<string> {
  const { id } = await create(site, databases, { options: { type: "full+incremental", incremental: { ...INCREMENTAL_DEFAULTS, fence: isFenced } } });
  const first = await worker(site, { GODWIT_FAILPOINT: failpoint });
  await act(site.tasks, site.control, id, "start");
  await reaches(site, id, "readyToComplete");
  await databases.source.query("update orders set note = 'changed' where id <= 10; insert into no_key values (2)");
  await act(site.tasks, site.control, id, "complete");
  await expect.poll(() => first.child.exitCode ?? first.child.signalCode, { timeout: 30_000 }).toBe("SIGKILL");
  return id;
}

async function facts(target: TestDatabase): Promise<unknown> {
  const [row] = await target.query(`select (select last_value::int from s) as s, (select count(*)::int from u) as u, (select count(*)::int from pg_largeobject_metadata) as objects,
    (select note from orders where id = 5) as note, (select count(*)::int from no_key) as "noKey"`);
  return row;
}

describe("a database that was handed over", () => {
  // The edges in between: test/e2e/incremental/incremental.long.test.ts.
  it.each(["handed over", ...(THOROUGH ? ["ledger dropped"] : [])])(
    "belongs to its applications, whatever dies behind (%s): nothing is brought from the source any more, and the source is put back",
    async (failpoint) => {
      const databases = await shopPair();
      const id = await completeAndDie(databases, failpoint);
      const { source, target } = databases;
      await target.query(
        "select nextval('s') from generate_series(1, 1000); insert into u values (1), (2), (3); select lo_create(815); update orders set note = 'new' where id = 5",
      );
      await source.query("update orders set note = 'late' where id = 5");
      await worker(site);
      const { summary } = await reaches(site, id, "succeeded", "failed");
      expect(await facts(target)).toEqual({ s: 1007, u: 103, objects: 2, note: "new", noKey: 2 });
      expect(summary?.followed?.changes).toEqual({ received: 11, applied: 11, skipped: 0, conflicts: [] });
      expect(summary?.followed?.completed.steps.map(({ step }) => step)).toEqual(expect.arrayContaining(["drain", "sequences", "unlogged", "largeObjects"]));
      const late = summary?.followed?.completed.steps.flatMap(({ step, notes }) => (step === "source" ? notes : []));
      // What came when the slot was gone already, nobody can see.
      const told = late?.filter((note) => note.includes("1 transactions with 1 changes were committed at the source, which are NOT on the target: public.orders"));
      expect([late?.length, told?.length]).toEqual(failpoint === "handed over" ? [1, 1] : [0, 0]);
      expect(await source.query(AT_SOURCE)).toEqual([]);
      expect(await source.query(IDENTITY)).toEqual([{ relreplident: "d" }]);
      expect(await target.query("select from pg_namespace where nspname = 'godwit'")).toEqual([]);
      await noSessions(databases);
    },
  );

  it.each(["slot dropped", ...(THOROUGH ? ["looked last"] : [])])("has its proof that nobody wrote behind the fence, whatever dies behind (%s)", async (failpoint) => {
    const databases = await shopPair();
    const id = await completeAndDie(databases, failpoint, true);
    await worker(site);
    const { summary } = await reaches(site, id, "succeeded", "failed");
    expect(Object.values(summary?.followed?.completed.proofs ?? {})).toEqual([expect.objectContaining({ isProved: true, transactions: 0 })]);
  });

  it("is finished also when something is in the way at the source", async () => {
    const databases = await shopPair();
    const { id } = await create(site, databases, { options: { type: "full+incremental", incremental: INCREMENTAL_DEFAULTS } });
    await worker(site);
    await act(site.tasks, site.control, id, "start");
    await reaches(site, id, "readyToComplete");
    await databases.source.query("begin; lock table no_key in row exclusive mode");
    await act(site.tasks, site.control, id, "complete");
    await expect
      .poll(async () => (await site.tasks.logs(id)).some(({ message }) => message.includes("the source waits for a lock on public.no_key")), { timeout: 20_000 })
      .toBe(true);
    await databases.source.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'godwit%'");
    await reaches(site, id, "retrying");
    await databases.source.query("rollback");
    expect(await reaches(site, id, "succeeded", "failed")).toMatchObject({ state: "succeeded" });
    expect(await databases.source.query(IDENTITY)).toEqual([{ relreplident: "d" }]);
  });

  it("keeps the fence at its source when the task is given up: nobody writes where nobody reads any more", async () => {
    const databases = await shopPair();
    const id = await completeAndDie(databases, "handed over", true);
    const insisting = await useDatabase(oldest, databases.source.name);
    await insisting.query("begin read write; insert into orders values (5000, 'late'); commit");
    await act(site.tasks, site.control, id, "terminate");
    await worker(site);
    await reaches(site, id, "terminated");
    expect((await site.tasks.logs(id)).map(({ message }) => message)).toContainEqual(expect.stringContaining("NOT on the target: public.orders"));
    const application = await useDatabase(oldest, databases.source.name); // its sessions before were ended
    await expect(application.query("insert into no_key values (3)")).rejects.toThrow(/read-only/);
    expect(await application.query(AT_SOURCE)).toEqual([]);
  });
});

it.each(["terminate", "complete"] as const)("a fence that a dead run has left up, and %s: who connected behind it is not left read-only", async (action) => {
  const databases = await shopPair();
  const { source, target } = databases;
  const id = await completeAndDie(databases, "fence raised", true);
  const pooled = await useDatabase(oldest, source.name);
  await expect(pooled.query("insert into no_key values (3)")).rejects.toThrow(/read-only/);
  const prepared = `forgotten ${source.name}`;
  if (action === "complete") await pooled.query(`begin read write; insert into orders values (5000, 'late'); prepare transaction '${prepared}'`);
  else await act(site.tasks, site.control, id, "terminate");
  await worker(site);
  const { error } = await reaches(site, id, "terminated", "failed");
  await expect(pooled.query("insert into no_key values (3)")).rejects.not.toThrow(/read-only/); // it was ended
  const application = await useDatabase(oldest, source.name);
  await application.query("insert into no_key values (4)");
  if (action === "terminate") return;
  expect(error).toMatchObject({ code: "fence-incomplete", message: expect.stringContaining(prepared) });
  expect(await target.query("select from godwit.done where job = 'fence'")).toEqual([]);
  await application.query(`commit prepared '${prepared}'`);
  await act(site.tasks, site.control, id, "terminate");
  await reaches(site, id, "terminated");
  await application.query("insert into no_key values (5)"); // nobody is ended for a fence that is down
});

it("what acts on rows comes with the hand-over: a run that dies before it leaves nothing that would act on what comes later", async () => {
  const databases = { source: await createDatabase(oldest), target: await createDatabase(newest) };
  const { source, target } = databases;
  await source.query(`create table orders (id int primary key, note text); insert into orders select n from generate_series(1, 100) n; create table no_key (a int); create table audit (id int);
    create function note() returns trigger language plpgsql as $$ begin insert into public.audit values (new.id); return new; end $$;
    create trigger noting after insert on orders for each row execute procedure note(); alter table orders enable always trigger noting`);
  const id = await completeAndDie(databases, "aligned");
  await source.query("insert into orders values (101), (102)");
  await worker(site);
  await reaches(site, id, "succeeded", "failed");
  expect(await target.query("select id from audit order by id")).toEqual([{ id: 101 }, { id: 102 }]);
  expect(await target.query("select tgenabled::text as state from pg_trigger where tgname = 'noting'")).toEqual([{ state: "A" }]);
});

it("a run that dies between its plan for the changes and the note of it does that again", async () => {
  const databases = await shopPair();
  const { id } = await create(site, databases, { options: { type: "full+incremental", incremental: INCREMENTAL_DEFAULTS } });
  const first = await worker(site, { GODWIT_FAILPOINT: "stream plan kept" });
  await act(site.tasks, site.control, id, "start");
  await expect.poll(() => first.child.exitCode ?? first.child.signalCode, { timeout: 30_000 }).toBe("SIGKILL");
  await worker(site);
  expect(await reaches(site, id, "readyToComplete", "failed")).toMatchObject({ state: "readyToComplete", run: 1 });
  await act(site.tasks, site.control, id, "terminate");
  await reaches(site, id, "terminated");
});

it("roles that a run has created which then died are counted", async () => {
  const databases = await shopPair();
  const role = `counted_${process.pid}`;
  await databases.source.query(`create role ${role}`);
  try {
    const { id } = await create(site, databases, {
      options: {
        include: [
          { kind: "role", pattern: role },
          { kind: "schema", pattern: "public" },
        ],
      },
    });
    const first = await worker(site, { GODWIT_FAILPOINT: "roles created" });
    await act(site.tasks, site.control, id, "start");
    await expect.poll(() => first.child.exitCode ?? first.child.signalCode, { timeout: 30_000 }).toBe("SIGKILL");
    await worker(site);
    expect(await reaches(site, id, "succeeded", "failed", "checkFailed")).toMatchObject({ state: "succeeded", summary: { roles: 1 } });
    expect((await site.tasks.logs(id)).filter(({ message }) => message.includes("is left as it is"))).toEqual([]);
  } finally {
    await databases.source.query(`drop role ${role}`);
    await databases.target.query(`drop role if exists ${role}`);
  }
});
