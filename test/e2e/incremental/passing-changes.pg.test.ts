import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import { type MigrationEvent, newProgress } from "../../../src/task/events.ts";
import { type TaskMemory, shortMemory } from "../../../src/task/task-memory.ts";
import { verifyTables } from "../../../src/verify/verify.ts";
import { openSession } from "../../../src/wire/session.ts";
import { taskOptions } from "../../kit/checks.ts";
import { type TestDatabase, createDatabase } from "../../kit/databases.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";
import { migrate } from "../../kit/migrate.ts";
import { runCli, spawnCli } from "../../kit/spawn-cli.ts";
import { newStateDirectory, removeStateDirectories } from "../../kit/state-directory.ts";

// What is over before Godwit looks, or was there before it could: the catalog of that moment alone does not tell it.

const newest = TEST_MAJORS.at(-1)!;

afterAll(async () => await removeStateDirectories());

interface Follows {
  readonly memory?: TaskMemory;
  /** Called when the changes are followed; throws what ends the run. */
  readonly during?: (stop: AbortController) => Promise<void>;
  readonly onEvent?: (event: MigrationEvent) => void;
}

/** Follows until `during` is through, and completes. Resolves with what ended it. */
async function follow(source: TestDatabase, target: TestDatabase, { memory = shortMemory(), during, onEvent }: Follows): Promise<unknown> {
  const [asked, stop] = [new AbortController(), new AbortController()];
  const incremental = { conflicts: "stop", untilCaughtUp: false, fence: false } as const;
  const options = taskOptions(source.endpoint("source"), target.endpoint("target"), { type: "full+incremental", concurrency: 2, acceptAlarms: true, incremental });
  const caughtUp = async (): Promise<void> => {
    await during?.(stop);
    asked.abort();
  };
  try {
    await migrate(options, { report: (event) => onEvent?.(event), progress: newProgress(), signal: stop.signal }, memory, { caughtUp, asked: asked.signal });
    return undefined;
  } catch (error) {
    return error;
  }
}

/** What happens while a task is paused. */
async function followPaused(source: TestDatabase, target: TestDatabase, memory: TaskMemory, meanwhile: () => Promise<void>): Promise<unknown> {
  const paused = new Error("paused");
  expect(await follow(source, target, { memory, during: async (stop) => stop.abort(paused) })).toBe(paused);
  await meanwhile();
  return await follow(source, target, { memory });
}

async function expectEqual(source: TestDatabase, target: TestDatabase): Promise<void> {
  const tables = "select c.relname as name, c.relkind = 'p' as parted from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') order by 1";
  const rows = await source.query<{ name: string; parted: boolean }>(tables);
  const pairs = rows.map(({ name, parted }) => ({ schema: "public", name, bytes: 0, withPartitions: parted }));
  const result = await verifyTables(source.endpoint("source"), target.endpoint("target"), pairs, { concurrency: 2, signal: new AbortController().signal });
  expect(result).toMatchObject({ tables: rows.length, differences: [] });
}

const PARTITIONS = `create table p (id int not null primary key default 1, v text default 'x') partition by range (id); create table p1 partition of p for values from (0) to (100);
  insert into p select g, 'v' from generate_series(1, 50) g; create table other (a int)`;
const P3 = "create table p3 partition of p for values from (200) to (300)";
const P4 = "create table p4 partition of p for values from (300) to (400)";
const P2 = "create table p2 partition of p for values from (100) to (200)";

