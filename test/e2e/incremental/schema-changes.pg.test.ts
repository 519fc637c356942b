import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Major } from "../../../src/embedded/binaries.ts";
import { GodwitError } from "../../../src/errors/godwit-error.ts";
import { type MigrationEvent, newProgress } from "../../../src/task/events.ts";
import { type TaskMemory, shortMemory } from "../../../src/task/task-memory.ts";
import { verifyTables } from "../../../src/verify/verify.ts";
import { taskOptions } from "../../kit/checks.ts";
import { type TestDatabase, createDatabase } from "../../kit/databases.ts";
import { ONE_MAJOR, TEST_MAJORS } from "../../kit/majors.ts";
import { migrate } from "../../kit/migrate.ts";

const newest = TEST_MAJORS.at(-1)!;

/** What happens to the tables of the source while they are followed, and what is told of it. */
interface Scenario {
  readonly name: string;
  readonly since?: number;
  readonly until?: number;
  readonly setup: string;
  /** One transaction each. */
  readonly statements: readonly string[];
  readonly told: RegExp;
  /** What the operator does then. */
  readonly mendSource?: string;
  readonly mendTarget?: string;
  /** Written to the source when the task goes on. */
  readonly later?: string;
}

const TABLE = "create table a (id int primary key, v text, w text, n int); insert into a select g, 'v', 'w', g from generate_series(1, 5) g";
const PARTITIONS = `create table p (id int not null, v text) partition by range (id); create table p1 partition of p for values from (0) to (100); create table p2 partition of p for values from (100) to (200);
  insert into p select g, 'v' from generate_series(1, 150) g`;
const PUBLISH = "do $$ begin execute format('alter publication %I add table only public.TABLE', (select pubname from pg_publication where pubname like 'godwit%')); end $$";

const STOPPED: readonly Scenario[] = [
  {
    name: "a table that was dropped and made anew",
    setup: TABLE,
    statements: ["drop table a", "create table a (id int primary key, v text, w text, n int)", "insert into a values (1, 'x'), (200, 'y')", "update a set v = 'z' where id = 1"],
    told: /a was dropped and made anew, is not in the publication godwit/,
    mendSource: PUBLISH.replace("TABLE", "a"),
    mendTarget: "truncate a; insert into a values (1, 'z'), (200, 'y')",
    later: "update a set v = 'later'",
  },
  {
    name: "a partition that was detached",
    setup: PARTITIONS,
    statements: ["alter table p detach partition p1", "insert into p1 values (-5, 'new')", "insert into p values (160, 'q')"],
    told: /p1 was detached from public\.p/,
    mendSource: "drop table p1",
    mendTarget: "drop table p1",
    since: 13,
  },
  {
    name: "a partition that came with rows",
    setup: PARTITIONS,
    statements: [
      "create table p3 (id int not null, v text)",
      "insert into p3 select g, 'loaded' from generate_series(200, 250) g",
      "alter table p attach partition p3 for values from (200) to (300)",
    ],
    told: /p3 is a new partition of public\.p by ATTACH/,
    mendTarget: "create table p3 partition of p for values from (200) to (300); insert into p3 select g, 'loaded' from generate_series(200, 250) g",
    later: "insert into p values (260, 'q')",
    since: 13,
  },
  {
    name: "a partition that was made, filled and attached in one transaction",
    setup: PARTITIONS,
    statements: ["create table p3 (id int not null, v text); insert into p3 values (200, 'x'); alter table p attach partition p3 for values from (200) to (300)"],
    told: /p3 is a new partition of public\.p by ATTACH/,
    mendTarget: "create table p3 partition of p for values from (200) to (300); insert into p3 values (200, 'x')",
    since: 13,
  },
  {
    name: "two tables that swapped names",
    setup: `${TABLE}; create table b (id int primary key, v text, w text, n int); insert into b values (100, 'b', 'b', 1)`,
    statements: ["alter table a rename to x; alter table b rename to a; alter table x rename to b", "insert into a values (200, 'in a')", "insert into b values (201, 'in b')"],
    told: /table public\.[ab] was renamed to public\.[ab], and another table has its name/,
    mendTarget: "alter table a rename to x; alter table b rename to a; alter table x rename to b",
  },
  {
    name: "a table that was taken out of the publication",
    setup: TABLE,
    statements: [
      "do $$ begin execute format('alter publication %I drop table public.a', (select pubname from pg_publication where pubname like 'godwit%')); end $$",
      "insert into a values (200, 'x')",
    ],
    told: /a is not in the publication godwit/,
    mendSource: PUBLISH.replace("TABLE", "a"),
    mendTarget: "insert into a values (200, 'x')",
    since: 10,
  },
  {
    name: "a partition that its server does not publish by itself",
    setup: PARTITIONS,
    statements: ["create table p3 partition of p for values from (200) to (300)", "insert into p values (250, 'x')"],
    told: /p3 is a new partition of public\.p, which is not in the publication/,
    mendSource: PUBLISH.replace("TABLE", "p3"),
    mendTarget: "create table p3 partition of p for values from (200) to (300); insert into p values (250, 'x')",
    later: "insert into p values (251, 'y')",
    since: 10,
    until: 12,
  },
  {
    name: "two columns that swapped names",
    setup: TABLE,
    statements: ["alter table a rename v to x; alter table a rename w to v; alter table a rename x to w", "insert into a values (200, 'V', 'W')"],
    told: /a has another column of the name "w", has another column of the name "v"/,
    mendTarget: "alter table a rename v to x; alter table a rename w to v; alter table a rename x to w",
  },
  {
    name: "a column that was dropped and made anew",
    setup: TABLE,
    statements: ["alter table a drop v", "alter table a add v text", "insert into a (id, v) values (200, 'V')"],
    told: /a has another column of the name "v"/,
    mendTarget: "update a set v = null where id < 200",
  },
  {
    name: "a column whose values were written anew",
    setup: TABLE,
    statements: ["alter table a alter n type int using n * 2"],
    told: /a had its column "n" written anew/,
    mendTarget: "update a set n = n * 2",
    since: 11,
  },
  {
    name: "a column that came without a change behind it",
    setup: TABLE,
    statements: ["alter table a add c text not null default 'hello'"],
    told: /a has a new column "c"/,
    mendTarget: "alter table a add c text not null default 'hello'",
    since: 11,
  },
  {
    name: "a column that was dropped",
    setup: TABLE,
    statements: ["alter table a drop v", "insert into a (id) values (200)"],
    told: /a lost its column "v"/,
    mendTarget: "alter table a drop v",
  },
  {
    name: "a new table",
    setup: TABLE,
    statements: ["create table b (id int)", "insert into b values (1)"],
    told: /b is new: it is not moved/,
    mendTarget: "create table b (id int); insert into b values (1)",
  },
  {
    name: "a partition that is unlogged",
    setup: PARTITIONS,
    statements: ["alter table p1 set unlogged", "insert into p values (77, 'q')"],
    told: /p1 is unlogged: its changes do not come/,
    mendSource: "alter table p1 set logged",
    mendTarget: "insert into p values (77, 'q')",
    since: 13,
  },
];

