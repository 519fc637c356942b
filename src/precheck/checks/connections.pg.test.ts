import { Client, type ClientConfig } from "pg";
import { afterAll, describe, expect, it } from "vitest";
import { asAccount, createAccount, itemsOf, itemsOfCheck, mend } from "../../../test/kit/checks.ts";
import { createDatabase, onServer } from "../../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../../test/kit/majors.ts";
import { Ledger, sessionName } from "../../copy/ledger.ts";
import { startServer } from "../../embedded/server.ts";
import { shortMemory } from "../../task/task-memory.ts";
import type { CheckItem } from "../check.ts";
import { parseEndpoint } from "../../wire/endpoint.ts";
import { openSession } from "../../wire/session.ts";
import { connections } from "./connections.ts";

const MAJORS = [TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!];
const account = `limited_${process.pid}`;

describe.each(MAJORS)("connections of PostgreSQL %i", (major) => {
  afterAll(async () => await onServer(major, async (admin) => await admin.query(`drop role if exists ${account}`)));

  it("tells how many there will be, and of how many", async () => {
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await source.query("create table a (b int primary key); create table c (b int references a)");
    expect(await itemsOf("connections", source.endpoint("source"), target.endpoint("target"))).toMatchObject([
      { result: "passed", evidence: [expect.stringMatching(/^up to 4 connections needed, 100 allowed by the server, \d+ of others now$/)] },
      { result: "passed", evidence: [expect.stringMatching(/^up to 5 connections needed, 100 allowed by the server, \d+ of others now$/)] },
    ]);
  });

  it("fails where a role's or a database's limit is too small, and passes with the lanes it names, or the SQL", async () => {
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await source.query("create table a (b int)");
    await createAccount(major, account, "login");
    await source.query(`grant select on a to ${account}; alter role ${account} connection limit 8`);
    const ends = [asAccount(source, "source", account), target.endpoint("target")] as const;
    const [item] = await itemsOf("connections", ...ends, { concurrency: 9 });
    expect(item).toMatchObject({ result: "failed", evidence: [`role ${account}: up to 11 connections needed, 8 allowed, 0 of others now`] });
    expect(item?.fix).toContain("--concurrency 6");
    expect(await itemsOf("connections", ...ends, { concurrency: 6 })).toMatchObject([{ result: "passed" }, { result: "passed" }]);
    await mend(item, source.endpoint("source"), ends[1]);
    expect(await itemsOf("connections", ...ends, { concurrency: 9 })).toMatchObject([{ result: "passed" }, { result: "passed" }]);
    await source.query(`alter database ${source.name} connection limit 7`);
    const [limited] = await itemsOf("connections", ...ends, { concurrency: 9 });
    expect(limited).toMatchObject({ result: "failed", evidence: [expect.stringMatching(/^database \S+: up to 11 connections needed, 7 allowed, 1 of others now$/)] });
    expect(limited?.fix).toContain("--concurrency 4");
    await mend(limited, source.endpoint("source"), ends[1]);
    expect(await itemsOf("connections", ...ends, { concurrency: 9 })).toMatchObject([{ result: "passed" }, { result: "passed" }]);
  });

  it("fails where the target database's limit is too small, and raises an alarm where others have too much of it, or of the role's, just now; its SQL mends it", async () => {
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await source.query("create table a (b int)");
    await createAccount(major, account, "login");
    await target.query(`alter database ${target.name} connection limit 7; alter role ${account} connection limit -1`);
    const ends = [source.endpoint("source"), asAccount(target, "target", account)] as const;
    const items = async (concurrency = 8) => await itemsOf("connections", ...ends, { concurrency });
    const [, item] = await items();
    expect(item).toMatchObject({
      result: "failed",
      evidence: [`database ${target.name}: up to 11 connections needed, 7 allowed, 1 of others now`],
      fix: `Run with --concurrency 3, or raise the limit of database ${target.name}.`,
    });
    expect(await items(3)).toMatchObject([{ result: "passed" }, { result: "passed" }]);
    await mend(item, ends[0], target.endpoint("target"));
    expect(await items()).toMatchObject([{ result: "passed" }, { result: "passed" }]);
    // Somebody else works with the same account.
    await target.query(`alter role ${account} connection limit 12`);
    const others = await Promise.all(Array.from({ length: 4 }, async () => await openSession(ends[1], { applicationName: "somebody" })));
    try {
      const [, busy] = await items();
      expect(busy).toMatchObject({
        result: "alarm",
        evidence: [
          `role ${account}: up to 11 connections needed, 12 allowed, 4 of others now`,
          `database ${target.name}: up to 11 connections needed, 12 allowed, 5 of others now`,
        ],
        why: expect.stringContaining("which then waits and tries again") as string,
        fix: `Run with --concurrency 4, or free connections, or raise the limit of role ${account} and database ${target.name}.`,
        fixSql: `alter role "${account}" connection limit 15;\nalter database "${target.name}" connection limit 16;`,
      });
      expect(await items(4)).toMatchObject([{ result: "passed" }, { result: "passed" }]);
      await mend(busy, ends[0], target.endpoint("target"));
      expect(await items()).toMatchObject([{ result: "passed" }, { result: "passed" }]);
    } finally {
      for (const other of others) await other.close();
    }
  });

  it("raises an alarm where the limit is too small for a task that has begun; its SQL mends it", async () => {
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await source.query("create table a (b int)");
    await createAccount(major, account, "login");
    await target.query(`alter role ${account} connection limit 7; grant create on database ${target.name} to ${account}`);
    const ends = [source.endpoint("source"), asAccount(target, "target", account)] as const;
    const task = shortMemory();
    const items = async () => await itemsOfCheck(connections, ...ends, { concurrency: 8 }, task);
    const evidence = [`role ${account}: up to 11 connections needed, 7 allowed, 0 of others now`];
    expect(await items()).toMatchObject([{ result: "passed" }, { result: "failed", evidence }]);
    // What the task's own run has open is no other's.
    await using lane = await openSession(ends[1], { applicationName: sessionName(task.id, "1") });
    await Ledger.open(lane, task.id);
    const [, item] = await items();
    expect(item).toMatchObject({
      result: "alarm",
      evidence,
      why: expect.stringContaining("lanes that find no place wait"),
      fixSql: `alter role "${account}" connection limit 11;`,
    });
    expect(item?.fix).toContain("--concurrency 4");
    await mend(item, ends[0], target.endpoint("target"));
    expect(await items()).toMatchObject([{ result: "passed" }, { result: "passed" }]);
  });

  it("raises an alarm when others have taken too many just now", async () => {
    const source = await createDatabase(major);
    await using target = await startServer({ major, settings: { max_connections: 18 } });
    const end = parseEndpoint("target", target.uri());
    const besidesOthers = async (concurrency: number): Promise<CheckItem | undefined> => {
      const others = await Promise.all(Array.from({ length: 9 }, async () => await openSession(end, { applicationName: "somebody" })));
      try {
        return (await itemsOf("connections", source.endpoint("source"), end, { concurrency }))[1];
      } finally {
        for (const other of others) await other.close();
      }
    };
    const item = await besidesOthers(8);
    expect(item).toMatchObject({
      result: "alarm",
      evidence: ["the server: up to 11 connections needed, 18 allowed, 9 of others now"],
      fixSql: "alter system set max_connections = 20;",
    });
    expect(item?.fix).toContain("--concurrency 6");
    expect(await besidesOthers(6)).toMatchObject({ result: "passed" });
    await mend(item, source.endpoint("source"), end);
    await target.restart();
    expect(await besidesOthers(8)).toMatchObject({ result: "passed", evidence: ["up to 11 connections needed, 20 allowed by the server, 9 of others now"] });
    const [, tooMany] = await itemsOf("connections", source.endpoint("source"), end, { concurrency: 30 });
    expect(tooMany).toMatchObject({ result: "failed", evidence: [expect.stringMatching(/^the server: up to 33 connections needed, 20 allowed/)] });
    await mend(tooMany, source.endpoint("source"), end);
    await target.restart();
    expect(await itemsOf("connections", source.endpoint("source"), end, { concurrency: 30 })).toMatchObject([{ result: "passed" }, { result: "passed" }]);
  });
});

it.runIf(MAJORS[0]! < 12)("counts walsenders, which have no places of their own before 12", async () => {
  await using source = await startServer({ major: MAJORS[0]!, settings: { max_connections: 20 } });
  const [end, target] = [parseEndpoint("source", source.uri()), await createDatabase(MAJORS[1]!)];
  const senders = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const sender = new Client({ connectionString: source.uri(), replication: "true" } as ClientConfig);
      await sender.connect();
      return sender;
    }),
  );
  try {
    const [item] = await itemsOf("connections", end, target.endpoint("target"), { concurrency: 12 });
    expect(item).toMatchObject({ result: "alarm", evidence: [expect.stringMatching(/^the server: up to \d+ connections needed, 20 allowed, 8 of others now$/)] });
  } finally {
    for (const sender of senders) await sender.end();
  }
});
