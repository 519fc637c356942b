import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { describe, expect, it } from "vitest";
import { asAccount, createAccount } from "../../test/kit/checks.ts";
import { createDatabase, onServer, type TestDatabase } from "../../test/kit/databases.ts";
import { OUTER_MAJORS } from "../../test/kit/majors.ts";
import { dropSlot } from "../source/slot.ts";
import { ZERO_LSN, formatLsn } from "../wire/lsn.ts";
import { openReplication } from "../wire/replication.ts";
import { openSession } from "../wire/session.ts";
import { FENCE_OPTIONS, expectFenceable, lastWriters, lowerFence, openWriters, planFence, raiseFence } from "./fence.ts";

const SIGNAL = new AbortController().signal;
const OWNER = "fence_owner";
const APPLICATION = "fence_app";

/** A connection of the application, which does not mind being ended. */
async function connect(database: TestDatabase, user?: string, replication?: "database"): Promise<Client> {
  const uri = new URL(database.uri);
  if (user !== undefined) Object.assign(uri, { username: user, password: "secret" });
  const client = new Client({ connectionString: uri.toString(), application_name: "shop", ...(replication === undefined ? {} : { replication }) });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

/** Seen from another database: the test's own connection to this one is ended too. */
async function setting({ major, name }: TestDatabase): Promise<unknown[]> {
  return await onServer(major, async (admin) => {
    const { rows } = await admin.query<{ setconfig: string[] }>(
      "select setconfig from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase where d.datname = $1 and setrole = 0",
      [name],
    );
    return rows.map(({ setconfig }) => setconfig);
  });
}

describe.each(OUTER_MAJORS)("PostgreSQL %i", (major) => {
  async function ownedDatabase(): Promise<TestDatabase> {
    await createAccount(major, OWNER);
    await createAccount(major, APPLICATION);
    const database = await createDatabase(major);
    await database.query(`alter database ${database.name} owner to ${OWNER}; create table t (a int); grant all on t to ${OWNER}, ${APPLICATION}`);
    await onServer(major, async (admin) => await admin.query(`grant ${APPLICATION} to ${OWNER}`));
    return database;
  }

  it("lets nobody write who does not insist, while clients write as fast as they can; every acknowledged commit lies before the stop position", async () => {
    const database = await createDatabase(major);
    await database.query("create table t (id bigserial primary key, client int)");
    await using session = await openSession(database.endpoint("source"));
    await using watcher = await openSession(database.endpoint("source"), { applicationName: "godwit watch" });
    const slot = `fence_${process.pid}_${major}`;
    await session.query("select pg_catalog.pg_create_logical_replication_slot($1, 'test_decoding')", [slot]);
    const load = { isOver: false, acknowledged: 0 };
    const refusals = new Set<string>();
    const clients = Array.from({ length: 6 }, async (_, client) => {
      while (!load.isOver) {
        let connection: Client | undefined;
        try {
          connection = await connect(database);
          while (!load.isOver) {
            await connection.query("insert into t (client) values ($1)", [client]);
            load.acknowledged++;
          }
        } catch (error) {
          refusals.add((error as { code?: string }).code ?? "lost");
          await sleep(5);
        } finally {
          await connection?.end().catch(() => undefined);
        }
      }
    });
    while (load.acknowledged < 300) await sleep(10);
    const fence = await planFence(session);
    expect(fence).toEqual({ database: database.name, before: null });
    const raised = await raiseFence(session, fence, FENCE_OPTIONS, SIGNAL);
    const count = async (): Promise<number> => Number((await watcher.query<{ n: string }>("select pg_catalog.count(*) as n from public.t"))[0]!.n);
    const [behind, counted] = [load.acknowledged, await count()];
    expect(counted).toBeGreaterThanOrEqual(behind);
    expect(raised.ms).toBeLessThan(2000);
    expect(raised.ended).toBeGreaterThan(0);
    await sleep(300);
    expect([load.acknowledged, await count()]).toEqual([behind, counted]);
    expect(refusals).toContain("25006");
    // Nothing of it lies behind the stop position.
    const [decoded] = await session.query<{ n: string }>(
      "select pg_catalog.count(*) as n from pg_catalog.pg_logical_slot_peek_changes($1, $2::pg_catalog.pg_lsn, null) c where c.data like 'table public.t: INSERT%'",
      [slot, formatLsn(raised.stop)],
    );
    expect(Number(decoded!.n)).toBe(counted);
    await session.query("select pg_catalog.pg_drop_replication_slot($1)", [slot]);
    expect(await openWriters(session)).toEqual([]);

    expect(await lowerFence(session, fence)).toEqual({ outcome: "lowered", readOnly: [] });
    await expect.poll(() => load.acknowledged, { timeout: 20_000 }).toBeGreaterThan(behind + 50);
    load.isOver = true;
    await Promise.all(clients);
    expect(await lowerFence(session, fence)).toMatchObject({ outcome: "lowered" });
    expect(await setting(database)).toEqual([]);
  });

  it("lets open transactions end within the grace, and ends those that do not", async () => {
    const database = await createDatabase(major);
    await database.query(`create table t (a int); alter database ${database.name} set default_transaction_read_only = off; alter database ${database.name} set work_mem = '5MB'`);
    await using session = await openSession(database.endpoint("source"));
    const [quick, slow] = [await connect(database), await connect(database)];
    for (const client of [quick, slow]) await client.query("begin; insert into t values (1)");
    expect(await openWriters(session)).toEqual(Array(2).fill(expect.stringMatching(/^process \d+ \(postgres, shop, idle in transaction for \d+ s, has written\)$/)));
    const fence = await planFence(session);
    const raising = raiseFence(session, fence, { graceMs: 1500, withinMs: 5000 }, SIGNAL);
    await sleep(200);
    await quick.query("commit");
    expect(await raising).toMatchObject({ ended: 3 }); // the test's own one, too
    await expect(slow.query("commit")).rejects.toThrow(/terminat|connection error|not queryable/i);
    await using reader = await openSession(database.endpoint("source"));
    expect(await reader.query("select a from public.t")).toHaveLength(1);
    expect(await reader.query("show default_transaction_read_only")).toEqual([{ default_transaction_read_only: "on" }]);
    await lowerFence(session, fence);
    await using after = await openSession(database.endpoint("source"));
    expect(await after.query("show default_transaction_read_only")).toEqual([{ default_transaction_read_only: "off" }]);
    expect(await after.query("show work_mem")).toEqual([{ work_mem: "5MB" }]);
    await Promise.all([quick.end().catch(() => undefined), slow.end().catch(() => undefined)]);
  });

  it("needs no superuser: the owner ends those whose role it has, and gives up where it may not, with nothing changed", async () => {
    const database = await ownedDatabase();
    await using session = await openSession(asAccount(database, "source", OWNER));
    await using stranger = await openSession(asAccount(database, "source", APPLICATION));
    await expect(planFence(stranger)).rejects.toMatchObject({ code: "privilege-missing" });
    const fence = await planFence(session);
    // The superuser's connection of the test stands for one that an owner may not end.
    const refusal = { code: "fence-incomplete", message: expect.stringMatching(/process \d+ \(postgres, test.*\), which this account may not end/) };
    await expect(expectFenceable(session, { graceMs: 0, withinMs: 0 }, SIGNAL)).rejects.toMatchObject(refusal);
    await expect(raiseFence(session, fence, { graceMs: 50, withinMs: 300 }, SIGNAL)).rejects.toMatchObject(refusal);
    expect(await setting(database)).toEqual([]);
  });

  it("that cannot be raised leaves nobody read-only who came behind it, or says who is", async () => {
    const database = await ownedDatabase();
    await using session = await openSession(asAccount(database, "source", OWNER));
    const fence = await planFence(session);
    const before = await connect(database, APPLICATION);
    const raising = raiseFence(session, fence, { graceMs: 0, withinMs: 2000 }, SIGNAL).catch((error: unknown) => error);
    await expect.poll(async () => await setting(database), { timeout: 1500 }).toHaveLength(1);
    const [behind, superuser] = [await connect(database, APPLICATION), await connect(database)];
    await expect(behind.query("insert into t values (1)")).rejects.toMatchObject({ code: "25006" });
    const { message } = (await raising) as Error;
    expect(message.match(/process \d+ \(postgres, (test|shop)\), which this account may not end/g)).toHaveLength(2);
    expect(message).toContain("Who began behind the fence and could not be ended can only read until he connects anew");
    expect(await setting(database)).toEqual([]);
    for (const ended of [before, behind]) await expect(ended.query("insert into t values (2)")).rejects.toThrow(/terminat|connection error|not queryable/i);
    const after = await connect(database, APPLICATION);
    await after.query("insert into t values (3)");
    await Promise.all([before, behind, superuser, after].map(async (client) => await client.end().catch(() => undefined)));
  });

  it("that is lowered ends whoever came behind it, but not who has written; also when that was not done to its end", async () => {
    const database = await createDatabase(major);
    await database.query("create table t (a int)");
    await using session = await openSession(database.endpoint("source"));
    const fence = await planFence(session);
    await raiseFence(session, fence, { graceMs: 0, withinMs: 5000 }, SIGNAL);
    const [idle, reading, insisting] = [await connect(database), await connect(database), await connect(database)];
    await reading.query("begin; select from t");
    await insisting.query("begin read write; insert into t values (1)");
    // As a run leaves it that dies in between.
    await session.query(`begin read write; alter database ${database.name} reset default_transaction_read_only; commit`);
    expect(await lowerFence(session, fence, { graceMs: 100, withinMs: 5000 })).toEqual({ outcome: "lowered", readOnly: [] });
    for (const ended of [idle, reading]) await expect(ended.query("select 1")).rejects.toThrow(/terminat|connection error|not queryable/i);
    await insisting.query("commit");
    const after = await connect(database);
    await after.query("insert into t values (2)");
    expect((await after.query("select from t")).rowCount).toBe(2);
    await Promise.all([idle, reading, insisting, after].map(async (client) => await client.end().catch(() => undefined)));
  });

  it("is not taken in by writers that a default does not stop", async () => {
    const database = await createDatabase(major);
    await createAccount(major, APPLICATION);
    await database.query("create table t (a int)");
    await using session = await openSession(database.endpoint("source"));
    const fence = await planFence(session);
    const options = { graceMs: 0, withinMs: 200 };
    const client = await connect(database);
    await session.query(`begin; insert into public.t values (1); prepare transaction 'half ${database.name}'`);
    const prepared = { code: "fence-incomplete", message: expect.stringContaining(`prepared transaction 'half ${database.name}' of postgres`) };
    await expect(expectFenceable(session, options, SIGNAL)).rejects.toMatchObject(prepared);
    await client.query("insert into t values (2)"); // nobody was ended
    await client.end();
    await expect(raiseFence(session, fence, options, SIGNAL)).rejects.toMatchObject(prepared);
    await session.query(`commit prepared 'half ${database.name}'`);
    await session.query(`alter role ${APPLICATION} in database ${database.name} set default_transaction_read_only = off`);
    const role = { message: expect.stringContaining(`role ${APPLICATION} has a default_transaction_read_only of its own`) };
    await expect(expectFenceable(session, options, SIGNAL)).rejects.toMatchObject(role);
    await expect(raiseFence(session, fence, options, SIGNAL)).rejects.toMatchObject(role);
    await session.query(`alter role ${APPLICATION} in database ${database.name} reset default_transaction_read_only`);
    await raiseFence(session, fence, FENCE_OPTIONS, SIGNAL);
    expect(await openWriters(session)).toEqual([]);
    await session.query(`begin read write; alter database ${database.name} set default_transaction_read_only = 'false'; commit`);
    expect(await lowerFence(session, fence)).toEqual({ outcome: "elsewise", readOnly: [] });
  });

  it.runIf(major >= 10)("sees connections of kind replication=database, which run SQL, and leaves those alone that stream", async () => {
    const database = await createDatabase(major);
    await database.query("create table t (a int)");
    await using session = await openSession(database.endpoint("source"));
    const slot = `fence_stream_${process.pid}_${major}`;
    await session.query("select pg_catalog.pg_create_logical_replication_slot($1, 'test_decoding')", [slot]);
    await using streaming = await openReplication(database.endpoint("source"), { applicationName: "somebody's stream" });
    await streaming.startReplication({ slot, from: ZERO_LSN, options: {} }, { onMessage: () => undefined, onKeepalive: () => undefined });
    const [idle, writing] = [await connect(database, undefined, "database"), await connect(database, undefined, "database")];
    await writing.query("BEGIN");
    await writing.query("INSERT INTO t VALUES (1)");
    expect(await openWriters(session)).toEqual([expect.stringMatching(/^process \d+ \(postgres, shop, walsender, idle in transaction, has written\)$/)]);
    const fence = await planFence(session);
    // The account may not see what the others do, so it goes by their slots.
    await createAccount(major, OWNER);
    await session.query(`alter database ${database.name} owner to ${OWNER}`);
    await using owner = await openSession(asAccount(database, "source", OWNER));
    const failure: unknown = await raiseFence(owner, fence, { graceMs: 0, withinMs: 0 }, SIGNAL).catch((error: unknown) => error);
    expect((failure as Error).message.match(/shop/g)).toHaveLength(2);
    expect((failure as Error).message).not.toContain("somebody's stream");

    await raiseFence(session, fence, { graceMs: 100, withinMs: 5000 }, SIGNAL);
    for (const client of [idle, writing]) await expect(client.query("INSERT INTO t VALUES (2)")).rejects.toThrow(/terminat|connection error|not queryable/i);
    expect(await openWriters(session)).toEqual([]);
    const streams = "select pid, state from pg_catalog.pg_stat_replication where application_name = 'somebody''s stream'";
    expect(await session.query(streams)).toEqual([{ pid: streaming.backendPid, state: "streaming" }]);
    await lowerFence(session, fence);
    await streaming.close();
    await Promise.all([idle, writing].map(async (client) => await client.end().catch(() => undefined)));
    await dropSlot(session, slot, "", SIGNAL);
  });

  it.runIf(major >= 10)("sees background workers, as those of a subscription, which do not ask for a default", async () => {
    const [origin, database] = [await createDatabase(major), await createDatabase(major)];
    const name = `fence_sub_${process.pid}_${major}`;
    await origin.query("create table t (a int primary key); create publication fence_pub for table t");
    await origin.query("select pg_create_logical_replication_slot($1, 'pgoutput')", [name]);
    // Its worker has written one row, and hesitates before the next.
    await database.query(`create table t (a int primary key); create function hesitate() returns trigger language plpgsql as 'begin perform pg_sleep(20); return new; end';
      create trigger hesitate before insert on t for each row when (new.a = 2) execute procedure hesitate(); alter table t enable always trigger hesitate;
      create subscription ${name} connection '${origin.uri}' publication fence_pub with (create_slot = false, copy_data = false)`);
    await using session = await openSession(database.endpoint("source"));
    try {
      await origin.query("insert into t values (1), (2)");
      await expect.poll(async () => await lastWriters(session, false), { timeout: 15_000 }).toEqual([expect.stringMatching(/^process \d+ \(postgres, .*has written\)$/)]);
      const failure = raiseFence(session, await planFence(session), { graceMs: 60_000, withinMs: 100 }, SIGNAL);
      await expect(failure).rejects.toMatchObject({
        code: "fence-incomplete",
        message: expect.stringContaining(`subscription ${name} brings changes from elsewhere (alter subscription ${name} disable)`),
      });
    } finally {
      await session.query(`alter subscription ${name} disable; alter subscription ${name} set (slot_name = none); drop subscription ${name}`);
      await origin.query("select pg_drop_replication_slot($1)", [name]);
    }
  });

  it("sees a session whose role was dropped", async () => {
    const database = await createDatabase(major);
    const role = `fence_gone_${process.pid}_${major}`;
    await database.query(`create table t (a int); create role ${role} superuser login password 'secret'`);
    const client = await connect(database, role);
    await client.query("begin; insert into t values (1)");
    await database.query(`drop role ${role}`);
    await using session = await openSession(database.endpoint("source"));
    expect(await openWriters(session)).toEqual([expect.stringMatching(/^process \d+ \(role \d+, shop, .*has written\)$/)]);
    await client.end();
  });

  it("reads a role's own setting as the server does, however it is spelled, and the one for this database before the one for all", async () => {
    const database = await createDatabase(major);
    const role = `fence_speller_${process.pid}`;
    await using session = await openSession(database.endpoint("source"));
    const here = `alter role ${role} in database ${database.name}`;
    const writers = async (): Promise<string[]> => (await openWriters(session)).filter((who) => who.includes(role));
    await session.query(`create role ${role} login`);
    try {
      for (const value of ["of", "OFF", "f", "F", "fa", "fals", "FALSE", "n", "No", "0"]) {
        await session.query(`${here} set default_transaction_read_only = '${value}'`);
        expect(await writers(), value).toEqual([expect.stringContaining(`role ${role} has a default_transaction_read_only of its own`)]);
      }
      for (const value of ["on", "T", "tr", "Y", "yes", "1"]) {
        await session.query(`${here} set default_transaction_read_only = '${value}'`);
        expect(await writers(), value).toEqual([]);
      }
      await session.query(`alter role ${role} set default_transaction_read_only = 'of'`);
      expect(await writers()).toEqual([]);
      await session.query(`${here} reset default_transaction_read_only; ${here} set work_mem = '5MB'`);
      expect(await writers()).toEqual([expect.stringContaining(`alter role ${role} reset default_transaction_read_only`)]);
      await session.query(`alter role ${role} set default_transaction_read_only = on; ${here} set default_transaction_read_only = 'of'`);
      expect(await writers()).toEqual([expect.stringContaining(`alter role ${role} in database ${database.name} reset default_transaction_read_only`)]);
      // What no server would keep, and nobody can read: it may let somebody write.
      await session.query(
        "update pg_catalog.pg_db_role_setting set setconfig = '{default_transaction_read_only=perhaps}' where setrole = $1::pg_catalog.regrole and setdatabase <> 0",
        [role],
      );
      expect(await writers()).toHaveLength(1);
    } finally {
      await session.query(`drop role ${role}`);
    }
  });
});
