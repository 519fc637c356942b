import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { asAccount, createAccount, itemsOf, mend, runChecks } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { OUTER_MAJORS, TEST_MAJORS } from "../../../test/kit/majors.ts";
import { startServer } from "../../embedded/server.ts";
import { type Endpoint, parseEndpoint } from "../../wire/endpoint.ts";
import { openSession } from "../../wire/session.ts";

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

it.runIf(newest >= 18)("tells of a version that is installed in the target and older than the source's; its SQL mends it", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  await source.query("create extension hstore");
  await target.query("create extension hstore version '1.4'");
  const ends = [source.endpoint("source"), target.endpoint("target")] as const;
  const items = async () => await itemsOf("extensions", ...ends);
  const [item, ...others] = await items();
  expect(others).toEqual([]);
  expect(item).toMatchObject({ result: "alarm", evidence: ["extension hstore: 1.8 at the source, 1.4 installed on the target"], fixSql: 'alter extension "hstore" update;' });
  // The harm: hstore_subscript_handler came with 1.8.
  await source.query("create view v as select ('a=>1'::hstore)['a'] as a");
  expect((await runChecks(...ends)).find(({ id }) => id === "structure-rehearsal")).toMatchObject({ result: "failed" });
  await mend(item, ...ends);
  expect(await items()).toMatchObject([{ result: "passed", evidence: ["hstore: 1.8 → 1.8"] }]);
});

it.each(OUTER_MAJORS)("tells of one that is in another schema on the target of %i; its SQL mends it", async (major) => {
  const [source, target] = [await createDatabase(TEST_MAJORS[0]!), await createDatabase(major)];
  await source.query(`create schema "Ex t"; create extension hstore; create extension citext schema "Ex t"`);
  await target.query("create schema extensions; create extension hstore schema extensions; create extension citext schema extensions");
  const ends = [source.endpoint("source"), target.endpoint("target")] as const;
  const placesOf = async () => (await itemsOf("extensions", ...ends)).filter(({ evidence }) => evidence.some((line) => line.includes("in schema")));
  const [item] = await placesOf();
  expect(item?.result).toBe("alarm");
  expect(item?.evidence.toSorted()).toEqual([
    "extension citext: in schema Ex t at the source, in extensions on the target",
    "extension hstore: in schema public at the source, in extensions on the target",
  ]);
  await mend(item, ...ends);
  expect(await placesOf()).toEqual([]);
});

describe.each(OUTER_MAJORS)("PostgreSQL %i", (major) => {
  it("knows who may create what", async () => {
    await createAccount(major, "extension_writer");
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await target.query(`grant create on database ${target.name} to extension_writer; create extension pageinspect`);
    await source.query('create extension hstore; create schema "Ext ""x"""; create extension file_fdw schema "Ext ""x"""; create extension pageinspect');
    const [item] = await itemsOf("extensions", source.endpoint("source"), asAccount(target, "target", "extension_writer"));
    const trusted = major >= 13; // hstore is
    expect(item).toMatchObject({ result: "failed" });
    expect(item?.evidence.map((line) => line.split(" ")[1]).toSorted()).toEqual(trusted ? ["file_fdw"] : ["file_fdw", "hstore"]);
    await mend(item, source.endpoint("source"), target.endpoint("target"));
    const items = await runChecks(source.endpoint("source"), asAccount(target, "target", "extension_writer"), { noOwner: true, noPrivileges: true });
    // The schema that the SQL made for one of them is in nobody's way.
    expect(items.filter(({ id }) => id === "extensions" || id === "structure-conflict" || id === "structure-rehearsal")).toMatchObject([
      { result: "passed" },
      { result: "passed" },
      { result: "passed" },
    ]);
  });

  it("brings SQL that creates what an extension requires first, also what the account could create itself", async () => {
    await createAccount(major, "extension_writer");
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await target.query(`alter database ${target.name} owner to extension_writer; grant all on schema public to extension_writer`);
    await source.query('create schema "Cu be"; create extension cube schema "Cu be"; create extension earthdistance'); // from 13 on cube is trusted, and earthdistance is not
    const writer = asAccount(target, "target", "extension_writer");
    const [item] = await itemsOf("extensions", source.endpoint("source"), writer);
    expect(item).toMatchObject({ result: "failed" });
    expect(item?.fixSql).toBe(
      [
        'create schema if not exists "Cu be" authorization "extension_writer";',
        'create extension "cube" schema "Cu be";',
        'create extension "earthdistance" schema "public";',
      ].join("\n"),
    );
    await mend(item, source.endpoint("source"), target.endpoint("target"));
    expect(await itemsOf("extensions", source.endpoint("source"), writer)).toMatchObject([{ result: "passed" }]);
    // What is required is there: nothing else is to be created.
    await target.query("drop extension earthdistance");
    const [alone] = await itemsOf("extensions", source.endpoint("source"), writer);
    expect(alone?.fixSql).toBe('create extension "earthdistance" schema "public";');
  });
});

