import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { itemsOf } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { OUTER_MAJORS, TEST_MAJORS, THOROUGH } from "../../../test/kit/majors.ts";
import { startServer } from "../../embedded/server.ts";
import { openWriteTransactions } from "../../source/write-transactions.ts";
import { parseEndpoint } from "../../wire/endpoint.ts";
import { openSession } from "../../wire/session.ts";

const TYPE = { type: "full+incremental" } as const;

describe.each(OUTER_MAJORS)("PostgreSQL %i", (major) => {
  it("names prepared transactions, and what writes for long", async () => {
    await using server = await startServer({ major, settings: { max_prepared_transactions: 5 } });
    const target = await createDatabase(major);
    const ends = [parseEndpoint("source", server.uri()), target.endpoint("target")] as const;
    expect(await itemsOf("old-transactions", ...ends, TYPE)).toMatchObject([{ result: "passed" }]);
    await using writer = await openSession(ends[0], { applicationName: "batch" });
    await writer.query("create table public.t (a int)");
    await writer.query("begin; insert into public.t values (1); prepare transaction 'forgotten'");
    expect(await itemsOf("old-transactions", ...ends, TYPE)).toMatchObject([
      { result: "alarm", evidence: [expect.stringMatching(/^prepared transaction 'forgotten' of database postgres \(postgres for \d+ s\)$/)] },
    ]);
    const prepared = {
      result: "alarm",
      evidence: [expect.stringMatching(/^prepared transaction 'forgotten' of database postgres/)],
      why: expect.stringContaining("not in the copy"),
    };
    expect(await itemsOf("old-transactions", ...ends, { type: "full" })).toMatchObject([prepared]);
    expect(await itemsOf("old-transactions", ...ends, { type: "structure" })).toEqual([]);
    await writer.query("rollback prepared 'forgotten'");
    expect(await itemsOf("old-transactions", ...ends, { type: "full" })).toMatchObject([{ result: "passed" }]);
    await writer.query("begin; insert into public.t values (1)");
    expect(await itemsOf("old-transactions", ...ends, TYPE)).toMatchObject([{ result: "passed" }]); // not for long
    await using session = await openSession(ends[0]);
    expect(await openWriteTransactions(session)).toEqual([expect.stringMatching(/^process \d+ of database postgres \(postgres, batch, idle in transaction for \d+ s\)$/)]);
    if (major !== TEST_MAJORS.at(-1)) return;
    // A plain account does not see since when: what is over in a moment is no finding for it.
    await using admin = await openSession(ends[0]);
    await admin.query("create role plain login replication password 'secret'");
    const plain = { ...ends[0], user: "plain", password: "secret" };
    const options = { ...TYPE, exclude: [{ kind: "table", pattern: "public.t" }] } as const;
    expect(await itemsOf("old-transactions", plain, ends[1], options)).toMatchObject([
      { result: "alarm", evidence: [expect.stringMatching(/^process \d+ .*\(postgres, batch\)$/)] },
    ]);
    // Who sees it waits for nothing either.
    await admin.query("grant pg_read_all_stats to plain");
    expect(await itemsOf("old-transactions", plain, ends[1], options)).toMatchObject([{ result: "passed" }]);
    await admin.query("revoke pg_read_all_stats from plain");
    const items = itemsOf("old-transactions", plain, ends[1], options);
    for (let done = false; !done; await writer.query("rollback; begin; insert into public.t values (1)")) done = await Promise.race([items.then(() => true), sleep(50, false)]);
    expect(await items).toMatchObject([{ result: "passed" }]);
  });
});

it.runIf(THOROUGH)("names what has been writing for more than a minute; passed when it is over", async () => {
  const major = TEST_MAJORS.at(-1)!;
  await using server = await startServer({ major });
  const target = await createDatabase(major);
  const ends = [parseEndpoint("source", server.uri()), target.endpoint("target")] as const;
  await using admin = await openSession(ends[0]);
  await admin.query("create role plain login replication password 'secret'");
  const plain = { ...ends[0], user: "plain", password: "secret" };
  await using writer = await openSession(ends[0], { applicationName: "batch" });
  await writer.query("begin; create table public.t (a int)");
  await sleep(60_000);
  const [item] = await itemsOf("old-transactions", ...ends, TYPE);
  expect(item).toMatchObject({ result: "alarm", evidence: [expect.stringMatching(/^process \d+ of database postgres \(postgres, batch, idle in transaction for 6\d s\)$/)] });
  // Since when is hidden from a plain account, but not that it writes.
  expect(await itemsOf("old-transactions", plain, ends[1], TYPE)).toMatchObject([{ result: "alarm", evidence: [expect.stringMatching(/\(postgres, batch\)$/)] }]);
  await admin.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'batch'");
  await expect.poll(async () => await itemsOf("old-transactions", ...ends, TYPE), { timeout: 20_000 }).toMatchObject([{ result: "passed" }]);
});
