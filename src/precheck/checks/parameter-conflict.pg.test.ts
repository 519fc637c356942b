import { describe, expect, it } from "vitest";
import { asAccount, createAccount, itemsOf, mend } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { OUTER_MAJORS, TEST_MAJORS } from "../../../test/kit/majors.ts";
import { startServer } from "../../embedded/server.ts";
import { parseEndpoint } from "../../wire/endpoint.ts";
import { openSession } from "../../wire/session.ts";

describe.each(OUTER_MAJORS)("PostgreSQL %i", (major) => {
  it("names what sessions begin with on each side, and brings the SQL", async () => {
    const source = await createDatabase(major);
    const target = await createDatabase(major);
    const ends = [source.endpoint("source"), target.endpoint("target")] as const;
    await source.query("create table public.t (a int)");
    const someObjects = { include: [{ kind: "table", pattern: "public.t" }] } as const;
    expect(await itemsOf("parameter-conflict", ...ends, someObjects)).toMatchObject([{ result: "passed" }]);
    await source.query(`alter database ${source.name} set datestyle = 'SQL, DMY'; alter database ${source.name} set timezone = 'Asia/Shanghai'`);
    // The content of one database moves into another: its settings stay behind.
    expect(await itemsOf("parameter-conflict", ...ends)).toMatchObject([{ result: "alarm" }]);
    const [item] = await itemsOf("parameter-conflict", ...ends, someObjects);
    expect(item).toMatchObject({ result: "alarm" });
    expect(item?.evidence).toEqual([
      expect.stringMatching(/^DateStyle = SQL, DMY at the source, ISO, MDY on the target$/),
      expect.stringMatching(/^TimeZone = Asia\/Shanghai at the source, .* on the target$/),
    ]);
    expect(item?.fixSql).toBe(`alter database "${target.name}" set "DateStyle" to 'SQL, DMY';\nalter database "${target.name}" set "TimeZone" to 'Asia/Shanghai';`);
    await mend(item, ...ends);
    expect(await itemsOf("parameter-conflict", ...ends)).toMatchObject([{ result: "passed" }]);
    expect(await itemsOf("parameter-conflict", ...ends, someObjects)).toMatchObject([{ result: "passed" }]);
  });
});

it("takes spellings of one and the same for no difference", async () => {
  const major = TEST_MAJORS.at(-1)!;
  const [source, target] = [await createDatabase(major), await createDatabase(major)];
  await source.query(
    `create table t (a int); alter database ${source.name} set timezone = 'Etc/UTC'; alter database ${source.name} set lc_monetary = 'C.UTF-8'; alter database ${source.name} set default_text_search_config = 'english'`,
  );
  await target.query(
    `alter database ${target.name} set timezone = 'UTC'; alter database ${target.name} set lc_monetary = 'POSIX'; alter database ${target.name} set default_text_search_config = 'pg_catalog.english'`,
  );
  const include = [{ kind: "table", pattern: "public.t" }] as const;
  const items = async () => await itemsOf("parameter-conflict", source.endpoint("source"), target.endpoint("target"), { include });
  expect(await items()).toMatchObject([{ result: "passed" }]);
  await source.query(`alter database ${source.name} set timezone = 'GMT'`); // what a server without any configuration has
  expect(await items()).toMatchObject([{ result: "passed" }]);
});

it("compares lists as lists", async () => {
  const major = TEST_MAJORS.at(-1)!;
  await using source = await startServer({ major, settings: { search_path: '"$user",public', DateStyle: "sql,dmy" } });
  const target = await createDatabase(major);
  const items = async () => await itemsOf("parameter-conflict", parseEndpoint("source", source.uri()), target.endpoint("target"));
  await target.query(`alter database ${target.name} set datestyle = 'SQL, DMY'`);
  expect(await items()).toMatchObject([{ result: "passed" }]);
  await target.query(`alter database ${target.name} set search_path = public, "$user"`);
  const [item] = await items();
  expect(item).toMatchObject({ result: "alarm", evidence: ['search_path = "$user",public at the source, public, "$user" on the target'] });
  // Names are as they are written; without quotes they are small.
  await target.query(`alter database ${target.name} set search_path = '$user', 'Public'`);
  expect(await items()).toMatchObject([{ result: "alarm" }]);
});

