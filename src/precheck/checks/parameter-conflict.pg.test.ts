import { describe, expect, it } from "vitest";
import { itemsOf, mend } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../../test/kit/majors.ts";
import { startServer } from "../../embedded/server.ts";
import { parseEndpoint } from "../../wire/endpoint.ts";

describe.each(TEST_MAJORS)("PostgreSQL %i", (major) => {
  it("names what sessions begin with on each side, and brings the SQL", async () => {
    const source = await createDatabase(major);
    const target = await createDatabase(major);
    const ends = [source.endpoint("source"), target.endpoint("target")] as const;
    await source.query("create table public.t (a int)");
    const someObjects = { include: [{ kind: "table", pattern: "public.t" }] } as const;
    expect(await itemsOf("parameter-conflict", ...ends, someObjects)).toMatchObject([{ result: "passed" }]);
    await source.query(`alter database ${source.name} set datestyle = 'SQL, DMY'; alter database ${source.name} set timezone = 'Asia/Shanghai'`);
    // They move with the whole database.
    expect(await itemsOf("parameter-conflict", ...ends)).toMatchObject([{ result: "passed" }]);
    const [item] = await itemsOf("parameter-conflict", ...ends, someObjects);
    expect(item).toMatchObject({ result: "alarm" });
    expect(item?.evidence).toEqual([
      expect.stringMatching(/^DateStyle = SQL, DMY at the source, ISO, MDY on the target$/),
      expect.stringMatching(/^TimeZone = Asia\/Shanghai at the source, .* on the target$/),
    ]);
    expect(item?.fixSql).toContain("alter system set DateStyle = 'SQL', 'DMY';");
    // The same, said for the database: then the item passes.
    await target.query(`alter database ${target.name} set datestyle = 'SQL, DMY'; alter database ${target.name} set timezone = 'Asia/Shanghai'`);
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
  expect(await itemsOf("parameter-conflict", source.endpoint("source"), target.endpoint("target"), { include })).toMatchObject([{ result: "passed" }]);
});

it("takes the defaults of two versions for what they are", async () => {
  const [older, newer] = [TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!];
  const [source, target] = [await createDatabase(older), await createDatabase(newer)];
  expect(await itemsOf("parameter-conflict", source.endpoint("source"), target.endpoint("target"))).toMatchObject([{ result: "passed" }]);
});

it("brings SQL after which the target's sessions begin as the source's do", async () => {
  const major = TEST_MAJORS.at(-1)!;
  await using server = await startServer({ major });
  const source = await createDatabase(major);
  await source.query(`create table public.t (a int); alter database ${source.name} set datestyle = 'SQL, DMY'; alter database ${source.name} set xmlbinary = 'hex';
    alter database ${source.name} set default_text_search_config = 'pg_catalog.simple'; alter database ${source.name} set gin_fuzzy_search_limit = 100; alter database ${source.name} set timezone = 'Asia/Shanghai'`);
  const ends = [source.endpoint("source"), parseEndpoint("target", server.uri())] as const;
  const include = [{ kind: "table", pattern: "public.t" }] as const;
  const [item] = await itemsOf("parameter-conflict", ...ends, { include });
  expect(item).toMatchObject({ result: "alarm" });
  await mend(item, ...ends);
  // A reload takes its moment.
  await expect.poll(async () => (await itemsOf("parameter-conflict", ...ends, { include })).map(({ result }) => result)).toEqual(["passed"]);
});
