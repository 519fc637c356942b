import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { onServer } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { openTestStream } from "../../test/kit/stream.ts";
import { Ledger } from "../copy/ledger.ts";
import { withDatabase } from "../wire/endpoint.ts";
import { type Lsn, ZERO_LSN } from "../wire/lsn.ts";
import { openSession } from "../wire/session.ts";
import { type Applied, openApplier } from "./applier.ts";
import { Intake } from "./intake.ts";
import { storedPosition } from "./position.ts";
import type { MakeTable } from "./stream-tables.ts";

const TABLE = "create table public.t (id int primary key, v text)";

describe.each(TEST_MAJORS)("PostgreSQL %i", (major) => {
  it("passes over transactions that the target has", async () => {
    await using stream = await openTestStream(major, TABLE);
    await stream.source.query("insert into public.t values (1, 'a')");
    await stream.sync({ peek: true });
    await stream.source.query("update public.t set v = v || 'b'");
    const prepared = ["t", "nowhere"].map((name) => ({ schema: "public", name }));
    await stream.sync({ peek: true, prepared });
    await stream.sync({ peek: true, prepared });
    expect(await stream.target.query("select * from public.t")).toEqual([{ id: 1, v: "ab" }]);
  });

  it("applies a transaction that is larger than a batch in parts, of which none is seen before its commit", async () => {
    await using stream = await openTestStream(major, TABLE);
    await stream.source.query("insert into public.t values (-1, 'before')");
    await stream.source.query(
      "begin; insert into public.t select i, repeat('x', 100) from generate_series(1, 100000) i; update public.t set v = 'y' where id % 1000 = 0; delete from public.t where id % 7 = 0; commit",
    );
    await stream.source.query("insert into public.t values (-2, 'behind')");
    const seen: unknown[] = [];
    const applied: Applied[] = [];
    await stream.sync({
      batchBytes: 2 * 1024 * 1024,
      onApplied: (result) => {
        applied.push(result);
        if (result.position === undefined) seen.push(stream.target.query("select count(*)::int as n from public.t"));
      },
    });
    expect(applied[0]).toMatchObject({ transactions: 1 });
    expect(seen.length).toBeGreaterThan(5);
    for (const rows of await Promise.all(seen.slice(0, 5))) expect(rows).toEqual([{ n: 1 }]);
    const both = await stream.rows("public.t");
    expect(both.target).toEqual(both.source);
  });

  it("a part that collides is repeated in order, the parts before it stay", async () => {
    await using stream = await openTestStream(major, "create table public.t (id int primary key, v text, u int unique)");
    await stream.source.query("insert into public.t select i, repeat('x', 300), i from generate_series(1, 3000) i");
    await stream.sync();
    await stream.source.query(
      "begin; update public.t set v = 'long' || v where id < 2000; update public.t set u = -1 where id = 1; update public.t set u = 1 where id = 2; update public.t set u = 2 where id = 1; update public.t set v = 'y'; commit",
    );
    const applied: Applied[] = [];
    await stream.sync({ batchBytes: 256 * 1024, onApplied: (result) => applied.push(result) });
    expect(applied.length).toBeGreaterThan(2);
    expect(applied.some(({ isInOrder }) => isInOrder)).toBe(true);
    const both = await stream.rows("public.t");
    expect(both.target).toEqual(both.source);
  });

  it("nothing of an unfinished transaction is there when it is given up", async () => {
    await using stream = await openTestStream(major, TABLE);
    await stream.source.query("insert into public.t select i, repeat('x', 1000) from generate_series(1, 5000) i");
    const messages = await stream.messages();
    await using applier = await stream.open();
    const intake = new Intake(applier, { batchBytes: 1024 * 1024 });
    for (const message of messages.slice(0, -1)) intake.take(message);
    await stream.target.query("select pg_sleep(0.5)");
    await intake.close();
    await intake.ended;
    expect(await stream.target.query("select from public.t")).toEqual([]);
    expect(applier.applied).toBe(stream.start);
  });

  it("a keepalive that comes while the position is being stored moves it all the same", async () => {
    await using stream = await openTestStream(major, TABLE);
    await using applier = await stream.open();
    const intake = new Intake(applier);
    const [one, two] = [(stream.start + 1000n) as Lsn, (stream.start + 2000n) as Lsn];
    intake.keepalive(one);
    const settling = applier.settle();
    await sleep(0);
    intake.keepalive(two);
    expect(await settling).toBe(one);
    expect(applier.applied).toBe(two);
    expect(await applier.settle()).toBe(two);
    await intake.close();
  });

  it("behind a batch that failed, no keepalive moves the position", async () => {
    await using stream = await openTestStream(major, TABLE);
    await stream.target.query("insert into public.t values (1, 'in the way')");
    await stream.source.query("insert into public.t values (1, 'a')");
    await using applier = await stream.open();
    const intake = new Intake(applier);
    for (const message of await stream.messages()) intake.take(message);
    await expect(intake.ended).rejects.toMatchObject({ code: "row-exists" });
    intake.keepalive((intake.received + 100n) as Lsn);
    expect(applier.applied).toBe(stream.start);
    expect(await applier.settle()).toBe(stream.start);
    await intake.close();
  });

  it("rows of several MB, and values of nothing", async () => {
    await using stream = await openTestStream(major, "create table public.t (id int primary key, v text, b bytea)");
    await stream.source.query(String.raw`insert into public.t select i, repeat('"\', 1500000), decode(repeat('00ff5c', 500000), 'hex') from generate_series(1, 6) i`);
    await stream.source.query("insert into public.t values (7, '', ''), (8, null, null)");
    await stream.source.query("update public.t set v = v || 'x'");
    await stream.source.query("update public.t set id = id + 10 where id < 3");
    // Each change fills a batch: commits come alone.
    await stream.sync({ batchBytes: 1024 * 1024 });
    const sums = "select id, md5(v) as v, md5(b) as b from public.t order by id";
    expect(await stream.target.query(sums)).toEqual(await stream.source.query(sums));
  });

  it("stops at a table that was altered, with the transactions before it applied; goes on after the same change on the target", async () => {
    await using stream = await openTestStream(major, `${TABLE}; create table public.k (a int primary key, b int)`);
    await stream.source.query("insert into public.t values (1, 'a'); insert into public.k values (1, 1)");
    await stream.source.query("alter table public.t rename column v to w");
    await stream.source.query("begin; insert into public.k values (2, 2); insert into public.t values (2, 'b'); commit");
    const stopped = stream.sync({ peek: true });
    await expect(stopped).rejects.toMatchObject({ code: "schema-changed", object: "public.t" });
    await expect(stopped).rejects.toThrow(/the target does not have its column "w"/);
    expect(await stream.target.query("select * from public.t")).toEqual([{ id: 1, v: "a" }]);
    expect(await stream.target.query("select * from public.k")).toEqual([{ a: 1, b: 1 }]);
    await stream.target.query("alter table public.t rename column v to w");
    await stream.sync();
    expect(await stream.target.query("select * from public.t order by id")).toEqual([
      { id: 1, w: "a" },
      { id: 2, w: "b" },
    ]);
    // In one transaction with changes before and behind.
    await stream.source.query("begin; insert into public.t values (3, 'c'); alter table public.t add column n int default 5; insert into public.t values (4, 'd', 6); commit");
    await expect(stream.sync({ peek: true })).rejects.toThrow(/the target does not have its column "n"/);
    await stream.target.query("alter table public.t add column n int default 5");
    await stream.sync();
    const both = await stream.rows("public.t");
    expect(both.target).toEqual(both.source);
    for (const [alter, why] of [
      ["alter table public.t alter n type bigint", "another type"],
      ["alter table public.t drop column n", "dropped"],
      ["alter table public.t alter w type varchar(50)", "another type"],
      ["alter table public.t rename to t2", "does not have this table"],
    ] as const) {
      await stream.source.query("update public.t set w = 'before'");
      await stream.source.query(alter);
      await stream.source.query(`update public.${alter.endsWith("t2") ? "t2" : "t"} set w = 'behind'`);
      await expect(stream.sync({ peek: true })).rejects.toThrow(why);
      expect(await stream.target.query("select distinct w from public.t")).toEqual([{ w: "before" }]);
      await stream.target.query(alter);
      await stream.sync();
    }
    expect(await stream.target.query("select distinct w from public.t2")).toEqual([{ w: "behind" }]);
  });

  it("an epoch that is over applies nothing any more, and no position goes backwards", async () => {
    await using stream = await openTestStream(major, TABLE);
    await stream.source.query("insert into public.t values (1, 'a')");
    const messages = await stream.messages();
    await using zombie = await stream.open();
    await using session = await openSession(stream.target.endpoint("target"));
    await session.query("update godwit.task set epoch = epoch + 1");
    stream.epoch += 1;
    const old = new Intake(zombie);
    for (const message of messages) old.take(message);
    await expect(old.idle()).rejects.toMatchObject({ code: "fenced" });
    await using applier = await stream.open();
    await expect(stream.open({ epoch: stream.epoch - 1 })).rejects.toMatchObject({ code: "fenced" });
    const intake = new Intake(applier);
    for (const message of messages) intake.take(message);
    await intake.idle();
    await intake.close();
    expect(await stream.target.query("select * from public.t")).toEqual([{ id: 1, v: "a" }]);
    const position = await storedPosition(session, stream.slot);
    expect(position).toBe(applier.applied);
    // Somebody moved it on: what we have is of the past.
    await session.query("update godwit.stream set applied = 'FFFFFFFF/0'");
    await stream.source.query("insert into public.t values (2, 'b')");
    const late = new Intake(applier);
    for (const message of await stream.messages()) late.take(message);
    await expect(late.idle()).rejects.toMatchObject({ code: "fenced" });
  });

  it("what is applied is soon on disk, and so is what is noted", async () => {
    await using stream = await openTestStream(major, TABLE);
    await stream.source.query("insert into public.t values (1, 'a')");
    await using applier = await stream.open();
    const intake = new Intake(applier);
    for (const message of await stream.messages()) intake.take(message);
    await intake.idle();
    expect(await applier.settle()).toBe(applier.applied);
    const [{ lsn } = { lsn: "" }] = await stream.source.query<{ lsn: string }>("select (pg_current_wal_lsn() - '0/0'::pg_lsn)::text as lsn");
    const end = (BigInt(lsn) + 100n) as Lsn;
    intake.keepalive(end);
    expect([applier.applied, applier.durable < end]).toEqual([end, true]);
    intake.keepalive(ZERO_LSN);
    expect(await applier.settle()).toBe(end);
    await using session = await openSession(stream.target.endpoint("target"));
    expect(await storedPosition(session, stream.slot)).toBe(end);
    await intake.close();
  });

  it("rows of partitions that go through the root, and their TRUNCATE", async () => {
    if (major < 11) return;
    const ddl = `create type public.e as enum ('a', 'b', 'c'); create table public.h (e public.e, id int, v text, primary key (e, id)) partition by hash (e);
      create table public.h0 partition of public.h for values with (modulus 2, remainder 0); create table public.h1 partition of public.h for values with (modulus 2, remainder 1)`;
    await using stream = await openTestStream(major, ddl, `create type public.x as enum ('z'); ${ddl}`);
    const root = { schema: "public", name: "h" };
    const routes = new Map([`"public"."h0"`, `"public"."h1"`].map((name) => [name, root] as const));
    await stream.source.query("insert into public.h select e, i, 'v' from unnest(enum_range(null::public.e)) e, generate_series(1, 20) i");
    await stream.source.query("update public.h set v = 'w' where id < 15; update public.h set e = 'b', id = id + 100 where e = 'a' and id < 5; delete from public.h where id = 7");
    await stream.sync({ routes });
    const both = await stream.rows("public.h");
    expect(both.target).toEqual(both.source);
    await stream.source.query("truncate public.h; insert into public.h values ('a', 1, 'x')");
    await stream.sync({ routes });
    expect((await stream.rows("public.h")).target).toEqual(["(a,1,x)"]);
    await stream.source.query("truncate public.h0");
    await expect(stream.sync({ routes })).rejects.toMatchObject({ code: "change-unsupported" });
  });

  it.runIf(major >= 11)("TRUNCATE empties nothing on the target that it did not empty at the source", async () => {
    const ddl =
      "create table public.p (id int primary key); create table public.q (id int references public.p) partition by list (id); create table public.q1 partition of public.q for values in (1)";
    await using stream = await openTestStream(major, ddl.slice(0, ddl.indexOf("; create table public.q1")), ddl);
    await stream.source.query("insert into public.p values (1)");
    await stream.sync();
    await stream.target.query("insert into public.q values (1)");
    await stream.source.query("truncate public.p cascade");
    await expect(stream.sync()).rejects.toThrow(/cannot truncate a table referenced in a foreign key constraint/);
    expect(await stream.target.query("select * from public.q")).toEqual([{ id: 1 }]);
  });

  it.runIf(major >= 11)("a partition that came since is made behind what came before it, also in its own transaction, of which nothing stays where that is given up", async () => {
    const ddl = `create table public.p (id int primary key, v text) partition by range (id); create table public.p0 partition of public.p for values from (0) to (10);
      create table public.pd partition of public.p default; create table public.keep (id int primary key, v text)`;
    await using stream = await openTestStream(major, ddl);
    const made: string[] = [];
    const makeTable: MakeTable = async ({ name }, target) => {
      const first = name.slice(1);
      await target.query(`create table public.${name} partition of public.p for values from (${first}) to (${Number(first) + 10})`);
      made.push(name);
      return true;
    };
    const sync = async (peek = false): Promise<unknown> => await stream.sync({ batchBytes: 16 * 1024, makeTable, peek });
    const move = (from: number): string =>
      `insert into public.keep select * from public.pd where id between ${from} and ${from + 9}; delete from public.pd where id between ${from} and ${from + 9}`;
    const make = (from: number): string =>
      `create table public.p${from} partition of public.p for values from (${from}) to (${from + 10}); insert into public.p select * from public.keep where id between ${from} and ${from + 9}`;
    const tables = async (): Promise<unknown> => await stream.target.query("select relname as name from pg_catalog.pg_class where relname in ('p10', 'p20', 'p30') order by 1");
    const expectSame = async (): Promise<void> => {
      for (const table of ["public.p", "public.pd", "public.keep"]) {
        const both = await stream.rows(table);
        expect(both.target).toEqual(both.source);
      }
    };
    await stream.source.query("insert into public.p select i, 'x' from generate_series(1, 100) i");
    for (const sql of [move(10), make(10)]) await stream.source.query(sql);
    await sync();
    await expectSame();
    // Behind several batches, and behind none.
    await stream.source.query(`begin; insert into public.p select i, 'y' from generate_series(101, 2000) i; ${move(20)}; ${make(20)}; commit`);
    await stream.source.query(`begin; ${move(30)}; ${make(30)}; update public.p set v = 'z' where id in (33, 50); commit`);
    // It is given up behind the new partition: what came before it is there.
    await stream.target.query("delete from public.pd where id = 50");
    await expect(sync(true)).rejects.toMatchObject({ code: "row-missing" });
    expect(await tables()).toEqual([{ name: "p10" }, { name: "p20" }]);
    await stream.target.query("insert into public.p values (50, 'x')");
    await sync();
    expect(made).toEqual(["p10", "p20", "p30", "p30"]);
    await expectSame();
    // Before anything of its transaction: it stays, and is found there.
    await stream.target.query("delete from public.pd where id = 60");
    await stream.source.query(
      "begin; create table public.p5000 partition of public.p for values from (5000) to (5010); insert into public.p values (5001, 'n'); update public.p set v = 'q' where id = 60; commit",
    );
    await expect(sync(true)).rejects.toMatchObject({ code: "row-missing" });
    expect(await stream.target.query("select * from public.p5000")).toEqual([]);
    await stream.target.query("insert into public.p values (60, 'x')");
    await sync();
    expect(made.slice(4)).toEqual(["p5000"]);
    await expectSame();
  });

  it("an account that may not be a replica", async () => {
    await using stream = await openTestStream(major, `${TABLE}; create table public.n (a int, b text); alter table public.n replica identity full`);
    const role = `apply_${stream.target.name}`;
    await onServer(major, async (admin) => await admin.query(`create role ${role} login password 'x'`));
    try {
      await stream.target
        .query(`grant all on all tables in schema public to ${role}; grant usage on schema godwit to ${role}; grant create on database ${stream.target.name} to ${role};
        grant all on all tables in schema godwit to ${role}; grant create on schema godwit to ${role}`);
      await stream.source.query("insert into public.t select i, 'v' from generate_series(1, 10) i; insert into public.n values (1, 'x'), (1, 'x')");
      await stream.source.query("update public.t set v = 'w'; delete from public.n where ctid = '(0,1)'");
      const endpoint = { ...withDatabase(stream.target.endpoint("target"), stream.target.name), user: role, password: "x" };
      await using applier = await openApplier(
        endpoint,
        { task: "stream-test", slot: stream.slot, epoch: stream.epoch, start: stream.start, policy: "stop" },
        new AbortController().signal,
      );
      expect(applier.isReplica).toBe(false);
      const intake = new Intake(applier);
      for (const message of await stream.messages()) intake.take(message);
      await intake.idle();
      await intake.close();
      for (const table of ["public.t", "public.n"]) {
        const both = await stream.rows(table);
        expect(both.target).toEqual(both.source);
      }
    } finally {
      await stream.target.query(`drop owned by ${role}`);
      await onServer(major, async (admin) => await admin.query(`drop role ${role}`));
    }
  });

  it("ends at a signal, and a ledger of another task is left alone", async () => {
    await using stream = await openTestStream(major, TABLE);
    await stream.source.query("insert into public.t values (1, 'a')");
    const stop = new AbortController();
    await using applier = await openApplier(
      stream.target.endpoint("target"),
      { task: "stream-test", slot: stream.slot, epoch: stream.epoch, start: stream.start, policy: "stop" },
      stop.signal,
    );
    const intake = new Intake(applier);
    await stream.target.query("begin; lock table public.t in access exclusive mode");
    for (const message of await stream.messages()) intake.take(message);
    setTimeout(() => stop.abort(new Error("enough")), 300);
    await expect(intake.idle()).rejects.toThrow("enough");
    await stream.target.query("rollback");
    await intake.close();
    expect(await stream.target.query("select from public.t")).toEqual([]);
    await using session = await openSession(stream.target.endpoint("target"));
    await expect(Ledger.open(session, "another")).rejects.toMatchObject({ code: "fenced" });
  });
});
