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

it.runIf(TEST_MAJORS.at(-1)! >= 15)("one of a schema takes in the partitions of its tables, wherever they are", async () => {
  const newest = TEST_MAJORS.at(-1)!;
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  await source.query(`create schema other; create table public.whole (a int) partition by list (a); create table other.part partition of public.whole for values in (1);
    create table other.halves partition of public.whole for values in (2, 3) partition by list (a); create table other.half partition of other.halves for values in (2); insert into whole values (1), (2)`);
  await target.query("create publication those for tables in schema public");
  const ends = [source.endpoint("source"), target.endpoint("target")] as const;
  const evidence = ["publication those of all tables of public", "no replica identity: other.half", "no replica identity: other.part"];
  expect(await itemsOf("target-publications", ...ends, TYPE)).toMatchObject([{ result: "failed", evidence }]);
  expect(await itemsOf("target-publications", ...ends)).toMatchObject([{ result: "alarm", evidence }]);
  // By itself a partition is in no schema of the publication.
  expect(await itemsOf("target-publications", ...ends, { include: [{ kind: "table", pattern: "other.part" }] })).toMatchObject([{ result: "passed" }]);
  // What it warns of.
  await migrate(taskOptions(...ends, { acceptAlarms: true }), { report: () => undefined, progress: newProgress(), signal: new AbortController().signal });
  for (const part of ["part", "half"]) await expect(target.query(`update other.${part} set a = a`)).rejects.toThrow("does not have a replica identity");
});

it.runIf(TEST_MAJORS.at(-1)! >= 18)(
  "tells of tables with virtual generated columns, which have no replica identity without a key; in a schema that is published only",
  async () => {
    const newest = TEST_MAJORS.at(-1)!;
    const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
    const virtual = (name: string): string => `create table ${name} (a int, b int generated always as (a * 2) virtual)`;
    await source.query(`create schema other; ${virtual("other.doubled")}; ${virtual("public.whole")}; alter table public.whole replica identity full; ${virtual("public.keyed")};
    alter table public.keyed add primary key (a); insert into public.whole values (1); insert into other.doubled values (1)`);
    const ends = [source.endpoint("source"), target.endpoint("target")] as const;
    const [ofOther, ofPublic] = ["no replica identity: other.doubled", "no replica identity: public.whole"];
    const items = async (type: "full" | "full+incremental" = "full+incremental") => await itemsOf("target-publications", ...ends, { type });
    await target.query("create publication p for tables in schema public");
    expect(await items()).toMatchObject([
      {
        result: "failed",
        evidence: ["publication p of all tables of public", ofPublic],
        fix: expect.stringContaining("FULL is no way where columns are generated virtually") as string,
      },
    ]);
    await target.query("drop publication p; create schema theirs; create publication p for tables in schema theirs");
    expect(await items()).toMatchObject([{ result: "passed", evidence: ["publication p of all tables of theirs"] }]);
    await target.query("drop publication p; drop schema theirs; create publication p for all tables");
    expect(await items()).toMatchObject([{ result: "failed", evidence: ["publication p of all tables", ofOther, ofPublic] }]);
    expect(await items("full")).toMatchObject([{ result: "alarm", evidence: ["publication p of all tables", ofOther, ofPublic] }]);
    // What it warns of.
    await migrate(taskOptions(...ends, { acceptAlarms: true }), { report: () => undefined, progress: newProgress(), signal: new AbortController().signal });
    for (const table of ["public.whole", "other.doubled"]) await expect(target.query(`update ${table} set a = 2`)).rejects.toThrow(`cannot update table`);
  },
);

it.runIf(TEST_MAJORS.at(-1)! >= 18)("one that leaves out generated columns makes tables unchangeable whose identity has some", async () => {
  const newest = TEST_MAJORS.at(-1)!;
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  await source.query(`create table whole (a int, b int generated always as (a) stored); alter table whole replica identity full; insert into whole values (1);
    create table keyed (a int, b int generated always as (a) stored primary key); insert into keyed values (1);
    create table fine (a int primary key, b int generated always as (a) stored); insert into fine values (1)`);
  const ends = [source.endpoint("source"), target.endpoint("target")] as const;
  await target.query("create publication everything for all tables with (publish_generated_columns = stored)");
  expect(await itemsOf("target-publications", ...ends, TYPE)).toMatchObject([{ result: "passed" }]);
  await target.query("alter publication everything set (publish_generated_columns = none)");
  const told = ["keyed", "whole"].map((name) => `generated columns that are not published in the replica identity: public.${name}`);
  const evidence = ["publication everything of all tables", ...told];
  expect(await itemsOf("target-publications", ...ends, TYPE)).toMatchObject([
    { result: "failed", evidence, fix: expect.stringContaining("publish_generated_columns = stored") as string },
  ]);
  expect(await itemsOf("target-publications", ...ends)).toMatchObject([{ result: "alarm", evidence }]);
  // What it warns of.
  await migrate(taskOptions(...ends, { acceptAlarms: true }), { report: () => undefined, progress: newProgress(), signal: new AbortController().signal });
  for (const name of ["keyed", "whole"])
    await expect(target.query(`update ${name} set a = 2`)).rejects.toMatchObject({ detail: "Replica identity must not contain unpublished generated columns." });
  await target.query("update fine set a = 2");
});
