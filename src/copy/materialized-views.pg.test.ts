import { expect, it } from "vitest";
import { createDatabase } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { readCatalog } from "../catalog/read-catalog.ts";
import { openSession } from "../wire/session.ts";
import { refreshMaterializedViews } from "./materialized-views.ts";

it.each(TEST_MAJORS)("fills chains in their order, also through functions, and names what cannot be filled (PostgreSQL %i)", async (major) => {
  const database = await createDatabase(major);
  await database.query(`
    create materialized view z_first as select 1 as a with no data;
    create function read_z() returns bigint language plpgsql as 'begin return (select count(*) from public.z_first); end';
    create materialized view a_second as select public.read_z() as n with no data;
    create materialized view broken as select 1 / (random() * 0)::int as n with no data;
    create materialized view of_broken as select * from broken with no data`);
  await using session = await openSession(database.endpoint("target"));
  const views = (await readCatalog(session)).relations.filter((relation) => relation.kind === "materializedView").toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const told: string[] = [];
  const observer = { refreshed: (view: { name: string }) => void told.push(`filled ${view.name}`), failed: (view: { name: string }) => void told.push(`empty ${view.name}`) };
  await refreshMaterializedViews(session, views, observer, new AbortController().signal);
  expect(told).toEqual(["empty broken", "filled z_first", "filled a_second", "empty of_broken"]);
  expect(await database.query("select n::int from a_second")).toEqual([{ n: 1 }]);
});
