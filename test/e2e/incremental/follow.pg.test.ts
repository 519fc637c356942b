import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { newProgress, type MigrationProgress, type MigrationEvent, type MigrationSummary } from "../../../src/task/events.ts";
import { type TaskMemory, shortMemory } from "../../../src/task/task-memory.ts";
import { openSession } from "../../../src/wire/session.ts";
import { verifyTables } from "../../../src/verify/verify.ts";
import type { ConflictPolicy } from "../../../src/stream/conflict-policy.ts";
import { taskOptions } from "../../kit/checks.ts";
import { type TestDatabase, createDatabase } from "../../kit/databases.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";
import { migrate } from "../../kit/migrate.ts";

const [oldest, newest] = [TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!];

/** Migrates while `during` works on the source, which is called when the changes are followed. */
async function follow(
  source: TestDatabase,
  target: TestDatabase,
  during: (progress: MigrationProgress) => Promise<void>,
  memory: TaskMemory = shortMemory(),
  conflicts: ConflictPolicy = "stop",
  fence = false,
): Promise<{ summary: MigrationSummary; events: MigrationEvent[] }> {
  const asked = new AbortController();
  const events: MigrationEvent[] = [];
  const progress = newProgress();
  const caughtUp = async (): Promise<void> => {
    await during(progress);
    asked.abort();
  };
  const options = taskOptions(source.endpoint("source"), target.endpoint("target"), {
    type: "full+incremental",
    concurrency: 2,
    acceptAlarms: true,
    incremental: { conflicts, untilCaughtUp: false, fence },
  });
  const hooks = { report: (event: MigrationEvent) => void events.push(event), progress, signal: new AbortController().signal };
  const summary = await migrate(options, hooks, memory, { caughtUp, asked: asked.signal });
  return { summary, events };
}

async function expectEqual(source: TestDatabase, target: TestDatabase): Promise<void> {
  const rows = await source.query<{ name: string }>("select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'm')");
  const pairs = rows.map(({ name }) => ({ schema: "public", name, bytes: 0, withPartitions: false }));
  const result = await verifyTables(source.endpoint("source"), target.endpoint("target"), pairs, { concurrency: 2, signal: new AbortController().signal });
  expect(result).toMatchObject({ tables: rows.length, differences: [] });
  expect(await target.query("select nspname from pg_namespace where nspname = 'godwit'")).toEqual([]);
  expect(await source.query("select slot_name from pg_replication_slots where database = current_database()")).toEqual([]);
}

describe.each(TEST_MAJORS)("changes of PostgreSQL %i", (major) => {
  it("arrive, and Complete aligns the rest", async () => {
    const source = await createDatabase(major);
    const target = await createDatabase(newest);
    await source.query(`create table t (id int primary key, body text, n numeric); insert into t select i, repeat('x', i % 50), i from generate_series(1, 2000) i;
      create table keyless (a int, b text); insert into keyless values (1, 'a'), (1, 'a'), (2, null); create sequence s; create unlogged table u (a int);
      create materialized view v as select count(*) as n from t; create table p (id int primary key, at timestamptz default now());
      create function touch() returns trigger language plpgsql as 'begin new.body := new.body || ''!''; return new; end'; create trigger touch before update on t for each row execute procedure touch()`);
    const { summary } = await follow(source, target, async () => {
      await source.query("insert into t select i, 'new', i from generate_series(2001, 3000) i; update t set body = 'changed' where id % 3 = 0; delete from t where id % 7 = 0");
      await source.query(
        "update t set id = id + 100000 where id < 100; delete from keyless where ctid = (select min(ctid) from keyless where a = 1); update keyless set b = 'z' where a = 2",
      );
      await source.query(
        "insert into u values (1), (2); select nextval('s') from generate_series(1, 5); begin; insert into p values (1); savepoint a; insert into p values (2); rollback to a; commit",
      );
      await source.query("refresh materialized view v");
      await sleep(300);
    });
    expect(summary).toMatchObject({ state: "succeeded", followed: { changes: { skipped: 0 } } });
    await expectEqual(source, target);
    expect(await target.query("select last_value::int as n from s")).toEqual([{ n: 5 }]);
  });
});

