import { expect, it } from "vitest";
import { asAccount, createAccount, itemsOf, mend } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { OUTER_MAJORS } from "../../../test/kit/majors.ts";

const WRITER = 'Row "writer"';

it.each(OUTER_MAJORS)("tells where policies would bind the account that writes; its SQL mends it; PostgreSQL %i", async (major) => {
  await createAccount(major, WRITER);
  const [source, target] = [await createDatabase(major), await createDatabase(major)];
  await source.query(`create table plain (id int primary key); create table mild (id int primary key); alter table mild enable row level security;
    create table "For ced" (id int primary key); alter table "For ced" enable row level security; alter table "For ced" force row level security;
    create table asleep (id int primary key); alter table asleep force row level security`); // which binds nobody before it is enabled
  const writer = asAccount(target, "target", WRITER);
  const items = async (changes: object, end = writer) => await itemsOf("row-security", source.endpoint("source"), end, { noOwner: true, ...changes });
  const evidence = ['public."For ced" has FORCE ROW LEVEL SECURITY'];
  expect(await items({ type: "full" })).toMatchObject([{ result: "passed" }]);
  expect(await items({ type: "full+incremental" }, target.endpoint("target"))).toMatchObject([{ result: "passed" }]);
  expect(await items({ type: "full+incremental", exclude: [{ kind: "table", pattern: "For ced" }] })).toMatchObject([{ result: "passed" }]);
  const [item] = await items({ type: "full+incremental" });
  expect(item).toMatchObject({ result: "failed", evidence, fixSql: 'alter role "Row ""writer""" bypassrls;' });
  expect(item?.why).toContain("refuses the first change");
  const [compared] = await items({ type: "full", verify: true });
  expect(compared).toMatchObject({ result: "alarm", evidence, why: expect.stringContaining("cannot be compared") as string, fixSql: item!.fixSql });
  try {
    await mend(item, source.endpoint("source"), target.endpoint("target"));
    expect(await items({ type: "full+incremental" })).toMatchObject([{ result: "passed" }]);
    expect(await items({ type: "full", verify: true })).toMatchObject([{ result: "passed" }]);
  } finally {
    await target.query(`alter role "Row ""writer""" nobypassrls`);
  }
  // A role's attributes are its own: a member has none of them. https://www.postgresql.org/docs/current/role-attributes.html
  await createAccount(major, "row_bypasser", "nologin bypassrls");
  await target.query(`grant row_bypasser to "Row ""writer"""`);
  expect(await items({ type: "full+incremental" })).toMatchObject([{ result: "failed", evidence }]);
  // The other way that it names.
  await source.query('alter table "For ced" no force row level security');
  expect(await items({ type: "full+incremental" })).toMatchObject([{ result: "passed" }]);
  expect(await items({ type: "structure" })).toEqual([]);
});

it.each(OUTER_MAJORS)("tells of materialized views that would stay empty; its SQL mends it; PostgreSQL %i", async (major) => {
  await createAccount(major, "row_refresher");
  const [source, target] = [await createDatabase(major), await createDatabase(major)];
  await source.query(`create table forced (id int primary key); alter table forced enable row level security; alter table forced force row level security;
    create materialized view filled as select id from forced; create materialized view empty as select id from forced with no data`);
  const items = async (changes: object) => await itemsOf("row-security", source.endpoint("source"), asAccount(target, "target", "row_refresher"), { noOwner: true, ...changes });
  expect(await items({ exclude: [{ kind: "materialized-view", pattern: "filled" }] })).toMatchObject([{ result: "passed" }]); // one that is not filled reads nothing
  const [item] = await items({});
  expect(item).toMatchObject({
    result: "alarm",
    evidence: ["public.forced has FORCE ROW LEVEL SECURITY"],
    why: expect.stringContaining("materialized views that read them stay empty"),
    fixSql: 'alter role "row_refresher" bypassrls;',
  });
  try {
    await mend(item, source.endpoint("source"), target.endpoint("target"));
    expect(await items({})).toMatchObject([{ result: "passed" }]);
  } finally {
    await target.query("alter role row_refresher nobypassrls");
  }
});
