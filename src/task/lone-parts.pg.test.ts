import { expect, it } from "vitest";
import { taskOptions } from "../../test/kit/checks.ts";
import { type TestDatabase, createDatabase } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { migrate } from "../../test/kit/migrate.ts";
import { followNatively } from "../../test/kit/native-follower.ts";
import type { ObjectPattern } from "../plan/object-pattern.ts";
import { type MigrationEvent, newProgress } from "./events.ts";
import { shortMemory } from "./task-memory.ts";
import { verifyDatabases } from "./verify-databases.ts";

const TABLES = `
  create table p (id int not null, v text) partition by range (id); create table p1 partition of p for values from (0) to (100); insert into p values (1, 'x');
  create table parent (id int); create table child () inherits (parent); insert into child values (1)`;

interface Pair {
  readonly source: TestDatabase;
  readonly target: TestDatabase;
}

async function createPair(sql = TABLES): Promise<Pair> {
  const pair = { source: await createDatabase(TEST_MAJORS[0]!), target: await createDatabase(TEST_MAJORS.at(-1)!) };
  await Promise.all([pair.source.query(sql), pair.target.query(sql)]);
  return pair;
}

/** How many tables were compared, and what differs: "table: reason". */
async function verify({ source, target }: Pair, selection: { include?: ObjectPattern[]; exclude?: ObjectPattern[] } = {}): Promise<{ tables: number; differences: string[] }> {
  const events: MigrationEvent[] = [];
  const options = taskOptions(source.endpoint("source"), target.endpoint("target"), selection);
  const { tables, differences } = await verifyDatabases(options, { report: (event) => void events.push(event), progress: newProgress(), signal: new AbortController().signal });
  const told = events.flatMap((event) => (event.event === "difference" ? [`${event.table}: ${event.reason}`] : [])).sort();
  expect(told).toHaveLength(differences);
  return { tables, differences: told };
}

it("rows in a partition or a child that only the target has differ, empty ones do not", async () => {
  const pair = await createPair();
  await pair.target.query(`
    create table p2 partition of p for values from (100) to (200); create table p3 partition of p for values from (200) to (300) partition by range (id);
    create table p31 partition of p3 for values from (200) to (250); create schema other; create table other."Child 2" (extra text) inherits (parent)`);
  expect(await verify(pair)).toEqual({ tables: 6, differences: [] });
  await pair.target.query(`insert into p values (150, 'x'), (151, 'y'), (220, 'z'); insert into other."Child 2" values (1)`);
  expect(await verify(pair)).toEqual({
    tables: 6,
    differences: [
      `other."Child 2": its 1 row is part of public.parent on the target only`,
      "public.p2: its 2 rows are part of public.p on the target only",
      "public.p3: its 1 row is part of public.p on the target only",
    ],
  });
});

it("a table that both sides have differs where its rows are part of another one on one side only", async () => {
  const pair = await createPair(
    `${TABLES}; create table p2 partition of p for values from (100) to (200); insert into p2 values (150, 'x'); create table c2 () inherits (parent); insert into c2 values (2)`,
  );
  await pair.source.query("alter table p detach partition p2");
  await pair.target.query("alter table c2 no inherit parent");
  expect((await verify(pair)).differences).toEqual([
    "public.c2: its 1 row is part of public.parent on the source only",
    "public.p2: its 1 row is part of public.p on the target only",
  ]);
});

it("a table that is partitioned at the source only differs by its own rows", async () => {
  const pair = await createPair("create table p (id int) partition by range (id)");
  await pair.target.query("drop table p; create table p (id int)");
  expect((await verify(pair)).differences).toEqual([]);
  await pair.target.query("insert into p values (1)");
  expect((await verify(pair)).differences).toEqual(["public.p: is partitioned at the source, and has 1 row of its own on the target"]);
});