it("an idle database is caught up at once, with a lag of 0", async () => {
  const source = await createDatabase(oldest);
  const target = await createDatabase(newest);
  await source.query("create table t (id int primary key)");
  const { summary } = await follow(source, target, async () => undefined);
  expect(summary.followed).toMatchObject({ changes: { received: 0, applied: 0, skipped: 0 } });
  await expectEqual(source, target);
});

it("partitions that are made meanwhile are made on the target, too", async () => {
  const source = await createDatabase(newest);
  const target = await createDatabase(newest);
  await source.query(`create table p (id int, at date, primary key (id, at)) partition by range (at); create table p1 partition of p for values from ('2025-01-01') to ('2026-01-01');
    insert into p select i, date '2025-01-01' + i % 300 from generate_series(1, 100) i; create table q (a int) partition by list (a); create table q1 partition of q for values in (1)`);
  const { events } = await follow(source, target, async () => {
    await source.query(
      "create table p2 partition of p for values from ('2026-01-01') to ('2027-01-01'); insert into p select i, date '2026-01-01' + i from generate_series(1, 100) i",
    );
    await source.query("create table q2 partition of q for values in (2); insert into q values (1), (2), (2)");
    // It gets a replica identity within seconds, as it has no key.
    await expect.poll(async () => await source.query("select relreplident as identity from pg_class where relname = 'q2'"), { timeout: 20_000 }).toEqual([{ identity: "f" }]);
    await source.query("delete from q where ctid = (select min(ctid) from q2) and tableoid = 'q2'::regclass; update p set id = id + 1000 where at > '2026-03-01'");
  });
  expect(events).toContainEqual(expect.objectContaining({ event: "notice", message: expect.stringContaining("p2 was made at the source") }));
  await expectEqual(source, target);
  expect(await source.query("select relreplident as identity from pg_class where relname = 'q2'")).toEqual([{ identity: "d" }]);
});

it("the lag is told also while something at the source waits for a lock", async () => {
  const source = await createDatabase(newest);
  const target = await createDatabase(newest);
  await source.query("create table p (a int) partition by list (a); create table t (id int primary key)");
  await follow(source, target, async (progress) => {
    await using reader = await openSession(source.endpoint("source"));
    await using locker = await openSession(target.endpoint("target"));
    await source.query("create table p1 partition of p for values in (1)");
    await reader.query("begin; select from public.p1"); // in the way of its replica identity
    await expect.poll(() => progress.blocked?.text, { timeout: 20_000 }).toContain("p1");
    await locker.query("begin; lock table public.t");
    await source.query("insert into t values (1)");
    await expect.poll(() => progress.stream?.lagSeconds, { timeout: 5000 }).toBeGreaterThan(0.5);
    expect(progress.stream?.lagBytes).toBeGreaterThan(0);
    await locker.query("rollback");
    await expect.poll(() => progress.stream?.lagSeconds, { timeout: 5000 }).toBe(0);
    await reader.query("rollback");
    await source.query("insert into p values (1)");
  });
  await expectEqual(source, target);
});

it("partitions that are made in the middle of a transaction are made in their place of it", async () => {
  const source = await createDatabase(newest);
  const target = await createDatabase(newest);
  await source.query(`create table p (id int primary key, v text) partition by range (id); create table p1 partition of p for values from (0) to (1000); create table pd partition of p default;
    insert into p select i, 'x' from generate_series(1, 3000) i; create table keep (like p)`);
  const { summary } = await follow(source, target, async () => {
    // Only when its rows have left the default partition.
    await source.query(
      "begin; insert into keep select * from pd where id < 2000; delete from pd where id < 2000; create table p2 partition of p for values from (1000) to (2000); insert into p select * from keep; commit",
    );
    // Behind more than a batch, for which the target's transaction has locked the default partition.
    await source.query(
      "begin; insert into p select i, repeat('x', 1000) from generate_series(10000, 40000) i; create table p3 partition of p for values from (1000000) to (2000000); insert into p values (1500000, 'new'); commit",
    );
    await expect.poll(async () => await target.query("select id from p where id > 1000000"), { timeout: 15_000 }).toEqual([{ id: 1500000 }]);
  });
  expect(summary).toMatchObject({ state: "succeeded", followed: { changes: { received: 33_002 } } });
  await expectEqual(source, target);
});

