import { describe, expect, it } from "vitest";
import { createDatabase } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import type { Lsn } from "../wire/lsn.ts";
import { openReplication } from "../wire/replication.ts";
import { TEST_DECODING_OPTIONS } from "../wire/test-decoding.ts";
import { openSession } from "../wire/session.ts";
import { readLateChanges } from "./late-changes.ts";
import { readSlot } from "../source/slot-health.ts";
import { receiverName } from "../source/slot.ts";
import { stopLsn } from "../source/source-position.ts";

const SIGNAL = new AbortController().signal;
const RECEIVER = receiverName("late");

describe.each(TEST_MAJORS)("PostgreSQL %i", (major) => {
  // The second plugin is what sources before 10 have.
  it.each(["pgoutput", "test_decoding"] as const)("what a slot holds behind a position is counted, and stays there (%s)", async (plugin) => {
    const database = await createDatabase(major);
    await database.query(
      "create table a (id int primary key, v text); create table b (id int primary key); create table other (id int); create publication godwit_late for table a, b",
    );
    await using session = await openSession(database.endpoint("source"));
    const slot = `late_${process.pid}_${major}`;
    await session.query("select pg_catalog.pg_create_logical_replication_slot($1, $2)", [slot, plugin]);
    const setup = { slot, plugin, receiver: RECEIVER, publication: plugin === "pgoutput" ? "godwit_late" : null, identities: [] };
    const followed = new Set(["public\0a", "public\0b"]);
    try {
      await session.query("insert into public.a values (1)");
      const from = await stopLsn(session);
      const ends: number[] = [];
      const onNearEnd = async (): Promise<void> => void ends.push(ends.length);
      const read = async (): Promise<unknown> => await readLateChanges(session, { setup, followed, from, onNearEnd }, SIGNAL);
      expect(await read()).toMatchObject({ transactions: 0, changes: 0, tables: [] });

      await using open = await openSession(database.endpoint("source"), { applicationName: "shop" });
      await open.query("begin; insert into public.a values (100)");
      await session.query("begin; insert into public.a values (2), (3); delete from public.a where id = 1; savepoint s; insert into public.b values (1); rollback to s; commit");
      await session.query("insert into public.other select 1 from pg_catalog.generate_series(1, 100)");
      await session.query("insert into public.b values (7)");
      const told = await read();
      expect(told).toMatchObject({ transactions: 2, changes: 4, tables: ["public.a", "public.b"] });
      expect((told as { watchedTo: bigint }).watchedTo > from).toBe(true);

      // More than a walsender is asked for where it can be read in rounds; and somebody of ours is still there.
      await session.query("insert into public.a select n, pg_catalog.repeat('x', 1000) from pg_catalog.generate_series(1000, 3999) n");
      await using former = await openReplication(database.endpoint("source"), { applicationName: RECEIVER });
      const options = plugin === "pgoutput" ? { proto_version: "1", publication_names: "godwit_late" } : TEST_DECODING_OPTIONS;
      const stream = await former.startReplication({ slot, from, options }, { onMessage: () => undefined, onKeepalive: () => undefined });
      stream.ended.catch(() => undefined);
      expect(await read()).toMatchObject({ transactions: 3, changes: 3004, tables: ["public.a", "public.b"] });
      await open.query("commit");
      expect(await read()).toMatchObject({ transactions: 4, changes: 3005 });
      expect((await readSlot(session, slot))!.confirmedFlushLsn! <= from).toBe(true);
      expect(ends).toEqual([0, 1, 2, 3]);
      const restored = { setup, followed, from: (from + 2n ** 40n) as Lsn, onNearEnd };
      await expect(readLateChanges(session, restored, SIGNAL)).rejects.toMatchObject({ code: "slot-lost" });
    } finally {
      await expect.poll(async () => await session.query("select from pg_catalog.pg_replication_slots where slot_name = $1 and active", [slot]), { timeout: 10_000 }).toEqual([]);
      await session.query("select pg_catalog.pg_drop_replication_slot($1)", [slot]);
    }
    await expect(readLateChanges(session, { setup, followed, from: await stopLsn(session), onNearEnd: async () => undefined }, SIGNAL)).rejects.toMatchObject({
      code: "slot-missing",
    });
  });
});