describe.runIf(newest >= 13)("partitions", () => {
  it("that came between the plan and the slot have rows that nobody brings", async () => {
    const [source, target, memory] = [await createDatabase(newest), await createDatabase(newest), shortMemory()];
    await source.query(PARTITIONS);
    // The slot waits for it, as for any transaction that has written.
    const holder = source.query("begin; insert into other values (2); select pg_sleep(1.5); commit");
    let made: Promise<unknown> | undefined;
    const onEvent = (event: MigrationEvent): void => {
      if (event.event === "step" && event.step === "structure") made ??= source.query(`${P2}; insert into p values (101), (102); ${P3}; ${P4}; insert into p values (301)`);
    };
    const during = async (): Promise<void> => void (await source.query("insert into p values (160), (201), (302)"));
    const error = await follow(source, target, { memory, onEvent, during });
    await Promise.all([holder, made]);
    expect(error).toMatchObject({
      code: "schema-changed",
      message: expect.stringMatching(/p2 is a new partition of public\.p that came when the copy was planned already.*p4 is/),
    });
    await target.query(`${P2}; ${P4}; insert into p values (101), (102), (301)`);
    expect(await follow(source, target, { memory })).toBeUndefined();
    await expectEqual(source, target);
  });

  it("that were attached while they were empty, as pg_partman makes them, are no matter", async () => {
    const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
    await source.query(PARTITIONS);
    const during = async (): Promise<void> => {
      await source.query("create table p3 (like p including all)");
      await source.query("alter table p attach partition p3 for values from (200) to (300)");
      await sleep(5500); // it is looked at every 5 s
      await source.query("insert into p values (250)");
      await source.query("update p set v = 'y' where id > 200");
    };
    expect(await follow(source, target, { during })).toBeUndefined();
    await expectEqual(source, target);
  });

  it.each(TEST_MAJORS.filter((major) => major >= 13))("that were attached empty, and had rows before that the walsender has seen, are no matter: %i", async (major) => {
    const [source, target] = [await createDatabase(major), await createDatabase(newest)];
    await source.query(PARTITIONS);
    const during = async (): Promise<void> => {
      await source.query("create table p3 (like p including all)");
      await source.query("insert into p3 values (200, 'a try')");
      await source.query("delete from p3");
      await sleep(500);
      await source.query("alter table p attach partition p3 for values from (200) to (300)");
      await sleep(12_000); // two looks
      await source.query("insert into p values (250)");
      await source.query("update p set v = 'y' where id > 200");
    };
    expect(await follow(source, target, { during })).toBeUndefined();
    await expectEqual(source, target);
  });

  const LOAD = "insert into p3 select g, 'loaded' from generate_series(200, 205) g";
  const ATTACH = "alter table p attach partition p3 for values from (200) to (300)";
  it.each<[string, (source: TestDatabase) => Promise<void>]>([
    [
      "by a transaction that began before the one that loaded them",
      async (source) => {
        await source.query("create table p3 (like p including all)");
        await using attaching = await openSession(source.endpoint("source"), { settings: { search_path: "public" } });
        await attaching.query("begin; insert into other values (1)");
        await source.query(LOAD);
        await attaching.query(`${ATTACH}; commit`);
      },
    ],
    [
      "by a transaction whose subtransaction has loaded them",
      async (source) =>
        void (await source.query(`begin; create table p3 (like p including all); do $$ begin ${LOAD}; exception when others then raise; end $$; ${ATTACH}; commit`)),
    ],
    [
      "by the transaction that made it, all of whose columns have defaults",
      async (source) =>
        void (await source.query(`begin; create table p3 (id int not null default 1, v text default 'x'); ${LOAD}; ${ATTACH}; alter table p3 alter id set default 7; commit`)),
    ],
  ])("that were attached with rows: %s", async (_, attach) => {
    const [source, target, memory] = [await createDatabase(newest), await createDatabase(newest), shortMemory()];
    await source.query(PARTITIONS);
    const error = await follow(source, target, { memory, during: async () => await attach(source) });
    expect(error).toMatchObject({ code: "schema-changed", message: expect.stringContaining("p3 is a new partition of public.p by ATTACH") });
    await target.query(`create table p3 partition of p for values from (200) to (300); ${LOAD}`);
    expect(await follow(source, target, { memory })).toBeUndefined();
    await expectEqual(source, target);
  });
});

const TABLES = `create table a (id int primary key, v text, w text); insert into a select g, 'v', 'w' from generate_series(1, 5) g;
  create table a_new (id int primary key, v text, w text); insert into a_new select g, 'v', 'w' from generate_series(101, 105) g`;
const SWAP_TABLES = "alter table a rename to a_old; alter table a_new rename to a; alter table a_old rename to a_new";
const SWAP_COLUMNS = "alter table a rename v to x; alter table a rename w to v; alter table a rename x to w";

