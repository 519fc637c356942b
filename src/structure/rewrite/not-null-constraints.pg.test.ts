import { expect, it } from "vitest";
import { itemsOf, taskOptions } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../../test/kit/majors.ts";
import { migrate } from "../../../test/kit/migrate.ts";
import type { Major } from "../../embedded/binaries.ts";
import { newProgress } from "../../task/events.ts";

const NOT_NULL =
  "select attrelid::regclass::text || '.' || attname as c from pg_attribute a join pg_class c on c.oid = attrelid where relnamespace = 'public'::regnamespace and relkind in ('r', 'f') and attnum > 0 and attnotnull order by 1";

const OLDER = ([16, 14, 10] as const satisfies readonly Major[]).filter((major) => TEST_MAJORS.includes(major) && TEST_MAJORS.includes(18));

it.each(OLDER)("NOT NULL NO INHERIT, named or not, moves from 18 to %i where nobody inherits, and is named where somebody does", async (to) => {
  const [source, target] = [await createDatabase(18), await createDatabase(to)];
  await source.query(`
    create table unnamed (b int not null no inherit);
    create table nochild (a int constraint named not null no inherit, b int not null no inherit, "C, c" text default ' NOT NULL NO INHERIT' not null no inherit, d int);
    insert into nochild values (1, 2, 'x', null)`);
  const options = taskOptions(source.endpoint("source"), target.endpoint("target"), { acceptAlarms: true, verify: true });
  await migrate(options, { report: () => undefined, progress: newProgress(), signal: new AbortController().signal });
  expect(await target.query(NOT_NULL)).toEqual(await source.query(NOT_NULL));
  expect(await target.query("insert into nochild (a, b) values (3, 4) returning *")).toEqual([{ a: 3, b: 4, "C, c": " NOT NULL NO INHERIT", d: null }]);

  await source.query(`
    create table parent (b int not null no inherit); create table child () inherits (parent);
    create foreign data wrapper far; create server away foreign data wrapper far;
    create table local (b int not null no inherit); create foreign table remote () inherits (local) server away`);
  const fresh = await createDatabase(to);
  const evidence = (table: string): unknown => expect.stringContaining(`TABLE public.${table}`);
  expect(await itemsOf("structure-compatibility", source.endpoint("source"), fresh.endpoint("target"))).toMatchObject([
    { result: "failed", evidence: [evidence("parent"), evidence("local")] },
  ]);
});
