import { expect } from "vitest";
import type { Failpoint } from "../../../src/errors/failpoint.ts";
import { act } from "../../../src/task/task-actions.ts";
import { createDatabase } from "../../kit/databases.ts";
import { killLeftovers, pause } from "../engine/processes.ts";
import { type Pair, type TaskSite, create, expectEqual, newest, noSessions, oldest, reaches, worker } from "./task-site.ts";

/** A bit of everything that has an edge: parts of a large table, small tables, large objects, indexes, a foreign key to validate, a view, a sequence. */
async function pairOfAll(): Promise<Pair> {
  const [source, target] = [await createDatabase(oldest), await createDatabase(newest)];
  await source.query(`create table parent (id int primary key, note text); insert into parent select i, md5(i::text) from generate_series(1, 20000) i;
    create table child (id int primary key, parent int references parent, body text); insert into child select i, i % 20000 + 1, repeat(md5(i::text), 4) from generate_series(1, 60000) i;
    create index on child (parent); create index on child (md5(body)); create index on child (md5(body), id); create index on child (body); create index on child (id, body);
    create function patient(text) returns bool language sql as 'select true'; create domain slow as text check (public.patient(value));
    do $$ begin for n in 1..6 loop execute format('create table t%s (id int, body slow); alter table t%s alter body set storage external; insert into t%s select i, repeat(''x'', 200000) from generate_series(1, 12) i', n, n, n);
      execute format('create index on t%s (id)', n); end loop; end $$;
    create or replace function patient(text) returns bool language plpgsql as 'begin perform pg_catalog.pg_sleep(0.02); return true; end';
    create sequence s; select nextval('s') from generate_series(1, 7); create materialized view v as select count(*) as n from parent;
    select lo_from_bytea(0, decode(repeat('ab', 5000), 'hex')) from generate_series(1, 3)`);
  return { source, target };
}

/**
 * Kills a worker at the failpoint and lets others go on: the result is equal. Returns the seconds from its death until others have all that it had in its hands (the task's run, its
 * lanes' jobs), and something was done since.
 */
export async function dieAt(site: TaskSite, failpoint: Failpoint, workers: number): Promise<number> {
  // With several workers another one may have taken every job that would have led there.
  for (let attempt = 1; attempt <= 5; attempt++) {
    const seconds = await tryToDieAt(site, failpoint, workers);
    if (seconds !== undefined) return seconds;
  }
  throw new Error(`${failpoint}: it never came by`);
}

async function tryToDieAt(site: TaskSite, failpoint: Failpoint, workers: number): Promise<number | undefined> {
  const databases = await pairOfAll();
  const { id } = await create(site, databases, { options: { concurrency: 3 } });
  const dying = await worker(site, { GODWIT_FAILPOINT: failpoint });
  await act(site.tasks, site.control, id, "start");
  const isDead = (): boolean => dying.child.signalCode !== null;
  for (let attempt = 0; attempt < 300 && !isDead() && (await site.tasks.find(id)).state === "checking"; attempt++) await pause(10);
  // The others come when it has the task, so that it can be the one that comes by.
  const executor = await executorOf(site, id);
  const others = Array.from({ length: workers - 1 }, async () => await worker(site));
  await Promise.all(others);
  for (let attempt = 0; attempt < 6000 && !isDead() && (await site.tasks.find(id)).state !== "succeeded"; attempt++) await pause(5);
  if (!isDead()) {
    await killLeftovers();
    return undefined;
  }
  expect(dying.child.signalCode).toBe("SIGKILL");
  const died = performance.now();
  const before = await progressOf(site, id);
  if (workers === 1) await worker(site);
  while (((await progressOf(site, id)) === before || (await holds(site, id, executor))) && performance.now() - died < 30_000) await pause(10);
  const seconds = (performance.now() - died) / 1000;
  expect(await reaches(site, id, "succeeded", "failed", "checkFailed"), failpoint).toMatchObject({ state: "succeeded", summary: { databases: 1, tables: 8, sequences: 1 } });
  await expectEqual(databases);
  await noSessions(databases);
  return seconds;
}

/** Who has the task's run. */
async function executorOf({ store }: TaskSite, id: string): Promise<string> {
  for (let attempt = 0; attempt < 500; attempt++) {
    const { rows } = await store.pool.query<{ executor: string | null }>("select executor_id as executor from dbos.workflow_status where workflow_uuid = $1", [`task-${id}-1`]);
    if (typeof rows[0]?.executor === "string" && rows[0].executor !== "") return rows[0].executor;
    await pause(10);
  }
  throw new Error("nobody took the task");
}

/** Whether a worker that is dead still has the task's run, or a job of it. */
async function holds({ store }: TaskSite, id: string, executor: string): Promise<boolean> {
  const { rows } = await store.pool.query<{ holds: boolean }>(
    `select exists (select from dbos.workflow_status where workflow_uuid = $2 and executor_id = $1 and status = 'PENDING')
         or exists (select from godwit.task_job j where j.task_id = $3 and j.state = 'claimed'
                       and not exists (select from godwit.task_lane l where l.token = j.token and l.executor <> $1)) as holds`,
    [executor, `task-${id}-1`, id],
  );
  return rows[0]!.holds;
}

/** Changes with whatever a task does. */
async function progressOf({ store }: TaskSite, id: string): Promise<string> {
  const { rows } = await store.pool.query<{ at: string }>(
    `select concat_ws(' ', (select max(l.id) from godwit.task_log l where task_id = $1), (select max(number) * 100000 + max(ended) from godwit.task_stage where task_id = $1),
       (select string_agg(token, ' ') from godwit.task_lane where task_id = $1 and doing is not null)) as at`,
    [id],
  );
  return rows[0]?.at ?? "";
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
