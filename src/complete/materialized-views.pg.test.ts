import { expect, it } from "vitest";
import { createDatabase } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { readCatalog } from "../catalog/read-catalog.ts";
import { openSession } from "../wire/session.ts";
import { refreshViews } from "./materialized-views.ts";

it("fills materialized views anew, in the order of their needs, and tells of one that cannot be filled", async () => {
  const target = await createDatabase(TEST_MAJORS.at(-1)!);
  await target.query(`create table t (a int); insert into t values (1);
    create materialized view "first" as select a from t; create materialized view second as select a from "first"; create materialized view idle as select a from t with no data;
    create materialized view broken as select 1 / a as q from t; insert into t values (0)`);
  await using session = await openSession(target.endpoint("target"));
  const views = (await readCatalog(session)).relations.filter(({ kind }) => kind === "materializedView");
  const { aligned, notes } = await refreshViews(session, views, new AbortController().signal);
  expect(aligned.map(({ object }) => object).toSorted()).toEqual(["materialized view public.first", "materialized view public.second"]);
  expect(notes).toEqual([expect.stringMatching(/^materialized view public\.broken stays empty: .*division by zero/)]);
  expect(await target.query("select count(*)::int as n from second")).toEqual([{ n: 2 }]);
});
