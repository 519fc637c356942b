import { describe, expect, it } from "vitest";
import { asAccount, createAccount, itemsOf } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../../test/kit/majors.ts";

const [oldest, newest] = [TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!];

it.runIf(oldest < 17 && newest >= 17)("fails for an extension that the target does not have", async () => {
  const [source, target] = [await createDatabase(oldest), await createDatabase(newest)];
  await source.query("create extension adminpack; create extension hstore"); // adminpack went away with PostgreSQL 17
  const [item, ...others] = await itemsOf("extensions", source.endpoint("source"), target.endpoint("target"));
  expect(others).toEqual([]);
  expect(item).toMatchObject({ result: "failed", evidence: [expect.stringMatching(/^extension adminpack \(.*\) is not available on the target$/)] });
  expect(item?.fix).toContain("--exclude extension=adminpack");
});

it.runIf(TEST_MAJORS.includes(14) && TEST_MAJORS.includes(18))("tells of a version that is older on the target", async () => {
  const [source, target] = [await createDatabase(18), await createDatabase(14)];
  await source.query("create extension btree_gist");
  expect(await itemsOf("extensions", source.endpoint("source"), target.endpoint("target"))).toMatchObject([
    { result: "alarm", evidence: ["extension btree_gist: 1.8 at the source, 1.6 on the target"] },
  ]);
});

describe.each(TEST_MAJORS)("PostgreSQL %i", (major) => {
  it("knows who may create what", async () => {
    await createAccount(major, "extension_writer");
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await target.query(`grant create on database ${target.name} to extension_writer; create extension pageinspect`);
    await source.query("create extension hstore; create extension file_fdw; create extension pageinspect");
    const [item] = await itemsOf("extensions", source.endpoint("source"), asAccount(target, "target", "extension_writer"));
    const trusted = major >= 13; // hstore is
    expect(item).toMatchObject({ result: "failed" });
    expect(item?.evidence.map((line) => line.split(" ")[1]).toSorted()).toEqual(trusted ? ["file_fdw"] : ["file_fdw", "hstore"]);
    await target.query(item?.fixSql ?? "");
    expect(await itemsOf("extensions", source.endpoint("source"), asAccount(target, "target", "extension_writer"))).toMatchObject([{ result: "passed" }]);
  });
});