it("a table that is altered stops the task before any of it is applied; altered on the target too, it goes on", async () => {
  const source = await createDatabase(oldest);
  const target = await createDatabase(newest);
  await source.query("create table t (id int primary key, body text); insert into t values (1, 'a')");
  const memory = shortMemory();
  const error = follow(
    source,
    target,
    async () => {
      for (const sql of ["update t set body = 'before'", "alter table t add extra int", "update t set extra = 5"]) await source.query(sql);
      await sleep(3000); // the run ends when this does
    },
    memory,
  );
  await expect(error).rejects.toMatchObject({ code: "schema-changed", object: expect.stringContaining("t") });
  expect(await target.query("select * from t")).toEqual([{ id: 1, body: "before" }]);
  await target.query("alter table t add extra int");
  await follow(source, target, async () => await sleep(200), memory);
  await expectEqual(source, target);
  expect(await target.query("select * from t")).toEqual([{ id: 1, body: "before", extra: 5 }]);
});

it("what was dropped, renamed or altered on both sides does not hinder Complete; what was on one side only stops it before the fence", async () => {
  const source = await createDatabase(oldest);
  const target = await createDatabase(newest);
  await source.query(`create table a (id serial primary key); create table b (id serial primary key); create table c (id serial primary key, v text); create unlogged table u (id int, v text);
    create unlogged table gone (id int); create materialized view v as select count(*) as n from a; insert into a default values; insert into u values (1, 'a')`);
  const memory = shortMemory();
  const fence = async (): Promise<unknown> =>
    await source.query("select setconfig from pg_db_role_setting where setdatabase = (select oid from pg_database where datname = current_database())");
  const error = follow(
    source,
    target,
    async () => {
      for (const database of [source, target]) {
        await database.query(
          "drop table b; alter table c rename to cc; drop table gone; alter table u rename to uu; alter table uu add w int default 1; drop materialized view v; alter table a add since int; create sequence a_since_seq owned by a.since; create sequence order_no",
        );
      }
      await source.query(
        "alter sequence c_id_seq rename to cc_id_seq; insert into cc (v) values ('x'), ('y'); insert into uu values (2, 'b', 5); select setval('a_since_seq', 42), setval('order_no', 43); create sequence lonely",
      );
    },
    memory,
    "stop",
    true,
  );
  await expect(error).rejects.toMatchObject({ code: "schema-changed", object: "public.cc_id_seq" });
  expect(await fence()).toEqual([]);
  await target.query("alter sequence c_id_seq rename to cc_id_seq");
  const { summary, events } = await follow(source, target, async () => undefined, memory);
  expect(summary.state).toBe("succeeded");
  const told = events.flatMap((event) => (event.event === "notice" && event.level === "warning" ? [event.message] : []));
  expect(told).toEqual([
    "unlogged table public.gone was dropped on both sides meanwhile",
    "sequence public.b_id_seq was dropped on both sides meanwhile",
    "sequence public.lonely came at the source meanwhile, and is not on the target",
    "materialized view public.v is not on the target any more",
  ]);
  await expectEqual(source, target);
  expect(await target.query("select last_value::int as n from cc_id_seq")).toEqual([{ n: 2 }]);
  expect(await target.query("select last_value::int as n from a_since_seq")).toEqual([{ n: 42 }]);
  expect(await target.query("select last_value::int as n from order_no")).toEqual([{ n: 43 }]);
  expect(await target.query("select * from uu order by id")).toEqual([
    { id: 1, v: "a", w: 1 },
    { id: 2, v: "b", w: 5 },
  ]);
});

/** As the source's walsender was told. */
async function isBinary(source: TestDatabase): Promise<boolean | undefined> {
  const [walsender] = await source.query<{ binary: boolean }>(
    "select query ~* 'binary' as binary from pg_stat_activity where datname = current_database() and backend_type = 'walsender' and query like 'START_REPLICATION%'",
  );
  return walsender?.binary;
}

