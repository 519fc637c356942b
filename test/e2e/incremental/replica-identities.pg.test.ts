import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { type MigrationEvent, newProgress } from "../../../src/task/events.ts";
import { shortMemory } from "../../../src/task/task-memory.ts";
import { taskOptions } from "../../kit/checks.ts";
import { type TestDatabase, createDatabase } from "../../kit/databases.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";
import { migrate } from "../../kit/migrate.ts";

const newest = TEST_MAJORS.at(-1)!;

/** Follows until `during` is through; `onCopy` works while the data is copied. Returns the warnings. */
async function follow(source: TestDatabase, target: TestDatabase, during: () => Promise<void>, onCopy: () => Promise<void> = async () => undefined): Promise<string[]> {
  const asked = new AbortController();
  const warnings: string[] = [];
  let copying: Promise<void> | undefined;
  const caughtUp = async (): Promise<void> => {
    await copying;
    await during();
    asked.abort();
  };
  const report = (event: MigrationEvent): void => {
    if (event.event === "notice" && event.level === "warning") warnings.push(event.message);
    if (event.event === "step" && event.step === "copy" && event.state === "started") copying ??= onCopy();
  };
  const incremental = { conflicts: "stop", untilCaughtUp: false, fence: false } as const;
  const options = taskOptions(source.endpoint("source"), target.endpoint("target"), { type: "full+incremental", concurrency: 2, acceptAlarms: true, incremental });
  await migrate(options, { report, progress: newProgress(), signal: new AbortController().signal }, shortMemory(), { caughtUp, asked: asked.signal });
  return warnings;
}

/** The application tries again and again; resolves when the source lets it. */
async function isLet(source: TestDatabase, sql: string): Promise<void> {
  await expect.poll(async () => await source.query(sql).then(() => "done", String), { timeout: 30_000, interval: 200 }).toBe("done"); // prettier-ignore
}

async function expectEqual(source: TestDatabase, target: TestDatabase, table: string): Promise<void> {
  const contents = `select t::text as row from ${table} t order by 1`;
  expect(await target.query(contents)).toEqual(await source.query(contents));
  expect(await source.query("select relname from pg_class where relreplident <> 'd' and relkind = 'r' and relnamespace = 'public'::regnamespace")).toEqual([]);
}

it.runIf(newest >= 13)("a partition without a key that is made while the data is copied takes updates and deletes soon, not when the copy is over", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  const gate = 47_110_000 + (process.pid % 10_000);
  await source.query(`create function passes(value int) returns bool language plpgsql as $$ begin if value = 1 then perform pg_catalog.pg_advisory_xact_lock_shared(${gate}); end if; return true; end $$;
    create domain gated as int check (public.passes(value)); create table g (id int primary key, gate gated); insert into g values (1, 1);
    create table p (id int not null, v text) partition by range (id); create table p1 partition of p for values from (0) to (100); insert into p values (1, 'x')`);
  await target.query(`select pg_advisory_lock(${gate})`);
  const warnings = await follow(
    source,
    target,
    async () => undefined,
    async () => {
      await sleep(300);
      await source.query("create table p2 partition of p for values from (100) to (200); insert into p values (150, 'made meanwhile'), (151, 'x')");
      await isLet(source, "update p set v = v || '.' where id = 150");
      await source.query("delete from p where id = 151");
      await target.query(`select pg_advisory_unlock(${gate})`);
    },
  );
  expect(warnings).toContainEqual(expect.stringContaining("public.p2 had no replica identity, and has full until the task ends"));
  await expectEqual(source, target, "p");
});

it.each(TEST_MAJORS)("PostgreSQL %i: a table whose index was dropped, by which its changes are told, gets another identity, and in the end the one of before", async (major) => {
  const [source, target] = [await createDatabase(major), await createDatabase(newest)];
  await source.query("create table k (code text not null, v int); create unique index k_code on k (code); insert into k values ('a', 1), ('b', 2)");
  const warnings = await follow(source, target, async () => {
    await source.query("update k set v = 10 where code = 'a'; drop index k_code");
    await isLet(source, "update k set v = 11 where code = 'a'");
    await source.query("delete from k where code = 'b'; insert into k values ('c', 3)");
  });
  expect(warnings).toEqual(["public.k had no replica identity, and has full until the task ends; the source may have refused its updates and deletes until now"]);
  await expectEqual(source, target, "k");
});