it("what is excluded, and what belongs to no selected table, is not looked at", async () => {
  const pair = await createPair(`${TABLES}; create table other (id int); create table old_table (id int)`);
  await pair.target.query(
    "create table p2 partition of p for values from (100) to (200); create table old_child () inherits (parent); insert into p values (150, 'x'); insert into old_child values (1)",
  );
  const table = (pattern: string): ObjectPattern => ({ kind: "table", pattern });
  expect((await verify(pair)).differences).toHaveLength(2);
  expect((await verify(pair, { include: [table("other")] })).differences).toEqual([]);
  expect((await verify(pair, { include: [table("p"), table("other")] })).differences).toEqual(["public.p2: its 1 row is part of public.p on the target only"]);
  expect((await verify(pair, { exclude: [table("p?"), table("old_*")] })).differences).toEqual([]);
  expect((await verify(pair, { exclude: [table("p"), table("public.parent"), table("child")] })).differences).toEqual([]);
});

it("what may not be read is neither equal nor different", async () => {
  const { source, target } = await createPair();
  const role = `parts_${process.pid}`;
  await target.query(`create role ${role} login password 'x'; grant select on p, p1, parent, child to ${role}; create table p2 partition of p for values from (100) to (200)`);
  try {
    const to = { ...target.endpoint("target"), user: role, password: "x" };
    const events: MigrationEvent[] = [];
    const hooks = { report: (event: MigrationEvent) => void events.push(event), progress: newProgress(), signal: new AbortController().signal };
    await expect(verifyDatabases(taskOptions(source.endpoint("source"), to), hooks)).rejects.toMatchObject({ code: "privilege-missing", object: "public.p2" });
  } finally {
    await target.query(`drop owned by ${role}; drop role ${role}`);
  }
});

it("a partition that only the target has is found while changes are followed", async () => {
  const pair = await createPair("create table p (id int) partition by range (id); create table p1 partition of p for values from (0) to (100)");
  await using _follower = await followNatively(pair.source, pair.target);
  await pair.source.query("insert into p values (1)");
  await pair.target.query("create table p2 partition of p for values from (100) to (200)");
  expect(await verify(pair)).toEqual({ tables: 2, differences: [] });
  await pair.target.query("insert into p values (150)");
  expect(await verify(pair)).toEqual({ tables: 2, differences: ["public.p2: its 1 row is part of public.p on the target only"] });
});

it("a partition that only the target has is undecided while that has not come to what the source showed", async () => {
  const { source, target } = await createPair("create table p (id int) partition by range (id); create table p1 partition of p for values from (0) to (100)");
  await target.query("create table p2 partition of p for values from (100) to (200); insert into p2 values (150)");
  await using follower = await followNatively(source, target);
  await using _hold = await follower.hold("p1");
  await source.query("insert into p values (1)");
  const hooks = { report: () => undefined, progress: newProgress(), signal: new AbortController().signal };
  const verified = verifyDatabases(taskOptions(source.endpoint("source"), target.endpoint("target")), hooks, { tellAfterMs: 200, stuckAfterMs: 500, mostMs: 60_000 });
  await expect(verified).rejects.toMatchObject({ code: "data-unsettled", object: "public.p2" });
});

it("the comparison at a migration's end sees the target's own child of a table that was moved", async () => {
  const { source, target } = { source: await createDatabase(TEST_MAJORS[0]!), target: await createDatabase(TEST_MAJORS.at(-1)!) };
  await source.query(TABLES);
  // Whatever makes tables there: here, whoever hears that the structure is there.
  const events: MigrationEvent[] = [];
  let made: Promise<unknown> | undefined;
  const report = (event: MigrationEvent): void => {
    events.push(event);
    if (event.event === "step" && event.step === "structure" && event.state === "finished") {
      made = target.query("create table p2 partition of p for values from (100) to (200); insert into p2 values (150, 'x')");
    }
  };
  const hooks = { report, progress: newProgress(), signal: new AbortController().signal };
  await expect(migrate(taskOptions(source.endpoint("source"), target.endpoint("target"), { verify: true }), hooks, shortMemory())).rejects.toMatchObject({ code: "data-differ" });
  await made;
  expect(events).toContainEqual(expect.objectContaining({ event: "difference", table: "public.p2" }));
});
