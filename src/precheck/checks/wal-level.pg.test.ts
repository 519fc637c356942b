import { describe, expect, it } from "vitest";
import { itemsOf, mend } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { OUTER_MAJORS, TEST_MAJORS } from "../../../test/kit/majors.ts";
import { becomeStandby } from "../../../test/kit/standby.ts";
import { OLD_MAJORS, ownBuild } from "../../embedded/binaries.ts";
import { startServer } from "../../embedded/server.ts";
import { parseEndpoint } from "../../wire/endpoint.ts";
import { openSession } from "../../wire/session.ts";

const TYPE = { type: "full+incremental" } as const;

describe.each(OUTER_MAJORS)("PostgreSQL %i", (major) => {
  it("passes where changes can be decoded", async () => {
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    const ends = [source.endpoint("source"), target.endpoint("target")] as const;
    expect(await itemsOf("wal-level", ...ends, TYPE)).toMatchObject([{ result: "passed", evidence: ["wal_level = logical"] }]);
  });

  it.each([
    ["replica", {}],
    ["minimal", { max_wal_senders: 0 }], // which it asks for
  ])("fails below, for %s, and its SQL mends it", async (level, others) => {
    await using server = await startServer({ major, settings: { wal_level: level, ...others } });
    const target = await createDatabase(major);
    const ends = [parseEndpoint("source", server.uri()), target.endpoint("target")] as const;
    const [item] = await itemsOf("wal-level", ...ends, TYPE);
    expect(item).toMatchObject({ result: "failed", evidence: [`wal_level = ${level}`], fixSql: "alter system set wal_level = 'logical';" });
    await mend(item, ...ends);
    expect(await itemsOf("wal-level", ...ends, TYPE)).toMatchObject([{ result: "failed" }]); // not before a restart
    await server.restart();
    expect(await itemsOf("wal-level", ...ends, TYPE)).toMatchObject([{ result: "passed" }]);
  });
});

it.each(OUTER_MAJORS)("fails for a standby of %i, of which nothing can be published", async (major) => {
  await using server = await startServer({ major });
  const target = await createDatabase(major);
  await becomeStandby(server);
  const ends = [parseEndpoint("source", server.uri()), target.endpoint("target")] as const;
  const [item] = await itemsOf("wal-level", ...ends, TYPE);
  expect(item).toMatchObject({ result: "failed", evidence: ["the server is a standby (pg_is_in_recovery)", "wal_level = logical"], fix: "Name the primary as the source." });
  expect(item?.why).toContain(major < 16 ? `A standby of PostgreSQL ${major} decodes no changes` : "can only be made on the primary");
  if (major < 12) return; // no SQL promotes it
  {
    await using session = await openSession(ends[0]);
    await session.query("select pg_promote()");
  }
  expect(await itemsOf("wal-level", ...ends, TYPE)).toMatchObject([{ result: "passed" }]);
});

for (const major of OLD_MAJORS) {
  it.skipIf(ownBuild(major) === undefined)(`PostgreSQL ${major}: fails where test_decoding is not installed, as far as the account can know`, async () => {
    await using server = await startServer({ major, settings: { dynamic_library_path: "/nowhere" } });
    const target = await createDatabase(TEST_MAJORS.at(-1)!);
    const ends = [parseEndpoint("source", server.uri()), target.endpoint("target")] as const;
    const evidence = ["wal_level = logical", "the module test_decoding cannot be loaded"];
    expect(await itemsOf("wal-level", ...ends, TYPE)).toMatchObject([{ result: "failed", evidence }]);
    await using session = await openSession(ends[0]);
    await expect(session.query("select pg_catalog.pg_create_logical_replication_slot('s', 'test_decoding')")).rejects.toThrow('could not access file "test_decoding"');
    await session.query("create role plain login replication password 'secret'");
    const plain = { ...ends[0], user: "plain", password: "secret" };
    expect(await itemsOf("wal-level", plain, ends[1], TYPE)).toMatchObject([{ result: "passed" }]);
    await session.query("alter role postgres set dynamic_library_path = '$libdir'");
    expect(await itemsOf("wal-level", ...ends, TYPE)).toMatchObject([{ result: "passed" }]);
  });
}

it("offers no SQL for what stands on the server's command line, as in many containers", async () => {
  const major = TEST_MAJORS.at(-1)!;
  await using server = await startServer({ major, commandLine: { wal_level: "replica", max_wal_senders: 0 } });
  const target = await createDatabase(major);
  const items = await itemsOf("wal-level", parseEndpoint("source", server.uri()), target.endpoint("target"), TYPE);
  expect(items).toMatchObject([{ result: "failed", fix: expect.stringContaining("On the server's command line stands: wal_level.") }]);
  expect(items[0]).not.toHaveProperty("fixSql");
  const [slots] = await itemsOf("replication-slots", parseEndpoint("source", server.uri()), target.endpoint("target"), TYPE);
  expect(slots?.fix).toContain("command line stands: max_wal_senders");
});
