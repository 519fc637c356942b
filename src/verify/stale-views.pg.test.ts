import { expect, it } from "vitest";
import { type TestDatabase, createDatabase } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { exportSnapshot } from "../copy/snapshot.ts";
import { findStaleViews } from "./stale-views.ts";

async function stale(source: TestDatabase, ...names: string[]): Promise<string[]> {
  await using snapshot = await exportSnapshot(source.endpoint("source"));
  const views = names.map((name) => ({ schema: "public", name }));
  return (await findStaleViews(source.endpoint("source"), snapshot.id, views, new AbortController().signal)).map(({ name }) => name);
}

it.each(TEST_MAJORS)("PostgreSQL %i: knows which materialized views were not refreshed since their tables, or those of views they read, were written", async (major) => {
  const source = await createDatabase(major);
  await source.query(`
    create table item (id int primary key, price int, more json); insert into item select i, i, '{"a":1}' from generate_series(1, 20) i; create table other (id int);
    create materialized view "Total 1" as select sum(price) as total, now() > 'epoch' as "godwit_row" from item;
    create materialized view fresh as select count(*) from other;
    create materialized view whole as select id, more from item;
    create view between_them as select total from "Total 1";
    create materialized view above as select total + 1 as one_more from between_them;
    create materialized view moody as select 1 / (select count(*) - 20 from item where id < 1000) as x with no data;
    update item set price = price + 1`);
  expect(await stale(source, "Total 1", "fresh", "whole", "above")).toEqual(["Total 1", "above"]);
  await source.query('refresh materialized view "Total 1"');
  // It holds what it would give, and was right when its own was refreshed: only now it is old.
  expect(await stale(source, "Total 1", "above")).toEqual(["above"]);
  await source.query("refresh materialized view above; delete from item where id = 1; delete from other");
  expect(await stale(source, "Total 1", "fresh", "whole", "above")).toEqual(["Total 1", "whole", "above"]);
});

it("computes them as the source's own sessions would, and passes over what cannot be computed", async () => {
  const source = await createDatabase(TEST_MAJORS.at(-1)!);
  await source.query(`alter database ${source.name} set timezone = 'Asia/Shanghai'; alter database ${source.name} set datestyle = 'German'; set timezone = 'Asia/Shanghai'; set datestyle = 'German';
    create table moment (at timestamptz); insert into moment values ('2026-01-01 20:00+00');
    create materialized view days as select at::date as day, at::text as told from moment;
    create table divisor (n int); insert into divisor values (1);
    create materialized view ratio as select 1 / n as r from divisor; update divisor set n = 0`);
  expect(await stale(source, "days", "ratio")).toEqual([]);
});
