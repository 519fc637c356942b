import { expect, it } from "vitest";
import { type TestDatabase, createDatabase } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { followNatively } from "../../test/kit/native-follower.ts";
import type { Patience } from "../verify/following.ts";
import { type MigrationEvent, newProgress } from "./events.ts";
import type { MigrationOptions } from "../plan/migration-options.ts";
import { type VerifiedDatabases, verifyDatabases } from "./verify-databases.ts";

const SHORT: Patience = { tellAfterMs: 200, stuckAfterMs: 800, mostMs: 60_000 };
const TABLE = `
  create table item (id int8 primary key, count int4 not null); insert into item select i, 0 from generate_series(1, 100) i;
  create materialized view items as select pg_catalog.count(*) from item;`;

interface Verified {
  readonly result: Promise<VerifiedDatabases>;
  readonly events: readonly MigrationEvent[];
}

async function createPair(): Promise<[source: TestDatabase, target: TestDatabase]> {
  const pair = [await createDatabase(TEST_MAJORS[0]!), await createDatabase(TEST_MAJORS.at(-1)!)] as const;
  await Promise.all(pair.map(async (database) => await database.query(TABLE)));
  return [...pair];
}

function verify(source: TestDatabase, target: TestDatabase): Verified {
  const events: MigrationEvent[] = [];
  const options = { source: source.endpoint("source"), target: target.endpoint("target"), instance: false, include: [], exclude: [], concurrency: 2 } as Partial<MigrationOptions>;
  const hooks = { report: (event: MigrationEvent) => void events.push(event), progress: newProgress(), signal: new AbortController().signal };
  return { result: verifyDatabases(options as MigrationOptions, hooks, SHORT), events };
}

const notices = (events: readonly MigrationEvent[]): string => events.flatMap((event) => (event.event === "notice" ? [event.message] : [])).join("\n");

it("calls what has not come yet a difference where nobody can know that changes are followed", async () => {
  const [source, target] = await createPair();
  await using follower = await followNatively(source, target, false);
  await using _hold = await follower.hold("item");
  await source.query("update item set count = 1 where id = 5; refresh materialized view items");
  const { result, events } = verify(source, target);
  expect(await result).toMatchObject({ tables: 2, differences: 1 });
  expect(events.filter(({ event }) => event === "difference")).toMatchObject([{ table: "public.item", reason: "content differs", keys: ["id=5: differs in columns count"] }]);
  expect(notices(events)).toBe("");
});

it("waits for what has not come yet where changes are followed, and tells of which positions the answer holds", async () => {
  const [source, target] = await createPair();
  await using follower = await followNatively(source, target);
  await using holds = new AsyncDisposableStack();
  holds.use(await follower.hold("item"));
  await source.query("update item set count = 1 where id <= 50; refresh materialized view items");
  setTimeout(() => void holds.disposeAsync(), 400);
  const { result, events } = verify(source, target);
  expect(await result).toMatchObject({ tables: 1, rows: 100, differences: 0 });
  expect(notices(events)).toMatch(/materialized views are not compared .*\n(.*waiting for it\n)?.*the source as of LSN \S+, the target at LSN \S+ or later$/);
});

it("names the row that differs for good", async () => {
  const [source, target] = await createPair();
  await using _follower = await followNatively(source, target);
  await target.query("update item set count = 9 where id = 7");
  const { result, events } = verify(source, target);
  expect(await result).toMatchObject({ tables: 1, differences: 1 });
  const reason = "1 row differs also after the target had passed what the source showed";
  expect(events.filter(({ event }) => event === "difference")).toMatchObject([{ table: "public.item", reason, keys: ["id=7: differs in columns count"] }]);
  expect(notices(events)).toMatch(/1 table differed then and was looked at again, until LSN \S+$/);
});

it("does not call equal what cannot be decided on", async () => {
  const [source, target] = await createPair();
  await using follower = await followNatively(source, target);
  await using _hold = await follower.hold("item");
  await source.query("update item set count = 1 where id = 5");
  const { result, events } = verify(source, target);
  await expect(result).rejects.toMatchObject({ code: "data-unsettled", exitCode: 3, object: "public.item" });
  expect(notices(events)).toMatch(/public\.item is neither known to be equal nor to differ: .*it has not come on for 1 s/);
});

it("tells a materialized view that was stale at the source, and counts one that differs otherwise", async () => {
  const [source, target] = await createPair();
  for (const one of [source, target]) await one.query("insert into item values (101, 0); create materialized view sums as select sum(count) from item");
  await target.query("refresh materialized view items");
  const first = verify(source, target);
  expect(await first.result).toMatchObject({ tables: 3, differences: 0 });
  expect(notices(first.events)).toMatch(/materialized view public\.items holds at the source what its tables held at its last REFRESH/);
  await target.query("drop materialized view sums; create materialized view sums as select 7::int8 as sum");
  const second = verify(source, target);
  expect(await second.result).toMatchObject({ differences: 1 });
  expect(second.events.filter(({ event }) => event === "difference")).toMatchObject([{ table: "public.sums" }]);
});
