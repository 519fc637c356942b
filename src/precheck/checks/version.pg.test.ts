import { expect, it } from "vitest";
import { itemsOf } from "../../../test/kit/checks.ts";
import { type TestDatabase, createDatabase } from "../../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../../test/kit/majors.ts";
import { type RewritingProxy, openRewritingProxy } from "../../../test/kit/rewriting-proxy.ts";

const [oldest, newest] = [TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!];

it("passes upwards, and tells of a target that is older", async () => {
  const [old, young] = [await createDatabase(oldest), await createDatabase(newest)];
  const up = await itemsOf("version", old.endpoint("source"), young.endpoint("target"));
  expect(up).toMatchObject([{ result: "passed", evidence: [`source PostgreSQL ${oldest}, target PostgreSQL ${newest}`] }]);
  const down = await itemsOf("version", young.endpoint("source"), old.endpoint("target"));
  expect(down).toMatchObject([{ result: oldest === newest ? "passed" : "alarm" }]);
});

/** The way to a server that names another major in these settings, and wherever else they stand. It has to have what the next one will, too. */
async function naming(major: number, database: TestDatabase, settings: readonly string[]): Promise<RewritingProxy> {
  const rows = await database.query<{ text: string }>("select current_setting(name) as text from unnest($1::text[]) name", [settings]);
  return await openRewritingProxy(
    database.endpoint("source").port,
    rows.map(({ text }) => [text, text.replace(String(database.major), String(major))]),
  );
}

it.runIf(newest >= 18)("tells of a version that is newer than any it knows", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  // pg_dump refuses by the other setting what is newer than itself: the source is read as by one that is as new, see --pg-dump.
  await using nineteen = await naming(19, source, ["server_version_num"]);
  await using twenty = await naming(20, target, ["server_version_num", "server_version"]);
  const [from, to] = [source.endpoint("source"), target.endpoint("target")];
  const [newer, young] = [
    { ...from, port: nineteen.port },
    { ...to, port: twenty.port },
  ];
  const told = (one: number, other: number, why: string): object => ({
    result: "alarm",
    evidence: [`source PostgreSQL ${one}, target PostgreSQL ${other}`],
    why: expect.stringContaining(`${why} newer than this program knows (18)`) as string,
    docs: "docs/reference/prechecks.md#version",
  });
  expect(await itemsOf("version", from, young)).toMatchObject([told(newest, 20, "PostgreSQL 20 is")]);
  expect(await itemsOf("version", newer, to)).toMatchObject([
    told(19, newest, "PostgreSQL 19 is"),
    { result: "alarm", why: expect.stringContaining("The target is older") as string },
  ]);
  expect(await itemsOf("version", newer, { ...to, port: nineteen.port })).toMatchObject([told(19, 19, "PostgreSQL 19 is")]);
  expect(await itemsOf("version", newer, young)).toMatchObject([told(19, 20, "PostgreSQL 19 and 20 are")]);
});

it.runIf(newest >= 18)("asks for another pg_dump where the source is newer than the built-in one", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  await using nineteen = await naming(19, source, ["server_version_num", "server_version"]);
  await expect(itemsOf("version", { ...source.endpoint("source"), port: nineteen.port }, target.endpoint("target"))).rejects.toMatchObject({
    code: "dump-failed",
    message: expect.stringMatching(/server version mismatch; server version: 19\S*; pg_dump version: 18/) as string,
    advice: expect.stringContaining("with --pg-dump") as string,
  });
});
