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

it("takes a foreign server that cannot be reached for a failing view, but not a lost connection of its own", async () => {
  const database = await createDatabase(TEST_MAJORS.at(-1)!);
  await database.query(`
    create extension postgres_fdw; create server far foreign data wrapper postgres_fdw options (host '127.0.0.1', port '1'); create user mapping for public server far options (user 'x', password 'x');
    create foreign table ft (a int) server far; create materialized view afar as select a from ft with no data; create materialized view b_fine as select 1 as a with no data`);
  const session = await openSession(database.endpoint("target"));
  const refresh = async () => {
    const views = (await readCatalog(session)).relations.filter((relation) => relation.kind === "materializedView").toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const told: string[] = [];
    const observer = { refreshed: (view: { name: string }) => void told.push(`filled ${view.name}`), failed: (view: { name: string }) => void told.push(`empty ${view.name}`) };
    await refreshMaterializedViews(session, views, observer, new AbortController().signal);
    return told;
  };
  expect(await refresh()).toEqual(["empty afar", "filled b_fine"]);
  await database.query("create materialized view c_ends as select pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid()) as a with no data");
  await expect(refresh()).rejects.toMatchObject({ code: "connection-lost" });
  await session.close();
});
