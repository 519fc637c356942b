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
  /** Done on the target at the same time. */
  readonly onTarget?: string;
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
const ON_PUBLICATION = (what: string): string =>
  `do $$ begin execute format('alter publication %I ${what}', (select pubname from pg_publication where pubname like 'godwit%')); end $$`;
const PUBLISH = "do $$ begin execute format('alter publication %I add table only public.TABLE', (select pubname from pg_publication where pubname like 'godwit%')); end $$";
const ENUM = "create type mood as enum ('sad', 'ok'); create table m (id int primary key, m mood); insert into m values (1, 'sad'), (2, 'ok')";
const COMPOSITE = "create type pair as (x text, y text); create table c (id int primary key, p pair); insert into c values (1, '(one,two)')";
const SWAP_ATTRIBUTES = "alter type pair rename attribute x to z; alter type pair rename attribute y to x; alter type pair rename attribute z to y";

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
    name: "a table that was out of the publication for a while",
    setup: TABLE,
    statements: [ON_PUBLICATION("drop table public.a"), "insert into a values (200, 'x')", ON_PUBLICATION("add table only public.a")],
    told: /a was out of the publication godwit_\w+, or that was altered/,
    mendTarget: "insert into a values (200, 'x')",
    later: "update a set v = 'later'",
    since: 10,
  },
  {
    name: "a table that was renamed on both sides, and out of the publication for a while",
    setup: TABLE,
    statements: [ON_PUBLICATION("drop table public.a"), "insert into a values (200, 'x')", `${ON_PUBLICATION("add table only public.a")}; alter table a rename to b`],
    onTarget: "alter table a rename to b",
    told: /a was renamed to public\.b, was out of the publication/,
    mendTarget: "insert into b values (200, 'x')",
    later: "update b set v = 'later'",
    since: 10,
  },
  {
    name: "a publication that does not publish all kinds of changes",
    setup: TABLE,
    statements: [ON_PUBLICATION("set (publish = ''insert'')"), "update a set v = 'changed' where id = 1; delete from a where id = 2"],
    told: /a is not in the publication godwit_\w+ with all its changes/,
    mendSource: ON_PUBLICATION("set (publish = ''insert, update, delete, truncate'')"),
    mendTarget: "update a set v = 'changed' where id = 1; delete from a where id = 2",
    later: "update a set v = 'later'",
    since: 11,
  },
  {
    name: "a publication that did not publish all kinds of changes for a while",
    setup: TABLE,
    statements: [ON_PUBLICATION("set (publish = ''insert, update'')"), "delete from a where id = 2", ON_PUBLICATION("set (publish = ''insert, update, delete, truncate'')")],
    told: /a was out of the publication godwit_\w+, or that was altered/,
    mendTarget: "delete from a where id = 2",
    since: 11,
  },
  {
    // What came meanwhile went to the table.
    name: "a publication that publishes partitions as their table",
    setup: PARTITIONS,
    statements: [ON_PUBLICATION("set (publish_via_partition_root = true)"), "insert into p values (77, 'q')"],
    told: /p1 is not in the publication godwit_\w+ with all its changes/,
    mendSource: ON_PUBLICATION("set (publish_via_partition_root = false)"),
    since: 13,
  },
  {
    // Before, the stream breaks.
    name: "a publication that was dropped and made anew",
    setup: TABLE,
    statements: [
      "create table name as select pubname from pg_publication where pubname like 'godwit%'",
      "do $$ begin execute format('drop publication %I', (select pubname from name)); end $$",
      "insert into a values (200, 'x')",
      "do $$ begin execute format('create publication %I for table only a', (select pubname from name)); end $$; drop table name",
    ],
    told: /a was out of the publication godwit_\w+, or that was altered/,
    mendTarget: "insert into a values (200, 'x')",
    later: "update a set v = 'later'",
    since: 18,
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
    told: /a may have had its column "n" written anew/,
    mendTarget: "update a set n = n * 2",
    since: 11,
  },
  {
    name: "a column whose values were written anew, in a table that was altered further",
    setup: TABLE,
    statements: ["alter table a alter n type int using n * 2", "grant select on a to public"],
    told: /a may have had its column "n" written anew/,
    mendTarget: "update a set n = n * 2",
    since: 11,
  },
  {
    name: "a column whose values were written anew, in a transaction that has altered its table further in a savepoint",
    setup: TABLE,
    statements: ["begin; alter table a alter n type int using n * 2; savepoint s; alter table a set (fillfactor = 90); commit"],
    told: /a may have had its column "n" written anew/,
    mendTarget: "update a set n = n * 2",
    since: 11,
  },
  {
    name: "a column whose values were written anew, in a table that got another one on both sides",
    setup: TABLE,
    statements: ["alter table a add u int; alter table a rename v to vv; alter table a alter n type int using n * 2"],
    told: /a .*may have had its column "n" written anew/,
    mendTarget: "alter table a add u int; alter table a rename v to vv; update a set n = n * 2",
    since: 11,
  },
  {
    name: "an enum that got a label",
    setup: ENUM,
    statements: ["alter type mood add value 'well' before 'ok'"],
    told: /m has its column "m" of a type that has got more labels or attributes/,
    mendTarget: "alter type mood add value 'well' before 'ok'",
    later: "insert into m values (3, 'well')",
  },
  {
    name: "an enum with a label renamed",
    setup: ENUM,
    statements: ["alter type mood rename value 'sad' to 'blue'"],
    told: /m has its column "m" of a type whose labels or attributes were altered/,
    mendTarget: "alter type mood rename value 'sad' to 'blue'",
    since: 10,
  },
  {
    name: "an enum whose labels are swapped, in an array of a domain",
    setup: "create type mood as enum ('sad', 'ok'); create domain d as mood; create table m (id int primary key, m d[]); insert into m values (1, '{sad}'), (2, '{ok}')",
    statements: ["alter type mood rename value 'sad' to 'x'; alter type mood rename value 'ok' to 'sad'; alter type mood rename value 'x' to 'ok'"],
    told: /m has its column "m" of a type whose labels or attributes were altered/,
    mendTarget: "alter type mood rename value 'sad' to 'x'; alter type mood rename value 'ok' to 'sad'; alter type mood rename value 'x' to 'ok'",
    since: 11,
  },
  {
    name: "an enum with a label that is renamed, and renamed back",
    setup: ENUM,
    statements: ["alter type mood rename value 'sad' to 'x'", "alter type mood rename value 'x' to 'sad'"],
    told: /m has its column "m" of a type whose labels or attributes were altered/,
    since: 10,
  },
  {
    name: "a composite type whose attributes have swapped names",
    setup: COMPOSITE,
    statements: [SWAP_ATTRIBUTES, "insert into c values (2, '(three,four)')"],
    told: /c has its column "p" of a type whose labels or attributes were altered/,
    mendTarget: SWAP_ATTRIBUTES,
  },
  {
    name: "a composite type with an attribute that was dropped and made anew",
    setup: COMPOSITE,
    statements: ["alter type pair drop attribute y", "alter type pair add attribute y text", "insert into c values (2, '(three,four)')"],
    told: /c has its column "p" of a type whose labels or attributes were altered/,
    mendTarget: "update c set p = '(one,)' where id = 1",
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
    statements: ["vacuum full a", "cluster a using a_pkey", "analyze a", "truncate a"],
    since: 11,
  },
  {
    name: "indexes, rights, defaults, statistics",
    setup: TABLE,
    statements: [
      "alter table a alter v set statistics 10",
      "create index on a (v)",
      "grant select on a to public",
      "alter table a alter v set default 'x'",
      "alter table a alter n set not null",
    ],
  },
  {
    name: "the same on both sides",
    setup: `${TABLE}; create table gone (id int)`,
    statements: ["insert into a (id, u) values (200, 5)"],
    onBoth: "alter table a add u int; alter table a rename v to vv; alter table a drop w; alter table a rename to b; alter table b rename to a; drop table gone",
  },
  {
    name: "labels that come on both sides",
    setup: ENUM,
    statements: ["insert into m values (3, 'well')"],
    onBoth: "alter type mood add value 'well' before 'sad'",
    since: 12,
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
  describe.each(STOPPED.filter((scenario) => isShown(scenario, major)))("$name", ({ setup, statements, onTarget, told, mendSource, mendTarget, later }) => {
    it("stops the task once, and it goes on when it was seen to", async () => {
      const [source, target] = [await createDatabase(major), await createDatabase(newest)];
      await source.query(setup);
      const memory = shortMemory();
      const { error } = await follow(source, target, memory, async () => {
        for (const sql of statements) await source.query(sql);
        if (onTarget !== undefined) await target.query(onTarget);
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

it.runIf(newest >= 11).each(["clock_timestamp()", "now()"])(
  "a column whose default of %s gives other values on the target is told, where it was added on both sides",
  async (value) => {
    expect(await warningsOf(`alter table a add c timestamptz not null default ${value}`)).toEqual([expect.stringMatching(/^table public\.a .*computed for itself/)]);
  },
);

it.runIf(newest >= 11)("a column whose default gives the same values on the target is not told", async () => {
  expect(await warningsOf("alter table a add c text not null default 'x'; alter table a add d timestamptz default '2026-01-01 12:00+02'; alter table a add e int")).toEqual([]);
});

async function warningsOf(ddl: string): Promise<readonly string[]> {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  await source.query(TABLE);
  const { error, events } = await follow(source, target, shortMemory(), async () => {
    for (const database of [source, target]) await database.query(ddl);
  });
  expect(error).toBeUndefined();
  return events.flatMap((event) => (event.event === "notice" && event.level === "warning" && event.message.includes("public.a") ? [event.message] : []));
}