it("values that came in binary format are told as text where rows conflict, and a column of another type may come", async () => {
  const source = await createDatabase(newest);
  const target = await createDatabase(newest);
  await source.query("create table t (id numeric primary key, at timestamptz, body bytea); insert into t select n + 0.50, '2026-01-01', '\\x00ff' from generate_series(1, 5) n");
  const { summary } = await follow(
    source,
    target,
    async () => {
      await source.query("update t set at = '2026-01-02 12:00+00' where id < 3");
      await expect.poll(async () => await target.query("select count(*)::int as n from t where at > '2026-01-02'"), { timeout: 10_000 }).toEqual([{ n: 2 }]);
      expect(await isBinary(source)).toBe(true);
      await target.query("delete from t where id = 2.5");
      await source.query("update t set body = '\\x01' where id between 2 and 4");
      await expect.poll(async () => await target.query("select action, key from godwit.conflict"), { timeout: 10_000 }).toEqual([{ action: "skipped", key: { id: "2.50" } }]);
      expect(await isBinary(source)).toBe(false);
      for (const database of [source, target]) await database.query("alter table t add tags text[]");
      await source.query("update t set tags = '{a,NULL,\"b c\"}' where id > 3");
      await expect.poll(async () => await target.query("select count(*)::int as n from t where tags is not null"), { timeout: 10_000 }).toEqual([{ n: 3 }]);
      await target.query("insert into t select * from (values (2.50, timestamptz '2026-01-02 12:00+00', bytea '\\x01')) v");
    },
    shortMemory(),
    "skip",
  );
  expect(summary.followed).toMatchObject({ changes: { skipped: 1 } });
  await expectEqual(source, target);
});

it("a column of another type ends the binary format by itself", async () => {
  const source = await createDatabase(newest);
  const target = await createDatabase(newest);
  await source.query("create table t (id int primary key, body text)");
  await follow(source, target, async () => {
    await source.query("insert into t values (1, 'a')");
    await expect.poll(async () => await target.query("select id from t"), { timeout: 10_000 }).toEqual([{ id: 1 }]);
    expect(await isBinary(source)).toBe(true);
    for (const database of [source, target]) await database.query("alter table t add tags int[]");
    await source.query("insert into t values (2, 'b', '{1,2}'), (3, null, null)");
    await expect.poll(async () => await target.query("select id from t order by 1"), { timeout: 10_000 }).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
    expect(await isBinary(source)).toBe(false);
  });
  await expectEqual(source, target);
});

it.runIf(newest >= 12)("what the target computes for changes, it computes under the settings of the source, as for the copy", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  for (const setting of ["timezone = 'Asia/Tokyo'", "datestyle = 'German'", "intervalstyle = 'iso_8601'", "extra_float_digits = 0", "bytea_output = 'escape'"])
    await source.query(`alter database ${source.name} set ${setting}`);
  const body = (expression: string): string => `immutable language plpgsql as 'begin return ${expression}; end'`;
  await using session = await openSession(source.endpoint("source"));
  const write = async (first: number): Promise<void> => {
    // Under the settings of the source's database, as its applications have them.
    for (const name of ["timezone", "datestyle", "intervalstyle", "extra_float_digits", "bytea_output"]) await session.query(`reset ${name}`);
    await session.query(
      `insert into public.t select i, timestamptz '2026-06-30 20:00:00+00', i + 0.1::float8 + 0.2, '\\xff00'::bytea, interval '-1 day 2 hours' from generate_series(${first}, ${first + 9}) i`,
    );
    await session.query(`update public.t set f = f * 3 where id = ${first}`);
  };
  await source.query(`create function day(timestamptz) returns text ${body("$1::date::text")}; create function txt(float8) returns text ${body("$1::text")};
    create function txt(bytea) returns text ${body("$1::text")}; create function txt(interval) returns text ${body("$1::text")};
    create table t (id int primary key, at timestamptz, f float8, b bytea, i interval, at_day text generated always as (public.day(at)) stored, f_text text generated always as (public.txt(f)) stored,
      b_text text generated always as (public.txt(b)) stored, i_text text generated always as (public.txt(i)) stored, check (public.day(at) = '01.07.2026'))`);
  await write(1);
  const { summary } = await follow(source, target, async () => await write(11));
  expect(summary).toMatchObject({ state: "succeeded", rows: 10 });
  await expectEqual(source, target);
  expect(await target.query("select distinct at_day, b_text, i_text from t")).toEqual([{ at_day: "01.07.2026", b_text: String.raw`\377\000`, i_text: "P-1DT2H" }]);
});
