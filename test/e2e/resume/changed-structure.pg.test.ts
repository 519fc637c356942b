import { describe, expect, it } from "vitest";
import { type MigrationEvent, newProgress } from "../../../src/task/events.ts";
import { type TaskMemory, shortMemory } from "../../../src/task/task-memory.ts";
import type { MigrationType } from "../../../src/plan/migration-type.ts";
import { taskOptions } from "../../kit/checks.ts";
import { type TestDatabase, createDatabase } from "../../kit/databases.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";
import { migrate } from "../../kit/migrate.ts";

const newest = TEST_MAJORS.at(-1)!;
/** What passes this gate waits on the target as long as somebody holds its lock. */
const GATE = 4711;

/** `big` is a chunk of its own, the others wait at the gate together. */
const SCHEMA = `
  create function passes(value int) returns bool language plpgsql as $$ begin if value = 1 then perform pg_catalog.pg_advisory_xact_lock_shared(${GATE}); end if; return true; end $$;
  create domain gated as int check (public.passes(value));
  create table g (id int primary key, gate gated, v text); insert into g values (1, 1, 'g');
  create table p (id int primary key, v text) partition by range (id); create table p1 partition of p for values from (0) to (100); insert into p values (1, 'x');
  create table big (id int primary key, body text); insert into big select i, repeat(md5(i::text), 30) from generate_series(1, 9500) i; create index big_body on big (md5(body)); analyze`;

interface Run {
  readonly error: { readonly code?: string; readonly message?: string } | undefined;
  readonly notices: string;
}

async function run(source: TestDatabase, target: TestDatabase, type: MigrationType, memory: TaskMemory, during: (cut: AbortController) => Promise<void>): Promise<Run> {
  const [cut, asked] = [new AbortController(), new AbortController()];
  const notices: string[] = [];
  let began: Promise<void> | undefined;
  const report = (event: MigrationEvent): void => {
    if (event.event === "notice") notices.push(event.message);
    if (event.event === "step" && event.step === "copy" && event.state === "started") began ??= during(cut);
  };
  const options = taskOptions(source.endpoint("source"), target.endpoint("target"), {
    type,
    concurrency: 2,
    acceptAlarms: true,
    incremental: { conflicts: "stop", untilCaughtUp: false, fence: false },
  });
  const hooks = { report, progress: newProgress(), signal: cut.signal };
  const error = await migrate(options, hooks, memory, { caughtUp: async () => asked.abort(), asked: asked.signal }).then(
    () => undefined,
    (thrown: unknown) => thrown as Run["error"],
  );
  await began;
  return { error, notices: notices.join("\n") };
}

/** A migration of a new database that is cut off when one chunk is there and the other one waits. */
async function cutOff(type: MigrationType, meanwhile: string): Promise<{ source: TestDatabase; target: TestDatabase; goOn: () => Promise<Run> }> {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  await source.query(SCHEMA);
  await target.query(`select pg_advisory_lock(${GATE})`);
  const memory = shortMemory();
  const first = await run(source, target, type, memory, async (cut) => {
    await expect.poll(async () => await target.query("select count(*)::int as n from big"), { timeout: 20_000 }).toEqual([{ n: 9500 }]);
    cut.abort(new Error("cut off"));
  });
  expect(first.error).toBeDefined();
  await source.query(meanwhile);
  await target.query(`select pg_advisory_unlock(${GATE})`);
  return { source, target, goOn: async () => await run(source, target, type, memory, async () => undefined) };
}

async function expectSame(source: TestDatabase, target: TestDatabase, ...tables: string[]): Promise<void> {
  for (const table of tables) {
    const query = `select md5(string_agg(t::text, ' ' order by t::text)) as all from ${table} t`;
    expect(await target.query(query)).toEqual(await source.query(query));
  }
}

/** Rights, comments and the like, an index that goes and one that comes, a new table and a new view. */
const HARMLESS = `grant select on p to public; comment on table g is 'new'; drop index big_body; create index p_v on p (v); create view w as select * from p;
  create function f() returns int language sql as 'select 1'; insert into p values (2, 'y')`;

describe("the source's structure changes while the data is copied, and the run is cut off", () => {
  it.each(["full", "full+incremental"] as const)("%s: what does not touch the tables is told", async (type) => {
    const { source, target, goOn } = await cutOff(type, HARMLESS);
    const { error, notices } = await goOn();
    expect(error).toBeUndefined();
    expect(notices).toMatch(/moved as it was then; new: .*VIEW public\.w.*; gone: INDEX public\.big_body/);
    expect(notices).toMatch(/ACL public\.TABLE p/);
    await expectSame(source, target, "g", "p", "big");
    expect(await target.query("select indexrelid::regclass::text as name from pg_index where indexrelid::regclass::text in ('big_body', 'p_v')")).toEqual([{ name: "big_body" }]);
  });

  it("full+incremental: a new partition comes by the stream, where chunks are kept", async () => {
    const { source, target, goOn } = await cutOff(
      "full+incremental",
      "create table p2 partition of p for values from (100) to (200); insert into p values (150, 'x'); update p set id = 151 where id = 1",
    );
    const { error, notices } = await goOn();
    expect(error).toBeUndefined();
    expect(notices).toMatch(/chunks stay/);
    await expectSame(source, target, "g", "p", "p2", "big");
  });

  it("full: a new partition stops it, as no stream brings its rows", async () => {
    const { source, target, goOn } = await cutOff("full", "create table p2 partition of p for values from (100) to (200); insert into p values (150, 'x')");
    expect((await goOn()).error).toMatchObject({ code: "structure-changed", message: expect.stringMatching(/: new, .*: public\.p2$/) as string });
    await source.query("drop table p2");
    expect((await goOn()).error).toBeUndefined();
    await expectSame(source, target, "g", "p", "big");
  });

  it.each([
    ["a new column", "alter table g add column n int", "alter table g drop column n"],
    ["a renamed table", "alter table g rename to h", "alter table h rename to g"],
    ["a column of another type", "alter table g alter v type varchar(10)", "alter table g alter v type text"],
  ])("full+incremental: %s stops it, until it is taken back", async (_, meanwhile, back) => {
    const { source, target, goOn } = await cutOff("full+incremental", meanwhile);
    expect((await goOn()).error).toMatchObject({ code: "structure-changed", message: expect.stringMatching(/: dropped, renamed, or with other columns .*: public\.g$/) as string });
    await source.query(back);
    const { error: told, notices } = await goOn();
    const error = told?.code === "schema-changed" ? (await goOn()).error : told; // that the table was rewritten is told once
    expect(error).toBeUndefined();
    expect(notices).toMatch(/chunks stay/);
    await expectSame(source, target, "g", "p", "big");
  });
});
