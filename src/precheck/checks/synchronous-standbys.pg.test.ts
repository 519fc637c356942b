import { describe, expect, it } from "vitest";
import { itemsOf, itemsOfCheck, mend } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { OUTER_MAJORS } from "../../../test/kit/majors.ts";
import { Ledger } from "../../copy/ledger.ts";
import { startServer } from "../../embedded/server.ts";
import { shortMemory } from "../../task/task-memory.ts";
import { type Endpoint, parseEndpoint } from "../../wire/endpoint.ts";
import { openSession } from "../../wire/session.ts";
import { standbysNeeded, synchronousStandbys } from "./synchronous-standbys.ts";

describe.each(OUTER_MAJORS)("a target of PostgreSQL %i", (major) => {
  it("has the standbys that it waits for, or fails; its SQL mends it", { timeout: 120_000 }, async () => {
    const source = await createDatabase(major);
    await using server = await startServer({ major });
    const ends = [source.endpoint("source"), parseEndpoint("target", server.uri())] as const;
    await using session = await openSession(ends[1]);
    await session.query("set synchronous_commit = local");
    await session.query("create role plain_one login password 'secret'");
    await session.query("grant create on database postgres to plain_one");
    const asPlain = [ends[0], { ...ends[1], user: "plain_one", password: "secret" }] as const;
    const items = async (of: readonly [Endpoint, Endpoint] = ends) => await itemsOf("synchronous-standbys", ...of);
    const waitFor = async (names: string): Promise<void> => {
      await session.query(`alter system set synchronous_standby_names = '${names}'`);
      await session.query("select pg_reload_conf()");
      await expect.poll(async () => (await session.query<{ names: string }>("select current_setting('synchronous_standby_names') as names"))[0]?.names).toBe(names);
    };
    expect(await items()).toMatchObject([{ result: "passed", evidence: ["synchronous_standby_names names none"] }]);
    await waitFor("first_one");
    expect(await items()).toMatchObject([{ result: "failed", evidence: ["synchronous_standby_names = first_one", "0 of 1 are connected"] }]);
    expect(await items(asPlain)).toMatchObject([{ result: "failed" }]);

    // A subscriber is as good as a standby: its receiver bears the subscription's name.
    await session.query("create publication nothing");
    await session.query("select pg_create_logical_replication_slot('first_one', 'pgoutput')");
    await using subscriber = await startServer({ major });
    await using there = await openSession(parseEndpoint("target", subscriber.uri()));
    await there.query(`create subscription first_one connection '${server.uri()}' publication nothing with (create_slot = false, copy_data = false)`);
    await expect.poll(async () => (await items())[0]?.evidence[1]).toBe("1 of 1 are connected");
    expect(await items()).toMatchObject([{ result: "passed" }]);
    expect(await items(asPlain)).toMatchObject([{ result: "passed", evidence: [expect.anything(), expect.stringContaining("hidden from the account")] }]);
    await waitFor("FIRST 2 (first_one, second_one)");
    const [item] = await items();
    expect(item).toMatchObject({ result: "failed", evidence: ["synchronous_standby_names = FIRST 2 (first_one, second_one)", "1 of 2 are connected"] });
    expect(await items(asPlain)).toMatchObject([{ result: "failed" }]);

    const task = shortMemory();
    await Ledger.open(session, task.id);
    expect(await itemsOfCheck(synchronousStandbys, ...ends, {}, task)).toMatchObject([{ result: "alarm" }]);
    await mend(item, ...ends);
    await expect.poll(async () => (await items())[0]?.result).toBe("passed");
  });
});

it("understands the setting", () => {
  const needed = ["a", "a, b", "*", "FIRST 1 (a)", "first 2 (a, b)", "ANY 3 (a,b,c)", "2 (a, b)", '"2 (" , b'].map(standbysNeeded);
  expect(needed).toEqual([1, 1, 1, 1, 2, 3, 2, 1]);
});
