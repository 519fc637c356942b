import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { itemsOf, taskOptions } from "../../../test/kit/checks.ts";
import { type TestDatabase, createDatabase } from "../../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../../test/kit/majors.ts";
import { startServer } from "../../embedded/server.ts";
import { readDatabases } from "../../structure/databases.ts";
import { parseEndpoint } from "../../wire/endpoint.ts";
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

it.runIf(newest >= 16)("tells of rules that ICU's locale has on one side alone: texts sort by them", async () => {
  const german = "locale_provider icu icu_locale 'de' template template0";
  const [plain, ruled] = [await createDatabase(newest, german), await createDatabase(newest, `icu_rules '& a < g' ${german}`)];
  const items = async (source: typeof plain, target: typeof plain) => await itemsOf("encoding-collation", source.endpoint("source"), target.endpoint("target"));
  expect(await items(ruled, plain)).toMatchObject([{ result: "alarm", evidence: ["locale provider: source icu de, rules & a < g, target icu de"] }]);
  expect(await items(plain, ruled)).toMatchObject([{ result: "alarm", evidence: ["locale provider: source icu de, target icu de, rules & a < g"] }]);
  expect(await items(plain, plain)).toMatchObject([{ result: "passed" }]);
});

it.runIf(newest >= 15)("tells of another locale provider: ICU, libc, and from 17 on the built-in one, whose C is libc's C", async () => {
  const made = async (provider: string): Promise<TestDatabase> => await createDatabase(newest, `${provider} lc_collate 'C' lc_ctype 'C' template template0`);
  const [libc, icu] = [await made("locale_provider libc"), await made("locale_provider icu icu_locale 'de'")];
  const items = async (source: TestDatabase, target: TestDatabase) => await itemsOf("encoding-collation", source.endpoint("source"), target.endpoint("target"));
  const alarm = (source: string, target: string, fix: string): object => ({
    result: "alarm",
    evidence: [`locale provider: source ${source}, target ${target}`],
    fix: `Create the target database with the source's locale: encoding UTF8, LC_COLLATE C, LC_CTYPE C${fix} (template template0), or accept the alarm.`,
  });
  expect(await items(libc, icu)).toMatchObject([alarm("libc", "icu de", "")]);
  expect(await items(icu, libc)).toMatchObject([alarm("icu de", "libc", ", provider icu de")]);
  expect(await items(icu, icu)).toMatchObject([{ result: "passed", evidence: ["encoding UTF8, LC_COLLATE C, LC_CTYPE C, provider icu de"] }]);
  if (newest < 17) return;
  const [builtin, c] = [await made("locale_provider builtin builtin_locale 'C.UTF-8'"), await made("locale_provider builtin builtin_locale 'C'")];
  expect(await items(builtin, libc)).toMatchObject([alarm("builtin C.UTF-8", "libc", ", provider builtin C.UTF-8")]);
  expect(await items(icu, builtin)).toMatchObject([alarm("icu de", "builtin C.UTF-8", ", provider icu de")]);
  expect(await items(libc, c)).toMatchObject([{ result: "passed" }]);
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

/** Debian's packages libc-bin and locales. */
const canMakeLocales = existsSync("/usr/bin/localedef") && existsSync("/usr/share/i18n/locales/de_DE");

/** Runs something while servers that are started find the locales of a directory, and those that glibc brings itself (https://man7.org/linux/man-pages/man7/locale.7.html). */
async function withLocales<T>(directory: string, work: () => Promise<T>): Promise<T> {
  process.env["LOCPATH"] = directory;
  try {
    return await work();
  } finally {
    delete process.env["LOCPATH"];
  }
}

it.skipIf(!canMakeLocales)("fails for a locale that only the source's machine has; passes when the target's has it, too", async () => {
  const directory = await mkdtemp(join(tmpdir(), "godwit-locales-"));
  try {
    await chmod(directory, 0o755);
    await promisify(execFile)("/usr/bin/localedef", ["--no-archive", "-i", "de_DE", "-f", "UTF-8", join(directory, "de_DE.utf8")]);
    await using from = await withLocales(directory, async () => await startServer({ major: newest }));
    await using to = await startServer({ major: newest });
    const run = async (sql: string, uri: string): Promise<void> => {
      await using session = await openSession(parseEndpoint("target", uri));
      await session.query(sql);
    };
    await run("create database german lc_collate 'de_DE.utf8' lc_ctype 'de_DE.utf8' template template0", from.uri());
    const ends = [parseEndpoint("source", from.uri("german")), parseEndpoint("target", to.uri())] as const;
    const items = async () => await itemsOf("encoding-collation", ...ends, { include: [{ kind: "database", pattern: "german" }] });
    expect(await items()).toMatchObject([{ result: "failed", evidence: ["database german: the target's machine has no locale de_DE.utf8"] }]);
    // The one way out: a database that was made by hand.
    await run("create database german", to.uri());
    expect(await items()).toMatchObject([{ result: "alarm", evidence: ["LC_COLLATE: source de_DE.utf8, target C.UTF-8", "LC_CTYPE: source de_DE.utf8, target C.UTF-8"] }]);
    await run("drop database german", to.uri());
    // The other one.
    await withLocales(directory, async () => await to.restart());
    expect(await items()).toMatchObject([{ result: "passed", evidence: ["is created with encoding UTF8, LC_COLLATE de_DE.utf8, LC_CTYPE de_DE.utf8"] }]);
  } finally {
    await rm(directory, { recursive: true });
  }
});

it.runIf(newest >= 15)("fails for ICU's locale on a server that has nothing of ICU, as one that was built without", async () => {
  const source = await createDatabase(newest, "locale_provider icu icu_locale 'de' template template0");
  await using server = await startServer({ major: newest });
  const target = parseEndpoint("target", server.uri());
  const items = async () => await itemsOf("encoding-collation", source.endpoint("source"), target, { include: [{ kind: "database", pattern: source.name }] });
  expect(await items()).toMatchObject([{ result: "passed", evidence: [expect.stringContaining("provider icu de")] }]);
  // Nobody packages such a server.
  await using session = await openSession(target);
  await session.query("delete from pg_catalog.pg_collation where collprovider = 'i'");
  expect(await items()).toMatchObject([{ result: "failed", evidence: [`database ${source.name}: the target was built without ICU`] }]);
});
