import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { expect, it } from "vitest";
import { startServer } from "../../../src/embedded/server.ts";
import { type MigrationEvent, newProgress } from "../../../src/task/events.ts";
import { shortMemory } from "../../../src/task/task-memory.ts";
import { parseEndpoint } from "../../../src/wire/endpoint.ts";
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

it.runIf(newest >= 13)("of an instance, a database that is followed already is looked after also while another one is copied by a later run", async () => {
  await using source = await startServer({ major: newest, settings: { wal_level: "logical" } });
  await using target = await startServer({ major: newest });
  const run = async (uri: string, sql: string): Promise<void> => {
    const client = new Client({ connectionString: uri, application_name: "test" });
    await client.connect();
    await client.query(sql).finally(async () => await client.end());
  };
  await run(source.uri(), "create database one");
  await run(source.uri(), "create database two");
  await run(source.uri("one"), "create table p (id int not null, v text) partition by range (id); create table p1 partition of p for values from (0) to (100)");
  // The copy of the second one waits for a role of the target.
  await run(
    source.uri("two"),
    `create function passes(value int) returns bool language plpgsql as $$ begin
       while value = 1 and pg_catalog.inet_server_port() = ${new URL(target.uri()).port} and not exists (select from pg_catalog.pg_roles where rolname = 'gate') loop perform pg_catalog.pg_sleep(0.05); end loop; return true; end $$;
     create domain gated as int check (public.passes(value)); create table g (id int primary key, gate gated); insert into g values (1, 1)`,
  );
  const memory = shortMemory();
  const asked = new AbortController();
  const moving = async (onCopy: () => void, signal: AbortSignal): Promise<unknown> => {
    const report = (event: MigrationEvent): void => {
      if (event.event === "step" && event.step === "copy" && event.state === "started" && event.database === "two") onCopy();
    };
    const incremental = { conflicts: "stop", untilCaughtUp: false, fence: false } as const;
    const ends = [parseEndpoint("source", source.uri("postgres")), parseEndpoint("target", target.uri("postgres"))] as const;
    const options = taskOptions(...ends, { type: "full+incremental", instance: true, concurrency: 1, acceptAlarms: true, incremental });
    return await migrate(options, { report, progress: newProgress(), signal }, memory, { caughtUp: async () => asked.abort(), asked: asked.signal });
  };
  const cut = new AbortController();
  await expect(moving(() => cut.abort(new Error("cut off")), cut.signal)).rejects.toThrow("cut off");
  expect(memory.has("following one")).toBe(true);
  const opened = Promise.withResolvers<void>();
  const moved = moving(() => opened.resolve(), new AbortController().signal);
  await Promise.race([opened.promise, moved]);
  await run(source.uri("one"), "create table p2 partition of p for values from (100) to (200); insert into p values (150, 'x')");
  await expect.poll(async () => await run(source.uri("one"), "update p set v = 'y' where id = 150").then(() => "done", String)).toBe("done"); // prettier-ignore
  await run(target.uri(), "create role gate");
  await expect(moved).resolves.toMatchObject({ state: "succeeded", databases: 2 });
});
