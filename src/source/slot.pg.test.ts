import { describe, expect, it, vi } from "vitest";
import { createDatabase } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { startServer } from "../embedded/server.ts";
import { openUnderSnapshot } from "../copy/snapshot.ts";
import { parseEndpoint } from "../wire/endpoint.ts";
import { formatLsn, type Lsn, parseLsn, ZERO_LSN } from "../wire/lsn.ts";
import { pgoutputOptions } from "../wire/pgoutput.ts";
import { openReplication, type Replication } from "../wire/replication.ts";
import { type Session, openSession } from "../wire/session.ts";
import { createSourceSlot, dropSlot, outputPlugin, receiverName, slotName } from "./slot.ts";
import { readSlotHealth } from "./slot-health.ts";
import { currentLsn, stopLsn } from "./source-position.ts";

const SIGNAL = new AbortController().signal;
const RECEIVER = receiverName("test01");

/** Somebody waits for the writer's transaction to end. */
async function untilWaitedFor(writer: Session, session: Session): Promise<void> {
  const [self] = await writer.query<{ xid: string }>("select pg_catalog.txid_current()::text as xid");
  const sql = "select from pg_catalog.pg_locks where locktype = 'transactionid' and not granted and transactionid::text = $1";
  await vi.waitFor(async () => expect(await session.query(sql, [self!.xid])).toHaveLength(1), { timeout: 20_000 });
}

