import { readFile, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { asAccount, createAccount, itemsOf, mend, runChecks } from "../../../test/kit/checks.ts";
import { createDatabase, onServer } from "../../../test/kit/databases.ts";
import { OUTER_MAJORS, TEST_MAJORS } from "../../../test/kit/majors.ts";
import { OLD_MAJORS, ownBuild } from "../../embedded/binaries.ts";
import { startServer } from "../../embedded/server.ts";
import { parseEndpoint } from "../../wire/endpoint.ts";
import { openSession } from "../../wire/session.ts";

const TYPE = { type: "full+incremental" } as const;
const READER = "replication_reader";

describe.each(OUTER_MAJORS)("PostgreSQL %i", (major) => {
  it("fails for an account without the right; its SQL gives it", async () => {
    await createAccount(major, READER);
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    const ends = [asAccount(source, "source", READER), target.endpoint("target")] as const;
    const [item] = await itemsOf("replication-connection", ...ends, TYPE);
    expect(item).toMatchObject({ result: "failed", fixSql: `alter role "${READER}" replication;` });
    try {
      await mend(item, source.endpoint("source"), ends[1]);
      expect(await itemsOf("replication-connection", ...ends, TYPE)).toMatchObject([{ result: "passed" }]);
    } finally {
      await onServer(major, async (admin) => await admin.query(`alter role ${READER} noreplication`));
    }
  });
});

const newest = TEST_MAJORS.at(-1)!;

it("asks nothing of pg_hba.conf but what sessions ask, and leaves limits to other checks", async () => {
  await using server = await startServer({ major: newest, hba: ["host replication all 127.0.0.1/32 reject"] });
  const target = await createDatabase(newest);
  const ends = [parseEndpoint("source", server.uri()), target.endpoint("target")] as const;
  expect(await itemsOf("replication-connection", ...ends, TYPE)).toMatchObject([{ result: "passed", evidence: [] }]);
  {
    await using session = await openSession(ends[0]);
    await session.query("alter system set max_wal_senders = 0");
  }
  await server.restart();
  expect(await itemsOf("replication-connection", ...ends, TYPE)).toMatchObject([{ result: "passed", evidence: [expect.stringContaining("max_wal_senders")] }]);
  const [short] = await itemsOf("replication-slots", ...ends, TYPE);
  expect(short).toMatchObject({ result: "failed", fixSql: "alter system set max_wal_senders = 1;" });
  await mend(short, ...ends);
  await server.restart();
  expect(await itemsOf("replication-connection", ...ends, TYPE)).toMatchObject([{ result: "passed", evidence: [] }]);
});

it("says nothing of the account when the connection breaks: that ends the run, which is tried again", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  const url = new URL(source.uri);
  const port = Number(url.port);
  // A network that lets everything through but receivers.
  const proxy = createServer((inner) => {
    inner
      .on("error", () => undefined)
      .once("data", (start: Buffer) => {
        if (start.includes("replication\0database")) {
          inner.destroy();
          return;
        }
        const outer = connect({ host: "127.0.0.1", port }, () => outer.write(start)).on("error", () => undefined);
        outer.pipe(inner);
        inner.pipe(outer);
      });
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  try {
    url.port = String((proxy.address() as AddressInfo).port);
    await expect(runChecks(parseEndpoint("source", url.toString()), target.endpoint("target"), TYPE)).rejects.toMatchObject({ code: "connection-lost" });
  } finally {
    proxy.close();
  }
});

it("fails where the account's sessions act as a role that may not use slots; its SQL lets that role", async () => {
  await using server = await startServer({ major: newest });
  const target = await createDatabase(newest);
  const admin = parseEndpoint("source", server.uri());
  {
    await using session = await openSession(admin);
    await session.query('create role "Own 2"; create role app2 login replication password \'secret\'; grant "Own 2" to app2; alter role app2 set role = "Own 2"');
  }
  const ends = [{ ...admin, user: "app2", password: "secret" }, target.endpoint("target")] as const;
  const [item] = await itemsOf("replication-connection", ...ends, TYPE);
  expect(item).toMatchObject({
    result: "failed",
    evidence: ["sessions of the account app2 act as role Own 2, which may not use replication slots"],
    fixSql: 'alter role "Own 2" replication;',
  });
  await mend(item, admin, ends[1]);
  expect(await itemsOf("replication-connection", ...ends, TYPE)).toMatchObject([{ result: "passed" }]);
});

for (const major of OLD_MAJORS) {
  it.skipIf(ownBuild(major) === undefined)(`PostgreSQL ${major}: fails where pg_hba.conf has no line for it`, async () => {
    await using server = await startServer({ major, hba: ["host replication all 127.0.0.1/32 reject"] });
    const target = await createDatabase(newest);
    const ends = [parseEndpoint("source", server.uri()), target.endpoint("target")] as const;
    const [item] = await itemsOf("replication-connection", ...ends, TYPE);
    expect(item).toMatchObject({
      result: "failed",
      evidence: [expect.stringContaining("pg_hba.conf rejects replication connection")],
      fix: expect.stringContaining("In pg_hba.conf a line for the database replication"),
    });
    expect(item?.fixSql).toBeUndefined();
    const hba = join(server.directory, "data", "pg_hba.conf");
    await writeFile(hba, (await readFile(hba, "utf8")).replace("reject", "md5"));
    await server.restart();
    expect(await itemsOf("replication-connection", ...ends, TYPE)).toMatchObject([{ result: "passed" }]);
  });
}
