import { expect, it } from "vitest";
import { itemsOf, taskOptions } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { OUTER_MAJORS, TEST_MAJORS } from "../../../test/kit/majors.ts";
import { migrate } from "../../../test/kit/migrate.ts";
import { newProgress } from "../../task/events.ts";

const TYPE = { type: "full+incremental" } as const;

it.each(OUTER_MAJORS)("a publication of all tables on a target of %i makes tables without a key unchangeable", { timeout: 120_000 }, async (major) => {
  const [source, target] = [await createDatabase(TEST_MAJORS[0]!), await createDatabase(major)];
  await source.query(
    'create table keyed (a int primary key); create table "Loose" (a int); create table whole (a int); alter table whole replica identity full; insert into "Loose" values (1)',
  );
  const ends = [source.endpoint("source"), target.endpoint("target")] as const;
  expect(await itemsOf("target-publications", ...ends, TYPE)).toMatchObject([{ result: "passed" }]);
  await target.query("create publication everything for all tables with (publish = 'insert')");
  expect(await itemsOf("target-publications", ...ends, TYPE)).toMatchObject([{ result: "passed" }]);
  await target.query("alter publication everything set (publish = 'insert, update')");
  const evidence = ["publication everything of all tables", 'no replica identity: public."Loose"'];
  expect(await itemsOf("target-publications", ...ends, TYPE)).toMatchObject([{ result: "failed", evidence }]);
  expect(await itemsOf("target-publications", ...ends)).toMatchObject([{ result: "alarm", evidence }]);
  expect(await itemsOf("target-publications", ...ends, { exclude: [{ kind: "table", pattern: "public.Loose" }] })).toMatchObject([{ result: "passed" }]);
  // What it warns of.
  const hooks = { report: () => undefined, progress: newProgress(), signal: new AbortController().signal };
  await migrate(taskOptions(...ends, { acceptAlarms: true }), hooks);
  await expect(target.query('update "Loose" set a = 2')).rejects.toThrow("does not have a replica identity");
  await target.query("update whole set a = 2; update keyed set a = 2");
});

it.runIf(TEST_MAJORS.at(-1)! >= 15)("so does one of a schema", async () => {
  const newest = TEST_MAJORS.at(-1)!;
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  await source.query("create schema other; create table other.loose (a int); create table keyed (a int primary key)");
  const ends = [source.endpoint("source"), target.endpoint("target")] as const;
  await target.query("create publication those for tables in schema public");
  expect(await itemsOf("target-publications", ...ends, TYPE)).toMatchObject([{ result: "passed", evidence: ["publication those of all tables of public"] }]);
  await source.query("create table public.loose (a int, constraint later primary key (a) deferrable)");
  expect(await itemsOf("target-publications", ...ends, TYPE)).toMatchObject([
    { result: "failed", evidence: ["publication those of all tables of public", "no replica identity: public.loose"] },
  ]);
  await source.query("alter table public.loose replica identity full");
  expect(await itemsOf("target-publications", ...ends, TYPE)).toMatchObject([{ result: "passed" }]);
});
