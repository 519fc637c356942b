import { rm } from "node:fs/promises";
import { afterEach, beforeEach, expect } from "vitest";
import { type Control, openControl } from "../../../src/engine/control.ts";
import { openSecrets } from "../../../src/engine/secrets.ts";
import { type Store, openStore } from "../../../src/engine/store.ts";
import type { MigrationOptions } from "../../../src/plan/migration-options.ts";
import type { TaskState } from "../../../src/task/states.ts";
import type { Task } from "../../../src/task/task-record.ts";
import { type TaskStore as Tasks, TaskStore } from "../../../src/task/task-store.ts";
import { StoreQueries } from "../../../src/task/store-queries.ts";
import { verifyTables } from "../../../src/verify/verify.ts";
import type { Endpoint } from "../../../src/wire/endpoint.ts";
import { taskOptions } from "../../kit/checks.ts";
import { type TestDatabase, createDatabase } from "../../kit/databases.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";
import { newStateDirectory } from "../../kit/state-directory.ts";
import { type Process, killLeftovers, pause, processesOf, run } from "../engine/processes.ts";

/** A store of its own for each test of a file, in a directory of its own, and workers as processes. */
export interface TaskSite {
  dir: string;
  store: Store;
  control: Control;
  tasks: Tasks;
}

export interface Pair {
  readonly source: TestDatabase;
  readonly target: TestDatabase;
}

export const [oldest, newest] = [TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!];

/** To be called at the top of a test file. */
export function taskSite(): TaskSite {
  const site = {} as TaskSite;
  beforeEach(async () => {
    site.dir = newStateDirectory();
    site.store = await openStore({ dir: site.dir });
    site.control = await openControl(site.store);
    site.tasks = new TaskStore(new StoreQueries(site.store), await openSecrets({ dir: site.dir }));
  });
  afterEach(async () => {
    await killLeftovers();
    await site.control.close();
    await pause(1000); // the last one stops the server, and killed workers' connections count until the server has seen their end
    await site.store.close();
    for (let attempt = 0; attempt < 500 && (await processesOf(site.dir)).length > 0; attempt++) await pause(20);
    const left = await processesOf(site.dir);
    await rm(site.dir, { recursive: true, force: true, maxRetries: 5 });
    // oxlint-disable-next-line vitest/no-standalone-expect -- it belongs to every test
    expect(left).toEqual([]);
  });
  return site;
}

/** A worker of the site's store, ready. */
export async function worker({ dir }: TaskSite, environment: Readonly<Record<string, string>> = {}): Promise<Process> {
  const started = run(new URL("worker-process.ts", import.meta.url), dir, environment);
  await started.saw("launched");
  return started;
}

/** Eight tables, too large to share a chunk, whose copy takes a while: each row is held up by a domain's check on the target. */
export async function slowPair(given?: Pair): Promise<Pair> {
  const { source, target } = given ?? { source: await createDatabase(oldest), target: await createDatabase(newest) };
  await source.query(`create function patient(text) returns bool language sql as 'select true'; create domain slow as text check (public.patient(value));
    do $$ begin for n in 1..8 loop execute format('create table t%s (id int primary key, body slow); alter table t%s alter body set storage external;
        insert into t%s select i, repeat(''x'', 200000) from generate_series(1, 15) i', n, n, n);
      execute format('create index on t%s (length(body))', n); end loop; end $$;
    create table parent (id int primary key); insert into parent select generate_series(1, 1000); create sequence s; select nextval('s') from generate_series(1, 7);
    create materialized view v as select count(*) as n from parent;
    create or replace function patient(text) returns bool language plpgsql as 'begin perform pg_catalog.pg_sleep(0.05); return true; end'`);
  return { source, target };
}

export async function create({ tasks }: TaskSite, { source, target }: Pair, more: CreateMore = {}): Promise<Task> {
  const { endpoints = {}, options = {}, ...rest } = more;
  const ends = { source: source.endpoint("source"), target: target.endpoint("target"), ...endpoints };
  return await tasks.create({ options: taskOptions(ends.source, ends.target, { concurrency: 2, acceptAlarms: true, ...options }), ...rest });
}

interface CreateMore {
  readonly scheduledAt?: Date;
  readonly rateLimit?: number;
  readonly retryForMs?: number;
  readonly options?: Partial<MigrationOptions>;
  /** Reached in another way: through a proxy. */
  readonly endpoints?: { readonly source?: Endpoint; readonly target?: Endpoint };
}

export async function reaches({ tasks }: TaskSite, id: string, ...states: TaskState[]): Promise<Task> {
  for (let attempt = 0; attempt < 3000; attempt++) {
    const task = await tasks.find(id).catch(() => undefined);
    if (task !== undefined && states.includes(task.state)) return task;
    await pause(40);
  }
  throw new Error(`still ${(await tasks.find(id)).state}:\n${(await tasks.logs(id)).map(({ message }) => message).join("\n")}`);
}

/** Until some chunks are there. */
export async function copied(target: TestDatabase, chunks: number): Promise<void> {
  for (let attempt = 0; attempt < 1000; attempt++) {
    const [row] = await target.query<{ n: number }>("select count(*)::int as n from godwit.done where job like 'chunk %'").catch(() => []);
    if ((row?.n ?? 0) >= chunks) return;
    await pause(20);
  }
  throw new Error("nothing is copied");
}

/** Content of every table and materialized view of schema public, indexes, foreign keys, the sequence s, and that no ledger is left. */
export async function expectEqual({ source, target }: Pair): Promise<void> {
  const rows = await source.query<{ name: string }>("select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'm')");
  const pairs = rows.map(({ name }) => ({ schema: "public", name, bytes: 0, withPartitions: false }));
  const result = await verifyTables(source.endpoint("source"), target.endpoint("target"), pairs, { concurrency: 2, signal: new AbortController().signal });
  expect(result).toMatchObject({ tables: rows.length, differences: [] });
  const facts = [
    "select last_value::int as n, is_called from s",
    "select count(*)::int as n from pg_index i join pg_class c on c.oid = i.indexrelid where c.relnamespace = 'public'::regnamespace and i.indisvalid",
    "select conname, pg_get_constraintdef(oid), convalidated from pg_constraint where contype = 'f' order by 1",
    "select loid::text, md5(string_agg(data, '' order by pageno)) from pg_largeobject group by 1 order by 1",
  ];
  for (const fact of facts) expect(await target.query(fact)).toEqual(await source.query(fact));
  expect(await target.query("select nspname from pg_namespace where nspname = 'godwit'")).toEqual([]);
}

export async function noSessions({ source, target }: Pair): Promise<void> {
  for (const database of [source, target]) {
    const left = async (): Promise<unknown[]> =>
      await database.query("select application_name from pg_stat_activity where datname = current_database() and application_name like 'godwit%'");
    await expect.poll(left, { timeout: 10_000, interval: 50 }).toEqual([]);
  }
}
