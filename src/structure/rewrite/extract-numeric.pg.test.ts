import { describe, expect, it } from "vitest";
import { itemsOf, taskOptions } from "../../../test/kit/checks.ts";
import { type TestDatabase, createDatabase } from "../../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../../test/kit/majors.ts";
import type { Major } from "../../embedded/binaries.ts";
import { newProgress } from "../../task/events.ts";
import { migrate } from "../../../test/kit/migrate.ts";

const SPELLINGS =
  "epoch EPOCH 'Epoch' s sec secs second seconds 'SECONDS' ms msec msecs msecond mseconds millisecond milliseconds us usec usecs usecond useconds microsecond microseconds 'MicroSeconds' " +
  "y yr yrs year years decs decade decades c cent century centuries mil mils millennia millennium 'MILLENNIUMS' isoyear d day doy dow isodow h hr m min mon qtr quarter w week";

/** Beyond the year 294246 PostgreSQL 14 itself rounds the microseconds. */
const EDGES = `('4713-01-01 00:00:00.000001 BC'), ('1969-12-31 23:59:59.999999'), ('1816-03-30 05:56:07.066277'), ('2020-01-01 10:11:12.567891'), ('2255-06-05 23:47:34.740993'),
  ('9999-12-31 23:59:59.999999'), ('294246-12-31 23:59:59.999999'), ('294276-12-31 23:59:59'), (null)`;

const COLUMNS = `select attrelid::regclass::text || '.' || attname as name, atttypid::regtype::text as type from pg_attribute
  where attrelid in (select oid from pg_class where relkind in ('v', 'm') and relnamespace = 'public'::regnamespace) and attnum > 0 order by 1`;

describe.skipIf(!TEST_MAJORS.includes(10) || !TEST_MAJORS.includes(14))("EXTRACT, from 14 to 10", () => {
  it("stays numeric, value by value, and works in indexes, checks, defaults and partition keys", async () => {
    const [source, target] = [await createDatabase(14), await createDatabase(10)];
    await source.query(`
      create table t (id int primary key, ts timestamp, d date, i interval, at time, n numeric default extract(year from current_date), check (extract(year from ts) > 1900));
      insert into t select g, timestamp '2024-02-29 12:34:56.123456' + g * interval '1 day 1.25 s', date '2020-01-01' + g, g * interval '3 s', time '01:02:03' from generate_series(1, 300) g;
      create index rounded on t (round(extract(epoch from ts), 2));
      create index plain on t (extract(year from ts));
      create table p (ts timestamp) partition by range (extract(year from ts));
      create table p24 partition of p for values from (2024) to (2025);
      insert into p values ('2024-05-05');
      create view v as select extract(year from ts) as y, round(extract(epoch from ts), 2) as e, extract(second from i) as s, date_part('year', ts) as dp, count(*) as n from t
        group by extract(year from ts), ts, i having extract(day from ts) > 1;
      create materialized view m as select id, extract(epoch from ts) as e, extract(epoch from i) as ei, extract(epoch from ts::date) as ed, extract(second from at) as s, extract(milliseconds from ts) as ms,
        extract(microseconds from i) as us, extract(month from d) as mon, extract(timezone from ts at time zone 'utc') as z from t;
      create function f(timestamp) returns numeric language sql begin atomic select extract(year from $1); end;
      create function as_text(timestamp) returns numeric language sql as 'select extract(year from $1)::numeric'`);
    const options = taskOptions(source.endpoint("source"), target.endpoint("target"), { acceptAlarms: true, verify: true });
    await migrate(options, { report: () => undefined, progress: newProgress(), signal: new AbortController().signal });
    expect(await target.query(COLUMNS)).toEqual(await source.query(COLUMNS));
    for (const query of ["select y::text, e::text, s::text, dp, n from v order by y, e, s", "select m::text from m order by 1", "select f(timestamp '2020-02-02')::text as f"])
      expect(await target.query(query)).toEqual(await source.query(query));
    await target.query("set enable_seqscan to off");
    const plan = JSON.stringify(await target.query("explain select * from t where extract(year from ts) = 2024"));
    expect(plan).toContain("plain");
  });
});

const OLDER = ([12, 10] as const satisfies readonly Major[]).filter((major) => TEST_MAJORS.includes(major) && TEST_MAJORS.includes(14));

