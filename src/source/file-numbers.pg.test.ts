import { expect, it } from "vitest";
import { createDatabase } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { readCatalog } from "../catalog/read-catalog.ts";
import { openSession } from "../wire/session.ts";
import { findOtherFiles, readFileNumbers } from "./file-numbers.ts";

it.each(TEST_MAJORS)("PostgreSQL %i: notices tables that were truncated or rewritten", async (major) => {
  const database = await createDatabase(major);
  await database.query("create table kept (a int); create table cut (a int); create table rewritten (a int); create table gone (a int)");
  await using session = await openSession(database.endpoint("source"));
  const tables = (await readCatalog(session)).relations.map(({ oid }) => oid);
  const before = await readFileNumbers(session, tables);
  expect(Object.keys(before)).toHaveLength(4);
  await database.query("insert into kept values (1); delete from kept");
  expect(await findOtherFiles(session, before)).toEqual([]);
  await database.query("truncate cut; alter table rewritten alter a type bigint; drop table gone");
  expect(await findOtherFiles(session, before)).toEqual(["public.cut", "public.rewritten"]);
});