const SILENT: readonly (Pick<Scenario, "name" | "setup" | "statements" | "since"> & { readonly onBoth?: string })[] = [
  {
    name: "TRUNCATE, VACUUM FULL, CLUSTER",
    setup: TABLE,
    statements: ["alter table a alter v set statistics 10", "vacuum full a", "cluster a using a_pkey", "analyze a", "truncate a"],
    since: 11,
  },
  {
    name: "indexes, rights, defaults",
    setup: TABLE,
    statements: ["create index on a (v)", "grant select on a to public", "alter table a alter v set default 'x'", "alter table a alter n set not null"],
  },
  {
    name: "the same on both sides",
    setup: `${TABLE}; create table gone (id int)`,
    statements: ["insert into a (id, u) values (200, 5)"],
    onBoth: "alter table a add u int; alter table a rename v to vv; alter table a drop w; alter table a rename to b; alter table b rename to a; drop table gone",
  },
  { name: "another type on both sides", setup: TABLE, statements: ["insert into a (id, n) values (200, 5000000000)"], onBoth: "alter table a alter n type bigint", since: 11 },
  { name: "the same name for a table on both sides", setup: TABLE, statements: ["insert into b (id) values (200)"], onBoth: "alter table a rename to b" },
  {
    name: "new partitions",
    setup: "create table p (id int not null default 1, v text default 'x') partition by range (id); create table p1 partition of p for values from (0) to (100)",
    statements: [
      "create table p2 partition of p for values from (100) to (200)",
      "insert into p values (120)",
      "create table p3 partition of p default",
      "insert into p values (220)",
      "alter table p3 alter v drop default",
    ],
    since: 13,
  },
];

interface Outcome {
  readonly error: unknown;
  readonly events: readonly MigrationEvent[];
}