describe.each(OLDER)("EXTRACT, from 14 to %i", (to) => {
  async function moved(sql: string): Promise<[TestDatabase, TestDatabase]> {
    const [source, target] = [await createDatabase(14), await createDatabase(to)];
    await source.query(sql);
    const options = taskOptions(source.endpoint("source"), target.endpoint("target"), { acceptAlarms: true, verify: true });
    await migrate(options, { report: () => undefined, progress: newProgress(), signal: new AbortController().signal });
    return [source, target];
  }

  it("gives the same numbers, however its field is spelled and however far the time is", async () => {
    const fields = SPELLINGS.split(" ").map((field, at) => `extract(${field} from ts) as c${at}`);
    const [source, target] = await moved(`
      create table t (ts timestamp);
      insert into t values ${EDGES};
      create view v as select ts, ${fields.join(", ")} from t;
      create view z as select extract(epoch from ts at time zone 'Europe/Amsterdam') as e, extract(epoch from (ts at time zone 'utc')::timetz) as tz, extract(epoch from ts::time) as t from t;
      create table i (i interval); insert into i values ('-1 year -2 days -00:00:01.234567'), ('5000000 years 0.000001 s'), ('-5000000 years 23:59:59.999999'), ('178000000 years'), ('1 mon -1 day 0.5 s');
      create view iv as select extract(epoch from i) as e, extract(epoch from -i) as m from i;
      create view volatile as select extract(epoch from clock_timestamp()) - extract(epoch from now()) as later`);
    expect(await target.query("select v::text from v order by ts")).toEqual(await source.query("select v::text from v order by ts"));
    for (const view of ["z", "iv"])
      expect(await target.query(`select ${view}::text from ${view} order by 1`)).toEqual(await source.query(`select ${view}::text from ${view} order by 1`));
    expect(await target.query("select later >= 0 as ok from volatile")).toEqual([{ ok: true }]);
  });

  it.runIf(to >= 12)("computes generated columns as before", async () => {
    const [source, target] = await moved(`
      create table g (ts timestamp, s numeric generated always as (extract(seconds from ts)) stored, e numeric generated always as (extract('EPOCH' from ts)) stored,
        y numeric generated always as (extract(year from ts)) stored);
      insert into g values ${EDGES}`);
    expect(await target.query("select g::text from g order by ts")).toEqual(await source.query("select g::text from g order by ts"));
    expect(await target.query("select e from g where ts = '9999-12-31 23:59:59.999999'")).toEqual([{ e: "253402300799.999999" }]);
    await source.query("insert into g values ('infinity')");
    const fresh = await createDatabase(to);
    expect(await itemsOf("values-representable", source.endpoint("source"), fresh.endpoint("target"))).toMatchObject([
      { result: "failed", evidence: ["public.g.e: infinity in numeric (14)", "public.g.y: infinity in numeric (14)"] },
    ]);
  });

  it("does not stop at infinite times, and compares them as before", async () => {
    const [source, target] = await moved(`
      create table t (ts timestamp unique, check (extract(year from ts) > 1990), check (extract(epoch from ts) > 0), check (round(extract(century from ts)) > 0));
      insert into t values ('infinity'), ('2020-01-01'), ('294276-12-31');
      create table p (ts timestamp) partition by range (extract(year from ts));
      create table p24 partition of p for values from (2024) to (2025);
      create table later partition of p for values from (2025) to (maxvalue);
      insert into p values ('2024-05-05'), ('infinity');
      create index e on t (round(extract(epoch from ts)));
      create view after as select ts from t where extract(year from ts) >= 2021;
      create view years as select extract(year from ts) as y, extract(epoch from ts) as e, extract(day from ts) as d from t`);
    expect(await target.query("select ts::text from after order by 1")).toEqual(await source.query("select ts::text from after order by 1"));
    expect(await target.query("select tableoid::regclass::text as t, ts::text from p order by 1")).toEqual(
      await source.query("select tableoid::regclass::text as t, ts::text from p order by 1"),
    );
    const noted = async (): Promise<unknown> => (await itemsOf("structure-compatibility", source.endpoint("source"), (await createDatabase(to)).endpoint("target")))[0]?.evidence;
    const note = (object: string): string => `${object}: EXTRACT of an infinite time is NULL there: before 14 no numeric is infinite`;
    expect(await noted()).toEqual([note("TABLE public.t"), note("VIEW public.years"), note("INDEX public.e")]);
    expect(await target.query("select y::int from years where y < 3000 or y is null order by 1")).toEqual([{ y: 2020 }, { y: null }]);
  });
});