describe.each(TEST_MAJORS)("PostgreSQL %i", (major) => {
  it("makes a slot with its snapshot, behind a publication, anew where an earlier run left one", async () => {
    const database = await createDatabase(major);
    await database.query("create table t (a int); insert into t values (1); create publication godwit_test01 for table t");
    await using session = await openSession(database.endpoint("source"));
    const name = slotName("test01", String(process.pid));
    const request = { name, plugin: outputPlugin(session.versionNum), receiver: RECEIVER };
    await (await createSourceSlot(session, request, SIGNAL))[Symbol.asyncDispose]();
    await database.query("insert into t values (2)");
    {
      await using slot = await createSourceSlot(session, request, SIGNAL);
      await database.query("insert into t values (3)");
      await using reader = await openUnderSnapshot(database.endpoint("source"), slot.snapshot);
      expect(await reader.query("select a from public.t order by a")).toEqual([{ a: 1 }, { a: 2 }]);
      expect(await readSlotHealth(session, name, slot.consistentPoint)).toMatchObject({ state: "fine", facts: { confirmedFlushLsn: slot.consistentPoint } });
    }
    expect(await dropSlot(session, name, RECEIVER, SIGNAL)).toBe("dropped");
    expect(await dropSlot(session, name, RECEIVER, SIGNAL)).toBe("missing");
  });

  it("says for whom the making of a slot waits, and leaves none when it is given up", async () => {
    const database = await createDatabase(major);
    await database.query("create table t (a int)");
    await using session = await openSession(database.endpoint("source"));
    await using writer = await openSession(database.endpoint("source"), { applicationName: "month end" });
    await writer.query("begin; insert into public.t values (1)");
    const told: (readonly string[])[] = [];
    const given = new AbortController();
    const name = slotName("test01", String(process.pid));
    const making = createSourceSlot(session, { name, plugin: "pgoutput", receiver: RECEIVER, onWait: (blockers) => (told.push(blockers), given.abort()) }, given.signal);
    await expect(making).rejects.toMatchObject({ name: "AbortError" });
    expect(told[0]).toContainEqual(expect.stringMatching(new RegExp(`^process \\d+ of database ${database.name} \\(postgres, month end, idle in transaction for \\d+ s\\)$`)));
    await writer.query("rollback");
    expect(await dropSlot(session, name, RECEIVER, SIGNAL)).toBe("missing");
  });

  it("makes a slot again that could not be decoded: of what is truncated while the server looks for its beginning, PostgreSQL does not know", async () => {
    const database = await createDatabase(major);
    await database.query("create table t (a int primary key); create table u (a int); create publication godwit_test01 for all tables");
    const open = async (): Promise<Session> => sessions.use(await openSession(database.endpoint("source")));
    await using sessions = new AsyncDisposableStack();
    const [session, observer, old, truncating] = [await open(), await open(), await open(), await open()];
    await old.query("begin; insert into public.u values (1)");
    const changed: unknown[] = [];
    const name = slotName("test01", String(process.pid));
    const onChanged = (...told: unknown[]): void => void changed.push(told);
    const making = createSourceSlot(observer, { name, plugin: "pgoutput", receiver: RECEIVER, onChanged }, SIGNAL);
    making.catch(() => undefined); // looked at below
    await untilWaitedFor(old, session);
    // Before 14, only subtransactions are forgotten.
    await truncating.query("begin; insert into public.u values (2); savepoint s; truncate public.t; release s");
    await old.query("commit");
    await untilWaitedFor(truncating, session);
    await session.query("insert into public.u values (3)"); // this one's view of the catalog is kept for those that follow
    await truncating.query("commit");
    await using _slot = await making;
    await session.query("insert into public.t values (1)");
    const decoded = "select from pg_catalog.pg_logical_slot_peek_binary_changes($1, null, null, 'proto_version', '1', 'publication_names', 'godwit_test01')";
    expect((await session.query(decoded, [name])).length).toBeGreaterThan(0);
    expect(changed).toEqual([[["public.t"], true]]);
    expect(await dropSlot(session, name, RECEIVER, SIGNAL)).toBe("dropped");
  });

  it("tries again where the server had no room for all that was rolled back meanwhile", async () => {
    await using server = await startServer({ major, settings: { wal_level: "logical", max_connections: 20, max_prepared_transactions: 0, max_wal_senders: 5 } });
    const endpoint = parseEndpoint("source", server.uri());
    await using session = await openSession(endpoint);
    await session.query("create table public.t (a int)");
    await using writers = new AsyncDisposableStack();
    const begin = async (): Promise<Session> => {
      const writer = writers.use(await openSession(endpoint));
      await writer.query("begin; insert into public.t values (1)");
      return writer;
    };
    const first = await begin();
    await using observer = await openSession(endpoint);
    const making = createSourceSlot(observer, { name: slotName("test01", "5"), plugin: "pgoutput", receiver: RECEIVER }, SIGNAL);
    making.catch(() => undefined); // looked at below
    await untilWaitedFor(first, session);
    const second = await begin();
    await first.query("commit");
    await untilWaitedFor(second, session);
    // The snapshot begins with this one, and names every transaction behind it that was not committed.
    const third = await begin();
    await session.query("do $$ begin for n in 1..1000 loop begin insert into public.t values (n); raise exception 'no'; exception when others then null; end; end loop; end $$");
    await session.query("insert into public.t values (2)");
    await second.query("commit");
    await Promise.race([making, untilWaitedFor(third, session)]);
    await third.query("commit");
    await using slot = await making;
    expect(slot.consistentPoint > ZERO_LSN).toBe(true);
  });

  it("drops a slot also while its own receiver reads it, but not while somebody else does", async () => {
    const database = await createDatabase(major);
    await database.query("create table t (a int primary key); create publication godwit_test01 for table t");
    await using session = await openSession(database.endpoint("source"));
    const name = slotName("test01", String(process.pid));
    const request = { name, plugin: outputPlugin(session.versionNum), receiver: RECEIVER };
    const stream = async (applicationName: string): Promise<Replication> => {
      const replication = await openReplication(database.endpoint("source"), { applicationName });
      const started = await replication.startReplication(
        { slot: name, from: ZERO_LSN, options: pgoutputOptions(["godwit_test01"]) },
        { onMessage: () => undefined, onKeepalive: () => undefined },
      );
      started.ended.catch(() => undefined);
      return replication;
    };
    await (await createSourceSlot(session, request, SIGNAL))[Symbol.asyncDispose]();
    {
      await using _other = await stream("somebody's tool");
      await expect(dropSlot(session, name, RECEIVER, SIGNAL)).rejects.toMatchObject({
        code: "slot-in-use",
        message: expect.stringMatching(/by process \d+ \(postgres, somebody's tool\)$/),
      });
    }
    {
      await using _ours = await stream(RECEIVER);
      expect(await readSlotHealth(session, name, undefined)).toMatchObject({ facts: { active: true, activePid: expect.any(Number) } });
      expect(await dropSlot(session, name, RECEIVER, SIGNAL)).toBe("dropped");
    }
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
