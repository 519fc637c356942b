import { describe, expect, it } from "vitest";
import { taskOptions } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../../test/kit/majors.ts";
import { newProgress } from "../../task/events.ts";
import { migrate } from "../../../test/kit/migrate.ts";

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
