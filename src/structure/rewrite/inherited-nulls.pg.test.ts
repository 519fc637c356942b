import { describe, expect, it } from "vitest";
import { itemsOf, taskOptions } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../../test/kit/majors.ts";
import type { Major } from "../../embedded/binaries.ts";
import { newProgress } from "../../task/events.ts";
import { migrate } from "../../../test/kit/migrate.ts";

const CHILDREN = `
  create table p (a int not null, b text, "C c" int not null);
  create table q (a int);
  create table "Odd, child" (z int default 1) inherits (p);
  alter table "Odd, child" alter a drop not null; alter table "Odd, child" alter "C c" drop not null;
  insert into "Odd, child" values (null, 'x', null, 2);
  create table only_here () inherits (q); alter table only q alter a set not null; insert into only_here values (null);
  create table grandchild () inherits ("Odd, child");
  create table strict () inherits ("Odd, child"); alter table strict alter a set not null;
  create table plain () inherits (p);
  create table parted (a int not null) partition by list (a); create table part partition of parted for values in (1);`;

const NULLABLE =
  "select attrelid::regclass::text || '.' || attname as c from pg_attribute a join pg_class c on c.oid = attrelid where relnamespace = 'public'::regnamespace and relkind = 'r' and attnum > 0 and not attnotnull order by 1";

const covered = (pairs: readonly (readonly [Major, Major])[]): readonly (readonly [Major, Major])[] => pairs.filter((pair) => pair.every((major) => TEST_MAJORS.includes(major)));

describe("children of inheritance that take nulls where a parent does not", () => {
  it.each(
    covered([
      [10, 14],
      [14, 17],
    ]),
  )("still do, from %i to %i, and only they", async (from, to) => {
    const [source, target] = [await createDatabase(from), await createDatabase(to)];
    await source.query(CHILDREN);
    const options = taskOptions(source.endpoint("source"), target.endpoint("target"), { acceptAlarms: true, verify: true });
    await migrate(options, { report: () => undefined, progress: newProgress(), signal: new AbortController().signal });
    expect(await target.query(NULLABLE)).toEqual(await source.query(NULLABLE));
  });

  it.each(
    covered([
      [14, 18],
      [17, 18],
    ]),
  )("are named on the way from %i to %i, unless they stay behind", async (from, to) => {
    const [source, target] = [await createDatabase(from), await createDatabase(to)];
    await source.query(CHILDREN);
    const item = async (pattern: string) =>
      await itemsOf("structure-compatibility", source.endpoint("source"), target.endpoint("target"), { exclude: [{ kind: "table", pattern }] });
    const evidence = (table: string): unknown => expect.stringContaining(table);
    expect(await item("plain")).toMatchObject([{ result: "failed", evidence: [evidence("TABLE public.Odd, child"), evidence("TABLE public.only_here")] }]);
    await source.query(`alter table q alter a drop not null; delete from "Odd, child"; alter table "Odd, child" alter a set not null, alter "C c" set not null`);
    expect(await item("plain")).toMatchObject([{ result: "passed" }]);
  });
});
