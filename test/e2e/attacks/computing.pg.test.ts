import { expect, it } from "vitest";
import type { ObjectPattern } from "../../../src/plan/object-pattern.ts";
import { type MigrationEvent, newProgress } from "../../../src/task/events.ts";
import { type TaskMemory, shortMemory } from "../../../src/task/task-memory.ts";
import { verifyDatabases } from "../../../src/task/verify-databases.ts";
import { migrate } from "../../kit/migrate.ts";
import { taskOptions } from "../../kit/checks.ts";
import { type TestDatabase, createDatabase } from "../../kit/databases.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";

const [oldest, newest] = [TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!];

interface Moving {
  readonly events?: MigrationEvent[];
  readonly include?: readonly ObjectPattern[];
  readonly memory?: TaskMemory;
}

async function move(source: TestDatabase, target: TestDatabase, { events = [], include = [], memory = shortMemory() }: Moving = {}): Promise<MigrationEvent[]> {
  const options = taskOptions(source.endpoint("source"), target.endpoint("target"), { verify: true, acceptAlarms: true, include });
  await migrate(options, { report: (event) => void events.push(event), progress: newProgress(), signal: new AbortController().signal }, memory);
  return events;
}

/** What a server computes itself depends on the session's settings; it must come out as it did at the source. */
it.each([[oldest, newest], [newest, newest]] as const)("what the target computes is what the source computed, from %i to %i", async (from, to) => {
  const [source, target] = [await createDatabase(from), await createDatabase(to)];
  await source.query(`alter database ${source.name} set timezone = 'Europe/Berlin'; alter database ${source.name} set datestyle = 'German, DMY';
    alter database ${source.name} set intervalstyle = 'sql_standard'`);
  const again = await source.query(`set timezone = 'Europe/Berlin'; set datestyle = 'German, DMY'; set intervalstyle = 'sql_standard';
    create table e (at timestamptz, day date not null, stay interval, words text, check (at::date = day), check (words::date > '2000-01-01'::date));
    insert into e select t, t::date, '-1 day 02:03:04'::interval - n * interval '1 month 1 hour', to_char(t, 'DD.MM.YYYY')
      from generate_series(1, 100) n, lateral (select '2024-01-01 00:30+01'::timestamptz + n * interval '30 minutes' as t) x;
    create materialized view d as select date_trunc('day', at)::date as day, count(*) as n, min(at::text) as first, max(stay::text) as stay from e group by 1;
    select count(*)::int as days from d`);
  expect(again).toEqual([{ days: 3 }]);
  if (from >= 12) {
    await source.query(`create function day_of(timestamptz) returns date language sql immutable as 'select $1::date';
      create table g (at timestamptz, day date generated always as (public.day_of(at)) stored); insert into g (at) select at from e; create index on g (public.day_of(at))`);
  }
  const events = await move(source, target); // throws when anything differs
  expect(events.filter((event) => event.event === "notice" && event.level === "warning" && !event.message.includes("ALTER DATABASE"))).toEqual([]);
  expect(await target.query("select count(*)::int as days from d")).toEqual([{ days: 3 }]);
}); // prettier-ignore

const SELECTION: readonly ObjectPattern[] = [
  { kind: "materialized-view", pattern: "v" },
  { kind: "table", pattern: "base" },
];

it.each([
  { include: [], empty: ['public."Of v"', "public.v"] },
  { include: SELECTION, empty: ["public.v"] },
])("a materialized view that cannot be filled is told, and is a difference: $empty", async ({ include, empty }) => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  await source.query(`create table base (a int); insert into base values (1), (2); create table t as select 1 as a; create function only_here() returns int language plpgsql as $$begin
        if pg_catalog.current_database() <> '${source.name}' then raise exception 'elsewhere'; end if; return 1; end$$;
      create materialized view v as select public.only_here() as one, a from base; create materialized view "Of v" as select * from v`);
  const memory = shortMemory();
  const events: MigrationEvent[] = [];
  await expect(move(source, target, { events, include, memory })).rejects.toMatchObject({ code: "data-differ", exitCode: 1 });
  expect(events.filter((event) => event.event === "notice" && /^materialized view .* stays empty/.test(event.message))).toHaveLength(empty.length);
  expect(differences(events)).toEqual(
    empty.map((table) => ({ table, reason: expect.stringMatching(/^not filled on the target: .*(elsewhere|has not been populated)/) as unknown, keys: [] })),
  );
  // The task's next run finds everything done, does not know why the views are empty, and sees it all the same; so does `verify`.
  const again: MigrationEvent[] = [];
  await expect(move(source, target, { events: again, include, memory })).rejects.toMatchObject({ code: "data-differ" });
  expect(differences(again)).toEqual(empty.map((table) => ({ table, reason: "not filled on the target", keys: [] })));
  const options = taskOptions(source.endpoint("source"), target.endpoint("target"), { include });
  const verified = await verifyDatabases(options, { report: () => undefined, progress: newProgress(), signal: new AbortController().signal });
  expect(verified).toMatchObject({ differences: empty.length });
});

function differences(events: readonly MigrationEvent[]): unknown[] {
  return events
    .flatMap((event) => (event.event === "difference" ? [{ table: event.table, reason: event.reason, keys: event.keys }] : []))
    .toSorted((a, b) => (a.table < b.table ? -1 : 1));
}

it("what is wrong with the server is not blamed on a materialized view", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  await source.query(`create table t as select 1 as a; create function cancelled() returns int language plpgsql as $$begin
      if pg_catalog.current_database() <> '${source.name}' then raise query_canceled; end if; return 1; end$$;
    create materialized view v as select public.cancelled() as one`);
  await expect(move(source, target)).rejects.toMatchObject({ exitCode: 3 });
});