it.each([
  ['"Odd, one",PUBLIC', '"Odd, one", public'],
  ["", '""'],
])("brings SQL for a list that is written as <%s>", async (written, shown) => {
  const major = TEST_MAJORS.at(-1)!;
  await using source = await startServer({ major, settings: { search_path: written } });
  await using target = await startServer({ major });
  const ends = [parseEndpoint("source", source.uri()), parseEndpoint("target", target.uri())] as const;
  const [item] = await itemsOf("parameter-conflict", ...ends);
  expect(item).toMatchObject({ result: "alarm", evidence: [`search_path = ${written} at the source, "$user", public on the target`] });
  await mend(item, ...ends);
  await expect.poll(async () => (await itemsOf("parameter-conflict", ...ends)).map(({ result }) => result), { timeout: 20_000 }).toEqual(["passed"]);
  await using session = await openSession({ ...ends[1] });
  expect(await session.query("select reset_val as value from pg_catalog.pg_settings where name = 'search_path'")).toEqual([{ value: shown }]);
});

it("takes the defaults of two versions for what they are", async () => {
  const [older, newer] = [TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!];
  const [source, target] = [await createDatabase(older), await createDatabase(newer)];
  expect(await itemsOf("parameter-conflict", source.endpoint("source"), target.endpoint("target"))).toMatchObject([{ result: "passed" }]);
});

it.runIf(TEST_MAJORS[0] !== TEST_MAJORS.at(-1))("knows that a database's own settings move with a database that moves under its name", async () => {
  const [source, target] = [await createDatabase(TEST_MAJORS[0]!), await createDatabase(TEST_MAJORS.at(-1)!)];
  await source.query(`alter database ${source.name} set datestyle = 'SQL, DMY'; alter database ${source.name} set search_path = "Odd, one", public`);
  const include = [{ kind: "database", pattern: source.name }] as const;
  expect(await itemsOf("parameter-conflict", source.endpoint("source"), target.endpoint("target"), { include })).toMatchObject([{ result: "passed" }]);
});

it("brings SQL after which the target's sessions begin as the source's do", async () => {
  const major = TEST_MAJORS.at(-1)!;
  // Said for the whole server at the source, and for the database.
  await using source = await startServer({ major, settings: { DateStyle: "SQL, DMY", xmlbinary: "hex", search_path: '"Odd, one", public', TimeZone: "Asia/Shanghai" } });
  await using target = await startServer({ major });
  const ends = [parseEndpoint("source", source.uri()), parseEndpoint("target", target.uri())] as const;
  await using session = await openSession(ends[0]);
  await session.query("alter database postgres set gin_fuzzy_search_limit = 100; alter database postgres set default_text_search_config = 'pg_catalog.simple'");
  const [item] = await itemsOf("parameter-conflict", ...ends);
  expect(item).toMatchObject({ result: "alarm" });
  expect(item?.fixSql).toContain("alter system set search_path = 'Odd, one', 'public';");
  await mend(item, ...ends);
  // A reload takes its moment.
  await expect.poll(async () => (await itemsOf("parameter-conflict", ...ends)).map(({ result }) => result), { timeout: 20_000 }).toEqual(["passed"]);
});