it.runIf(TEST_MAJORS[0]! !== newest)("asks for a superuser also where the database is still to be created: its SQL is for later, and nobody runs it as it is", async () => {
  await createAccount(newest, "extension_creator", "login createdb");
  const [source, target] = [await createDatabase(TEST_MAJORS[0]!), await createDatabase(newest)];
  await source.query("create extension file_fdw; create extension hstore");
  const changes = { include: [{ kind: "database", pattern: source.name } as const], noOwner: true, noPrivileges: true };
  const [item, ...others] = await itemsOf("extensions", source.endpoint("source"), asAccount(target, "target", "extension_creator"), changes);
  expect(others).toEqual([]);
  expect(item).toMatchObject({ result: "failed", why: expect.stringContaining("extension_creator is no superuser") as string });
  expect(item?.evidence.toSorted()).toEqual(["file_fdw", ...(newest >= 13 ? [] : ["hstore"])].map((name) => `extension ${name} needs a superuser to be created`));
  expect(item?.fixSql).toContain('create extension "file_fdw" schema "public";');
  expect(item?.fixOn).toBeUndefined(); // there is no database to run it in
  expect(await itemsOf("extensions", source.endpoint("source"), target.endpoint("target"), changes)).toMatchObject([{ result: "passed" }]);
});

/** A server with an extension of our own: where its files lie can be said since 18. */
async function withExtension(name: string, work: (control: string, ends: readonly [Endpoint, Endpoint]) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "godwit-extension-"));
  try {
    await chmod(directory, 0o755);
    await mkdir(join(directory, "extension"));
    const control = join(directory, "extension", `${name}.control`);
    await writeFile(control, CONTROL);
    await writeFile(join(directory, "extension", `${name}--1.0.sql`), "create function its_version() returns text language sql as $$ select '1.0' $$;\n");
    await using server = await startServer({ major: 18, settings: { extension_control_path: `$system:${directory}` } });
    const ends = [parseEndpoint("source", server.uri()), parseEndpoint("target", server.uri("template1"))] as const;
    {
      await using session = await openSession(ends[0]);
      await session.query(`create extension ${name} schema public`);
    }
    await work(control, ends);
  } finally {
    await rm(directory, { recursive: true });
  }
}

const CONTROL = "default_version = '1.0'\n";
/** What no server understands. */
const BROKEN = "default_version = \n";

it.runIf(newest >= 18).each([
  ["timescaledb", "hypertables are filled through its own catalog, and restored between timescaledb_pre_restore() and timescaledb_post_restore()"],
  ["citus", "rows of distributed tables lie on the workers, and not on this server"],
  ["pipelinedb", "streams and continuous views belong to its own processes"],
])("tells of extensions that keep rows in a way of their own: %s", async (name, how) => {
  // One of that name, as far as the catalog tells: the real ones are no part of PostgreSQL.
  await withExtension(name, async (_, ends) => {
    const finding = { evidence: [`extension ${name} 1.0: ${how}`], fix: expect.stringContaining(`--exclude extension=${name}`) as string };
    expect(await itemsOf("extensions", ...ends)).toMatchObject([{ ...finding, result: "alarm" }]);
    expect(await itemsOf("extensions", ...ends, { type: "full+incremental" })).toMatchObject([{ ...finding, result: "failed" }]);
    expect(await itemsOf("extensions", ...ends, { type: "structure" })).toMatchObject([{ ...finding, result: "alarm" }]);
    expect(await itemsOf("extensions", ...ends, { exclude: [{ kind: "extension", pattern: name }] })).toEqual([]);
  });
});

it.runIf(newest >= 18)("names extensions whose files the target cannot read, and minds no others of that kind", async () => {
  await withExtension("ours", async (control, ends) => {
    const items = async () => await itemsOf("extensions", ...ends);
    const failed = (words: RegExp): object => ({ result: "failed", evidence: [expect.stringMatching(words)], fix: expect.stringContaining("--exclude extension=ours") as string });
    await writeFile(control, BROKEN);
    expect(await items()).toMatchObject([failed(/^extension ours: syntax error in file ".*ours\.control"/)]);
    await writeFile(control, CONTROL);
    await chmod(control, 0); // servers do not run as root
    expect(await items()).toMatchObject([failed(/^extension ours: could not open extension control file ".*ours\.control": Permission denied/)]);
    await chmod(control, 0o644);
    expect(await items()).toMatchObject([{ result: "passed", evidence: ["ours: 1.0 → 1.0"] }]);
    // The list of all that is available ends at it.
    await writeFile(join(dirname(control), "theirs.control"), BROKEN);
    expect(await items()).toMatchObject([{ result: "passed", evidence: ["ours: 1.0 → unknown"] }]);
    // What is there already is not created.
    await using session = await openSession(ends[1]);
    await session.query("create extension ours schema public");
    await writeFile(control, BROKEN);
    expect(await items()).toMatchObject([{ result: "passed" }]);
  });
});