describe.runIf(newest >= 10)("names that were changed and changed back", () => {
  const CASES = [
    {
      name: "tables",
      swap: SWAP_TABLES,
      told: /table public\.a_new was called public\.a for a while/,
      mend: "delete from a where id = 200; insert into a_new values (200, 'V', 'W')",
    },
    {
      name: "columns",
      swap: SWAP_COLUMNS,
      told: /table public\.a was called public\.a for a while, with the columns "id", "w", "v"/,
      mend: "update a set v = 'W', w = 'V' where id = 200",
    },
  ];
  const WRITE = "insert into a (id, v, w) values (200, 'V', 'W')";

  it.each(CASES)("$name, while the task was paused: stop it before the rows of then, once", async ({ swap, told, mend }) => {
    const [source, target, memory] = [await createDatabase(newest), await createDatabase(newest), shortMemory()];
    await source.query(TABLES);
    const error = await followPaused(source, target, memory, async () => {
      for (const sql of [swap, WRITE, swap]) await source.query(sql);
    });
    expect(error).toMatchObject({ code: "schema-changed", message: expect.stringMatching(told), advice: expect.stringContaining("leave the tables of the target as they are") });
    expect(await target.query("select from a where id = 200")).toEqual([]);
    expect(await follow(source, target, { memory })).toBeUndefined();
    await target.query(mend);
    await expectEqual(source, target);
  });

  it.each(CASES)("$name, within one transaction: the same", async ({ swap, told, mend }) => {
    const [source, target, memory] = [await createDatabase(newest), await createDatabase(newest), shortMemory()];
    await source.query(TABLES);
    const error = await follow(source, target, { memory, during: async () => void (await source.query(`begin; ${swap}; ${WRITE}; ${swap}; commit`)) });
    expect(error).toMatchObject({ code: "schema-changed", message: expect.stringMatching(told) });
    expect(await follow(source, target, { memory })).toBeUndefined();
    await target.query(mend);
    await expectEqual(source, target);
  });

  it.runIf(newest >= 13)("what was changed on both sides while the task was paused is no matter, whatever rows came in between", async () => {
    const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
    await source.query(`${TABLES}; ${PARTITIONS}`);
    const error = await followPaused(source, target, shortMemory(), async () => {
      const statements = [
        "insert into a values (200, 'V', 'W')",
        `alter table a add c int; alter table p add c int; ${P2}`,
        "begin; insert into a values (201, 'V', 'W', 1); insert into p values (101, 'x', 1); alter table a add d int not null default 7; alter table p add d int; insert into a values (202, 'V', 'W', 1, 2); commit",
        "update a set c = 5; insert into p values (102, 'x', 1, 2)",
      ];
      for (const sql of statements) await source.query(sql);
      await target.query("alter table a add c int, add d int not null default 7; alter table p add c int, add d int");
    });
    expect(error).toBeUndefined();
    await expectEqual(source, target);
  });
});

it("what stops a task is told again where the run died before the task's record had it", async () => {
  const [source, target, memory] = [await createDatabase(newest), await createDatabase(newest), shortMemory()];
  await source.query(TABLES);
  const first = await follow(source, target, { memory, during: async () => void (await source.query("alter table a drop v; alter table a add v text")) });
  expect(first).toMatchObject({ code: "schema-changed" });
  memory.failure = undefined; // killed
  expect(await follow(source, target, { memory })).toMatchObject({ code: "schema-changed", message: (first as Error).message });
  memory.failure = { id: "another", message: "the connection was lost" }; // that was told in its place
  expect(await follow(source, target, { memory })).toMatchObject({ code: "schema-changed", message: (first as Error).message });
  expect(await follow(source, target, { memory })).toBeUndefined();
});

it("what stops a task is told after kill -9 between the note of it and its telling, and known when the same command goes on then", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  await source.query(TABLES);
  const directory = newStateDirectory();
  const args = ["migrate", "--type", "full+incremental", "--source", source.uri, "--target", target.uri, "--yes", "--json", "--until", "caught-up", "--dir", directory];
  const killed = spawnCli(
    args.filter((arg) => !["--until", "caught-up"].includes(arg)),
    { GODWIT_FAILPOINT: "change kept" },
  );
  await killed.saw('"step":"sync"');
  await source.query("alter table a drop v; alter table a add v text");
  await source.query("insert into a (id, w, v) values (200, 'w', 'v')");
  const first = await killed.finished;
  expect(`${first.code} ${first.stdout}`).not.toContain("schema-changed");
  const told = await runCli(args);
  expect(told).toMatchObject({ code: 3, stdout: expect.stringMatching(/"code":"schema-changed".*another column of the name/) });
  await target.query("alter table a drop v; alter table a add v text");
  expect(await runCli(args)).toMatchObject({ code: 0 });
  await expectEqual(source, target);
});

it.runIf(TEST_MAJORS.includes(10))("a TRUNCATE that a source of PostgreSQL 10 does not decode stops the task until somebody was told", async () => {
  const [source, target, memory] = [await createDatabase(10), await createDatabase(newest), shortMemory()];
  await source.query(TABLES);
  const first = await follow(source, target, { memory, during: async () => void (await source.query("truncate a")) });
  expect(first).toMatchObject({ code: "schema-changed", message: expect.stringContaining("truncated or rewritten, which PostgreSQL 10 does not decode: public.a") });
  memory.failure = undefined; // killed
  expect(await follow(source, target, { memory })).toMatchObject({ code: "schema-changed", message: (first as Error).message });
  await target.query("truncate a");
  expect(await follow(source, target, { memory })).toBeUndefined();
  await expectEqual(source, target);
});