describe.each([TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!])("what alter role sets for the account itself, PostgreSQL %i", (major) => {
  it("is no application's: the database's and the server's settings are compared, or it is said that nobody sees them", async () => {
    const settled =
      "alter role ACCOUNT set search_path = pg_catalog; alter role ACCOUNT set timezone = 'Asia/Tokyo'; alter role ACCOUNT in database DATABASE set datestyle = 'German'";
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    for (const [account, attributes] of [
      ["settled_admin", "login superuser"],
      ["settled_plain", "login"],
    ] as const) {
      await createAccount(major, account, attributes);
      const ends = [asAccount(source, "source", account), target.endpoint("target")] as const;
      const items = async () => await itemsOf("parameter-conflict", ...ends);
      const evidence = ["DateStyle", "TimeZone", "search_path"].map((name) => `${name}: not compared, as \`alter role\` sets it for the account ${account} at the source`);
      await source.query(settled.replaceAll("ACCOUNT", account).replaceAll("DATABASE", source.name));
      try {
        expect(await items()).toMatchObject([{ result: "passed", evidence: account === "settled_admin" ? [] : evidence }]);
        // What the database says, everybody sees.
        await source.query(`alter database ${source.name} set datestyle = 'sql, dmy'`);
        const [item] = await items();
        const difference = "DateStyle = SQL, DMY at the source, ISO, MDY on the target";
        expect(item).toMatchObject({ result: "alarm", evidence: account === "settled_admin" ? [difference] : [difference, ...evidence.slice(1)] });
        expect(item?.fixSql).toBe(`alter database "${target.name}" set "DateStyle" to 'SQL, DMY';`);
        await mend(item, ...ends);
        expect(await items()).toMatchObject([{ result: "passed" }]);
      } finally {
        await source.query(`alter role ${account} reset all; alter role ${account} in database ${source.name} reset all; alter database ${source.name} reset datestyle`);
        await target.query(`alter database ${target.name} reset datestyle`);
      }
    }
  });

  it("hides nothing that differs", async () => {
    await using source = await startServer({ major, settings: { DateStyle: "SQL, DMY", search_path: '"Odd, one", public' } });
    await using target = await startServer({ major });
    const ends = [parseEndpoint("source", source.uri()), parseEndpoint("target", target.uri())] as const;
    await using session = await openSession(ends[0]);
    await session.query("alter role postgres set datestyle = 'ISO, MDY'; alter role all set intervalstyle = 'sql_standard'; alter role postgres set intervalstyle = 'postgres'");
    await using other = await openSession(ends[1]);
    await other.query('alter role postgres set search_path = "Odd, one", public');
    const [item] = await itemsOf("parameter-conflict", ...ends);
    expect(item).toMatchObject({
      result: "alarm",
      evidence: [
        "DateStyle = SQL, DMY at the source, ISO, MDY on the target",
        "IntervalStyle = sql_standard at the source, postgres on the target",
        'search_path = "Odd, one", public at the source, "$user", public on the target',
      ],
    });
    await mend(item, ...ends);
    await expect.poll(async () => (await itemsOf("parameter-conflict", ...ends)).map(({ result }) => result), { timeout: 20_000 }).toEqual(["passed"]);
  });
});

it.each(OUTER_MAJORS)("mends a target of %i that says otherwise for its database, without touching the server", async (major) => {
  await using source = await startServer({ major, settings: { TimeZone: "Europe/Berlin" } });
  await using server = await startServer({ major, settings: { TimeZone: "UTC" } });
  const ends = [parseEndpoint("source", source.uri()), parseEndpoint("target", server.uri())] as const;
  await using session = await openSession(ends[1]);
  for (const scope of ["database postgres", "role all"]) {
    await session.query(`alter ${scope} set timezone = 'Asia/Tokyo'`);
    const [item] = await itemsOf("parameter-conflict", ...ends);
    expect(item).toMatchObject({
      result: "alarm",
      evidence: ["TimeZone = Europe/Berlin at the source, Asia/Tokyo on the target"],
      fixSql: `alter database "postgres" set "TimeZone" to 'Europe/Berlin';`,
    });
    await mend(item, ...ends);
    expect(await itemsOf("parameter-conflict", ...ends)).toMatchObject([{ result: "passed" }]);
    await session.query("alter database postgres reset timezone");
  }
  await session.query("alter role all reset timezone");
  await using other = await openSession({ ...ends[1], database: "template1" }, { settings: {} });
  expect(await other.query("select reset_val from pg_settings where name = 'TimeZone'")).toEqual([{ reset_val: "UTC" }]);
});
