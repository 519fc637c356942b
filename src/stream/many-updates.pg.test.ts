import { describe, expect, it } from "vitest";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { openTestStream } from "../../test/kit/stream.ts";
import type { Applied } from "./applier.ts";

const TABLES = "create table public.t (id int primary key, v text, n int); create table public.counter (id int primary key, n int)";
const ROWS = "insert into public.t select i, 'v', 0 from generate_series(1, 40000) i; insert into public.counter values (1, 0)";

describe.each(TEST_MAJORS)("PostgreSQL %i", (major) => {
  it("a batch ends with 15,000 rows of a table to be updated that may lie close together, and with 30,000 others; those that are updated again and again do not count", async () => {
    await using stream = await openTestStream(major, TABLES);
    await stream.source.query(ROWS);
    await stream.sync();
    const again = "do $$ begin for i in 1 .. 2000 loop update public.counter set n = n + 1; end loop; end $$";
    for (let at = 0; at < 40; at++) await stream.source.query(`update public.t set n = n + 1 where id % 40 = ${at}; ${again}`);
    const applied: Applied[] = [];
    await stream.sync({ onApplied: (result) => applied.push(result) });
    expect(applied.map(({ changes }) => changes / 3000)).toEqual([15, 15, 10]);
    await stream.source.query("insert into public.t select 1000 * i, 'spread', 0 from generate_series(100, 40099) i");
    await stream.sync();
    for (let at = 0; at < 40; at++) await stream.source.query(`update public.t set n = n + 1 where v = 'spread' and id % 40000 = ${1000 * at}`);
    applied.length = 0;
    await stream.sync({ onApplied: (result) => applied.push(result) });
    expect(applied.map(({ changes }) => changes / 1000)).toEqual([30, 10]);
    for (const table of ["public.t", "public.counter"]) {
      const both = await stream.rows(table);
      expect(both.target).toEqual(both.source);
    }
  });

  it("many rows of an integer key are found in few passes of its index, where the server can; their values, also those that stay, are right", async () => {
    await using stream = await openTestStream(major, "create table public.t (id int primary key, v text, n int); alter table public.t alter v set storage external");
    await stream.source.query("insert into public.t select i - 2000, case when i % 3 = 0 then repeat(i::text, 2000) end, i from generate_series(1, 4000) i");
    await stream.sync();
    const scans = async (): Promise<number> => {
      const [row] = await stream.target.query<{ n: number }>("select idx_scan::int as n from pg_stat_user_indexes where relname = 't'");
      return row!.n;
    };
    const before = await scans();
    await stream.source.query("update public.t set n = -n");
    await stream.source.query("update public.t set v = n::text where id = any ('{-5, 0, 7}')");
    await stream.sync();
    await expect.poll(async () => (await scans()) - before, { timeout: 5000 }).toBeGreaterThan(0);
    const passes = (await scans()) - before;
    expect(passes < 500).toBe(major >= 17);
    const both = await stream.rows("public.t");
    expect(both.target).toEqual(both.source);
  });

  it("rows whose keys are far apart", async () => {
    await using stream = await openTestStream(major, "create table public.t (id bigint primary key, n int)");
    await stream.source.query("insert into public.t select (i - 500) * 9000000000000, i from generate_series(1, 1000) i");
    await stream.sync();
    for (const isBinary of major >= 14 ? [false, true] : [false]) {
      await stream.source.query("update public.t set n = -n where n % 3 <> 0");
      await stream.sync({ isBinary });
      const both = await stream.rows("public.t");
      expect(both.target).toEqual(both.source);
    }
  });
});
