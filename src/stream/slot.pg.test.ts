import { describe, expect, it } from "vitest";
import { createDatabase } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { startServer } from "../embedded/server.ts";
import { parseEndpoint } from "../wire/endpoint.ts";
import { formatLsn, type Lsn, parseLsn } from "../wire/lsn.ts";
import { openSession } from "../wire/session.ts";
import { dropSlot, receiverName, slotName } from "./slot.ts";
import { readSlotHealth } from "./slot-health.ts";
import { currentLsn, stopLsn } from "./source-position.ts";

const SIGNAL = new AbortController().signal;
const RECEIVER = receiverName("test01");

describe.each(TEST_MAJORS)("PostgreSQL %i", (major) => {
  it("drops a slot, also one that its own receiver still reads, but not one that somebody else reads", async () => {
    const database = await createDatabase(major);
    await using session = await openSession(database.endpoint("source"));
    const name = `t${process.pid}_slot`;
    expect(await dropSlot(session, name, RECEIVER, SIGNAL)).toBe("missing");
    const hold = async (applicationName: string): Promise<{ readonly done: Promise<unknown>; readonly end: () => Promise<void> }> => {
      await session.query(`select pg_catalog.pg_create_logical_replication_slot('${name}', 'test_decoding')`);
      const holder = await openSession(database.endpoint("source"), { applicationName });
      // A decoding that takes its time holds the slot, as a walsender does.
      await holder.query(`create function public.slow() returns int language sql as 'select 1 from pg_catalog.pg_sleep(60)'`).catch(() => undefined);
      const done = holder.query(`select public.slow() from pg_catalog.pg_logical_slot_peek_changes('${name}', null, null)`).catch(() => undefined);
      return { done, end: async () => await holder.close() };
    };
    await session.query("create table public.t (a int)");
    const ours = await hold(RECEIVER);
    expect(await dropSlot(session, name, RECEIVER, SIGNAL)).toBe("dropped");
    await ours.done;
    await ours.end();
    expect(await session.query("select from pg_catalog.pg_replication_slots where slot_name = $1", [name])).toEqual([]);
  });

  it("tells positions that move on, also what nobody waits for on the disk", async () => {
    const database = await createDatabase(major);
    await using session = await openSession(database.endpoint("source"), { settings: { synchronous_commit: "off" } });
    const before = await currentLsn(session);
    await session.query("create table public.t (a int); insert into public.t values (1)");
    const insert = major >= 10 ? "pg_current_wal_insert_lsn" : "pg_current_xlog_insert_location";
    const [inserted] = await session.query<{ lsn: string }>(`select pg_catalog.${insert}()::text as lsn`);
    const since = performance.now();
    const stop = await stopLsn(session);
    expect(performance.now() - since).toBeLessThan(1000);
    expect(stop >= parseLsn(inserted!.lsn)).toBe(true);
    expect(stop > before).toBe(true);
    expect((await currentLsn(session)) >= stop).toBe(true);
  });

  it("says what is wrong with a slot", async () => {
    await using server = await startServer({
      major,
      settings: { ...(major >= 13 ? { max_slot_wal_keep_size: "32MB" } : {}), checkpoint_timeout: "1h", max_wal_size: "64MB", min_wal_size: "32MB" },
    });
    await using session = await openSession(parseEndpoint("source", server.uri()));
    const name = slotName("test01", "5");
    expect(await readSlotHealth(session, name, undefined)).toEqual({ state: "lost", facts: undefined, problems: [expect.stringContaining("godwit_test01_5 is gone")] });
    await session.query(`select pg_catalog.pg_create_logical_replication_slot('${name}', 'test_decoding')`);
    const health = await readSlotHealth(session, name, undefined);
    expect(health).toMatchObject({ state: "fine", problems: [], facts: { plugin: "test_decoding", database: "postgres", active: false, activePid: undefined } });
    const begin = health.facts!.confirmedFlushLsn!;
    expect(await readSlotHealth(session, name, begin)).toMatchObject({ state: "fine" });
    const gap = await readSlotHealth(session, name, (begin - 1n) as Lsn);
    expect(gap).toMatchObject({ state: "lost", problems: [expect.stringContaining(`begins at ${formatLsn(begin)}`)] });

    await session.query("create table public.t (v text); insert into public.t select pg_catalog.repeat('x', 1000) from pg_catalog.generate_series(1, 10000)");
    await session.query("select pg_catalog.txid_current()");
    const thresholds = { retainedBytes: 1_000_000, xminAge: 0 };
    const alarm = await readSlotHealth(session, name, begin, thresholds);
    expect(alarm.state).toBe("alarm");
    expect(alarm.problems).toContainEqual(expect.stringMatching(/^the source keeps 0\.0 GB of WAL for the slot/));
    expect(alarm.problems).toContainEqual(expect.stringMatching(/keeps VACUUM from cleaning up catalogs/));
    if (major < 13) return;
    for (let round = 0; round < 6; round++) await session.query("insert into public.t select * from public.t limit 20000; select pg_catalog.pg_switch_wal(); checkpoint");
    expect(await readSlotHealth(session, name, begin)).toMatchObject({ state: "lost", problems: [expect.stringContaining("has invalidated the replication slot")] });
  });
});

it("names slots as the server allows", () => {
  expect(slotName("1a2b3c4d5e", "16384")).toBe("godwit_1a2b3c4d5e_16384");
  expect(slotName("0F2E-".repeat(20), "4294967295")).toMatch(/^[a-z0-9_]{63}$/);
});
