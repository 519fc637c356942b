import { describe, expect, it } from "vitest";
import { itemsOf, taskOptions } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../../test/kit/majors.ts";
import { readDatabases } from "../../structure/databases.ts";
import { openSession } from "../../wire/session.ts";
import { runPrechecks } from "../run-prechecks.ts";
import type { PrecheckContext } from "../context.ts";
import { encodingCollation } from "./encoding-collation.ts";

const [oldest, newest] = [TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!];
const withEncoding = (encoding: string): string => `encoding '${encoding}' lc_collate 'C' lc_ctype 'C' template template0`;

describe("encodings", () => {
  it.each([
    ["LATIN1", "UTF8", "passed"],
    ["UTF8", "UTF8", "passed"],
    ["SQL_ASCII", "SQL_ASCII", "passed"],
    ["UTF8", "LATIN1", "alarm"],
    ["SQL_ASCII", "UTF8", "alarm"],
    ["UTF8", "SQL_ASCII", "alarm"],
    ["SQL_ASCII", "LATIN1", "failed"],
  ])("%s → %s", async (from, to, result) => {
    const [source, target] = [await createDatabase(oldest, withEncoding(from)), await createDatabase(newest, withEncoding(to))];
    const items = await itemsOf("encoding-collation", source.endpoint("source"), target.endpoint("target"));
    expect(items).toMatchObject([{ result, ...(result === "passed" ? {} : { evidence: [`source ${from}, target ${to}`] }) }]);
  });
});

it("tells how to find bytes of a SQL_ASCII database that are not UTF-8", async () => {
  const [source, target] = [await createDatabase(oldest, withEncoding("SQL_ASCII")), await createDatabase(newest, withEncoding("UTF8"))];
  await source.query("create table good (a text); insert into good values ('é'); create table bad (a text); insert into bad values (convert_from('\\xe9', 'SQL_ASCII'))");
  const [item] = await itemsOf("encoding-collation", source.endpoint("source"), target.endpoint("target"));
  const query = item!.fixSql!.replace("COLUMN", "a");
  expect(await source.query(query.replace("TABLE", "good"))).toEqual([{ count: "1" }]);
  await expect(source.query(query.replace("TABLE", "bad"))).rejects.toMatchObject({ code: "22021" });
});

it("tells of another locale", async () => {
  const [source, target] = [await createDatabase(oldest), await createDatabase(newest, withEncoding("UTF8"))];
  expect(await itemsOf("encoding-collation", source.endpoint("source"), target.endpoint("target"))).toMatchObject([
    { result: "alarm", evidence: ["LC_COLLATE: source C.UTF-8, target C", "LC_CTYPE: source C.UTF-8, target C"] },
  ]);
});

it.runIf(newest >= 15 && oldest < 15)("fails when a database cannot be created as it is", async () => {
  const [source, target] = [await createDatabase(newest, "locale_provider icu icu_locale 'de' template template0"), await createDatabase(oldest)];
  const [item] = await itemsOf("encoding-collation", source.endpoint("source"), target.endpoint("target"), { include: [{ kind: "database", pattern: source.name }] });
  expect(item).toMatchObject({ result: "failed", evidence: [expect.stringContaining("ICU")] });
});

it("fails when the target's machine lacks the locale of a new database", async () => {
  const database = await createDatabase(newest);
  await using source = await openSession(database.endpoint("source"));
  await using target = await openSession(database.endpoint("target"));
  const [definition] = (await readDatabases(source)).filter(({ name }) => name === database.name);
  const plan = { source: source.endpoint, target: target.endpoint, createTarget: true, catalog: { database: { name: database.name } } };
  const judge = async (collate: string): Promise<unknown> => {
    const context = { options: taskOptions(source.endpoint, target.endpoint), source, target, databases: [{ plan }], roles: [], newDatabases: [{ ...definition!, collate }] };
    return await runPrechecks(context as unknown as PrecheckContext, new AbortController().signal, [encodingCollation]);
  };
  expect(await judge("C.UTF-8")).toMatchObject([{ result: "passed" }]);
  expect(await judge("xx_YY.UTF-8")).toMatchObject([{ result: "failed", evidence: [expect.stringContaining("no locale xx_YY.UTF-8")] }]);
});
