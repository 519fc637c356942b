import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { newProgress, type MigrationEvent, type MigrationSummary } from "../../../src/task/events.ts";
import { verifyTables } from "../../../src/verify/verify.ts";
import { taskOptions } from "../../kit/checks.ts";
import { type TestDatabase, createDatabase } from "../../kit/databases.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";
import { migrate } from "../../kit/migrate.ts";

const [oldest, newest] = [TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!];

/** Migrates while `during` works on the source, which is called when the changes are followed. */
async function follow(source: TestDatabase, target: TestDatabase, during: () => Promise<void>): Promise<{ summary: MigrationSummary; events: MigrationEvent[] }> {
  const asked = new AbortController();
  const events: MigrationEvent[] = [];
  const caughtUp = async (): Promise<void> => {
    await during();
    asked.abort();
  };
  const options = taskOptions(source.endpoint("source"), target.endpoint("target"), { type: "full+incremental", concurrency: 2, acceptAlarms: true });
  const hooks = { report: (event: MigrationEvent) => void events.push(event), progress: newProgress(), signal: new AbortController().signal };
  const summary = await migrate(options, hooks, undefined, { caughtUp, asked: asked.signal });
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