/** Follows until `during` is through, and completes, or follows on. */
async function follow(source: TestDatabase, target: TestDatabase, memory: TaskMemory, during: () => Promise<void>, completes = true): Promise<Outcome> {
  const asked = new AbortController();
  const events: MigrationEvent[] = [];
  const caughtUp = async (): Promise<void> => {
    await during();
    if (completes) asked.abort();
  };
  const incremental = { conflicts: "stop", untilCaughtUp: false, fence: false } as const;
  const options = taskOptions(source.endpoint("source"), target.endpoint("target"), { type: "full+incremental", concurrency: 2, acceptAlarms: true, incremental });
  const hooks = { report: (event: MigrationEvent) => void events.push(event), progress: newProgress(), signal: new AbortController().signal };
  try {
    await migrate(options, hooks, memory, { caughtUp, asked: asked.signal });
    return { error: undefined, events };
  } catch (error) {
    return { error, events };
  }
}

async function expectEqual(source: TestDatabase, target: TestDatabase): Promise<void> {
  const tables = "select c.relname as name, c.relkind = 'p' as parted from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') order by 1";
  const rows = await source.query<{ name: string; parted: boolean }>(tables);
  expect(await target.query(tables)).toEqual(rows);
  const pairs = rows.map(({ name, parted }) => ({ schema: "public", name, bytes: 0, withPartitions: parted }));
  const result = await verifyTables(source.endpoint("source"), target.endpoint("target"), pairs, { concurrency: 2, signal: new AbortController().signal });
  expect(result).toMatchObject({ tables: rows.length, differences: [] });
}

const isFor = ({ since, until }: { readonly since?: number; readonly until?: number }, major: number): boolean => major >= (since ?? 0) && major <= (until ?? 99);

/** What only old servers have is shown with them; all else with the newest, and with all where majors were asked for. */
const isShown = (scenario: { readonly since?: number; readonly until?: number }, major: Major): boolean =>
  isFor(scenario, major) && (ONE_MAJOR.includes(major) || scenario.until !== undefined);

describe.each(TEST_MAJORS.filter((major) => STOPPED.some((scenario) => isShown(scenario, major))))("at a source of PostgreSQL %i", (major) => {
  describe.each(STOPPED.filter((scenario) => isShown(scenario, major)))("$name", ({ setup, statements, told, mendSource, mendTarget, later }) => {
    it("stops the task once, and it goes on when it was seen to", async () => {
      const [source, target] = [await createDatabase(major), await createDatabase(newest)];
      await source.query(setup);
      const memory = shortMemory();
      const { error } = await follow(source, target, memory, async () => {
        for (const sql of statements) await source.query(sql);
        await sleep(300);
      });
      expect(error).toBeInstanceOf(GodwitError);
      expect(error).toMatchObject({ code: "schema-changed", message: expect.stringMatching(told) });
      if (mendSource !== undefined) await source.query(mendSource);
      if (mendTarget !== undefined) await target.query(mendTarget);
      const again = await follow(source, target, memory, async () => void (later !== undefined && (await source.query(later))));
      expect(again.error).toBeUndefined();
      await expectEqual(source, target);
    });
  });

  it.each(SILENT.filter((scenario) => isShown(scenario, major)))("$name: no matter", async ({ setup, statements, onBoth }) => {
    const [source, target] = [await createDatabase(major), await createDatabase(newest)];
    await source.query(setup);
    const { error } = await follow(source, target, shortMemory(), async () => {
      if (onBoth !== undefined) await Promise.all([source.query(onBoth), target.query(onBoth)]);
      for (const sql of statements) await source.query(sql);
      await sleep(300);
    });
    expect(error).toBeUndefined();
    await expectEqual(source, target);
  });
});

it("a change of which nothing comes by the stream stops a task that follows", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  await source.query(PARTITIONS);
  const memory = shortMemory();
  const stopped = await follow(
    source,
    target,
    memory,
    async () => {
      await source.query("alter table p detach partition p1");
    },
    false,
  );
  expect(stopped.error).toMatchObject({ code: "schema-changed", object: "public.p1" });
  for (const database of [source, target]) await database.query("drop table p1");
  expect((await follow(source, target, memory, async () => undefined)).error).toBeUndefined();
  await expectEqual(source, target);
});

it.runIf(newest >= 11)("a column whose default gives other values on the target is told, where it was added on both sides", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  await source.query(TABLE);
  const { error, events } = await follow(source, target, shortMemory(), async () => {
    for (const database of [source, target]) await database.query("alter table a add c timestamptz not null default clock_timestamp()");
  });
  expect(error).toBeUndefined();
  expect(events).toContainEqual(expect.objectContaining({ event: "notice", level: "warning", message: expect.stringContaining("public.a was rewritten at the source") }));
});
