import { describe, expect, it } from "vitest";
import { type TestDatabase, createDatabase } from "../../test/kit/databases.ts";
import { createAccount, asAccount } from "../../test/kit/checks.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { OLD_MAJORS, ownBuild } from "../embedded/binaries.ts";
import { startServer } from "../embedded/server.ts";
import { parseEndpoint } from "./endpoint.ts";
import { type Lsn, ZERO_LSN, formatLsn, parseLsn } from "./lsn.ts";
import { type PgoutputMessage, decodePgoutput, pgoutputOptions } from "./pgoutput.ts";
import { type NewSlot, type OutputPlugin, type Replication, openReplication } from "./replication.ts";
import { openSession } from "./session.ts";
import { TEST_DECODING_OPTIONS, TestDecoder } from "./test-decoding.ts";
import { type Tuple, tupleValues } from "./tuple.ts";

type Row = Record<string, string | undefined>;
interface SeenChange {
  readonly table: string;
  readonly kind: string;
  readonly old?: Row;
  readonly new?: Row;
}
interface SeenTransaction {
  readonly xid: number;
  readonly commitTime: bigint;
  readonly endLsn: Lsn;
  readonly changes: readonly SeenChange[];
}

/** Gathers what was decoded into transactions, with what both plugins tell: of an old row only what is not null. */
class Collector {
  readonly transactions: SeenTransaction[] = [];
  readonly #relations = new Map<number, { table: string; columns: readonly { name: string }[] }>();
  #xid = 0;
  #changes: SeenChange[] = [];

  take(message: PgoutputMessage): void {
    if (message.kind === "begin") this.#xid = message.xid;
    else if (message.kind === "relation")
      this.#relations.set(message.relation.id, { table: `${message.relation.schema}.${message.relation.name}`, columns: message.relation.columns });
    else if (message.kind === "commit") {
      const { commitTime, endLsn } = message;
      this.transactions.push({ xid: this.#xid, commitTime, endLsn, changes: this.#changes });
      this.#changes = [];
    } else if (message.kind === "truncate") {
      for (const relation of message.relations) this.#changes.push({ table: this.#table(relation), kind: `truncate ${message.cascade} ${message.restartIdentity}` });
    } else if (message.kind === "insert") this.#changes.push({ table: this.#table(message.relation), kind: "insert", new: this.#row(message.relation, message.newTuple) });
    else if (message.kind === "update" || message.kind === "delete") {
      const old = message.oldTuple === undefined ? {} : { old: withoutNulls(this.#row(message.relation, message.oldTuple)) };
      const created = message.kind === "delete" ? {} : { new: this.#row(message.relation, message.newTuple) };
      this.#changes.push({ table: this.#table(message.relation), kind: message.kind, ...old, ...created });
    }
  }

  get changes(): readonly SeenChange[] {
    return this.transactions.flatMap(({ changes }) => changes);
  }

  #table(relation: number): string {
    return this.#relations.get(relation)!.table;
  }

  #row(relation: number, tuple: Tuple): Row {
    const { columns } = this.#relations.get(relation)!;
    if (tuple.columns !== columns.length) throw new Error(`a row of ${tuple.columns} columns of a relation that has ${columns.length}`);
    return Object.fromEntries(tupleValues(tuple).map((value, at) => [columns[at]!.name, value === undefined ? "(unchanged)" : (value ?? undefined)]));
  }
}

function withoutNulls(row: Row): Row {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined));
}

/** Streams a slot into a collector until the transaction that writes the marker has come. */
async function streamToMarker(replication: Replication, slot: string, plugin: OutputPlugin, from: Lsn = ZERO_LSN): Promise<Collector> {
  const collector = new Collector();
  const decoder = new TestDecoder();
  const decode = (bytes: Buffer, start: number, end: number, walEnd: Lsn): readonly PgoutputMessage[] =>
    plugin === "pgoutput" ? [decodePgoutput(bytes, start, end, false)] : decoder.decode(bytes.subarray(start, end), walEnd);
  const options = plugin === "pgoutput" ? pgoutputOptions(["p"]) : TEST_DECODING_OPTIONS;
  let done: () => void = () => undefined;
  const marked = new Promise<void>((resolve) => (done = resolve));
  const stream = await replication.startReplication(
    { slot, from, options },
    {
      onMessage: (bytes, start, end, walEnd) => {
        for (const message of decode(bytes, start, end, walEnd)) {
          collector.take(message);
          if (message.kind === "commit" && collector.changes.at(-1)?.table === "public.marker") done();
        }
      },
      onKeepalive: () => undefined,
    },
  );
  await Promise.race([marked, stream.ended.then(() => Promise.reject(new Error("the stream ended before the marker")))]);
  stream.report(collector.transactions.at(-1)!.endLsn);
  await stream.stop();
  await stream.ended;
  return collector;
}

async function makeSlot(database: TestDatabase, name: string, plugin: OutputPlugin, whileOpen?: (slot: NewSlot) => Promise<void>): Promise<NewSlot> {
  await using replication = await openReplication(database.endpoint("source"));
  const slot = await replication.createSlot(name, plugin);
  await whileOpen?.(slot);
  return slot;
}

async function dropSlots(database: TestDatabase, ...names: readonly string[]): Promise<void> {
  await using replication = await openReplication(database.endpoint("source"));
  for (const name of names) await replication.dropSlot(name);
}

const TABLES = String.raw`
  create schema "S p";
  create type "S p"."Mo""od]" as enum ('happy', 'so "so" it''s');
  create domain public.yes as boolean;
  create domain public.code as text check (value <> '');
  create table "S p"."T""x: y" (
    id bigint primary key, "Naïve ""col"" [x]" text, arr text[], nums numeric[], num numeric(12, 3), b boolean, bits bit(5), vb bit varying,
    f8 float8, f4 float4, at timestamptz, ts timestamp, iv interval, by bytea, js jsonb, en "S p"."Mo""od]", ens "S p"."Mo""od]"[], yes public.yes, code public.code,
    o oid, ch "char", fixed char(4), big text, m money, r int4range, "select" smallint
  );
  alter table "S p"."T""x: y" alter column big set storage external;
  create table public.whole (a int, b text, big text);
  alter table public.whole alter column big set storage external;
  alter table public.whole replica identity full;
  create table public.by_index (a int not null, b text not null, c text);
  create unique index by_index_key on public.by_index (b, a);
  alter table public.by_index replica identity using index by_index_key;
  create table public.dropping (id int primary key, gone text, kept text);
  alter table public.dropping drop column gone;
  create table public.marker (n serial primary key);
  create publication p for all tables`;

const ROW = String.raw`(1, E'it''s\n"quoted"\t\\ back ü 🦜', array['a', null, 'NULL', '', 'x,y', E'q"\\'''], '{1.50,NaN}', 123.4, true, B'10110', B'', 'Infinity', 0.1,
  '2026-01-31 12:00:00.123456+05:30', '0044-03-15 12:00:00 BC', '1 year -2 days 03:04:05.678', '\x00ff27', '{"a": [1, "it''s"]}', 'so "so" it''s', array['happy', null]::"S p"."Mo""od]"[], true, 'unchanged-toast-datum',
  4294967295, '''', 'ab', repeat('it''s', 5000), 12.34, '[1,5)', -7)`;

const CHANGES = [
  `insert into "S p"."T""x: y" values ${ROW}`,
  `insert into "S p"."T""x: y" (id, code, "Naïve ""col"" [x]") values (2, 'null', ' new-tuple: id[bigint]:1')`,
  `update "S p"."T""x: y" set b = false, yes = false, nums = null, "select" = 3 where id = 1`,
  `update "S p"."T""x: y" set id = 10, js = 'null' where id = 1`,
  `begin; update "S p"."T""x: y" set big = 'small' where id = 10; delete from "S p"."T""x: y" where id = 2; savepoint a; insert into public.whole values (99); rollback to a; commit`,
  "insert into public.whole values (1, 'x', repeat('y', 10000)), (1, 'x', repeat('y', 10000)), (null, null, null), (2, null, 'z')",
  "update public.whole set b = 'it''s' where a = 1",
  "update public.whole set a = a + 1",
  "delete from public.whole",
  "insert into public.by_index values (1, 'one', null), (2, 'two', 'c')",
  "update public.by_index set c = 'd' where a = 1; update public.by_index set b = 'zwei' where a = 2; delete from public.by_index where a = 1",
  "insert into public.dropping values (1, 'k'); alter table public.dropping add more int; insert into public.dropping values (2, 'l', 3); delete from public.dropping where id = 1",
];

describe.each(TEST_MAJORS)("replication from PostgreSQL %i", (major) => {
  it("gives the snapshot that the stream goes on from, and the same changes by both plugins", async () => {
    const database = await createDatabase(major);
    await database.query(TABLES);
    await database.query("insert into public.by_index values (0, 'before', null)");
    const slots: Record<OutputPlugin, string> = { pgoutput: `${database.name}_p`, test_decoding: `${database.name}_t` };
    await makeSlot(database, slots.test_decoding, "test_decoding");
    const made = await makeSlot(database, slots.pgoutput, "pgoutput", async ({ snapshot }) => {
      await database.query("insert into public.by_index values (0, 'after', null)");
      const rows = await database.query(`begin isolation level repeatable read; set transaction snapshot '${snapshot}'; select b from public.by_index; `);
      await database.query("commit");
      expect(rows).toEqual([{ b: "before" }]);
    });
    expect(made.consistentPoint).toBeGreaterThan(0n);
    for (const sql of CHANGES) await database.query(sql);
    if (major >= 11) await database.query("truncate public.by_index, public.whole; truncate public.dropping restart identity cascade");
    await database.query("insert into public.marker default values");

    await using first = await openReplication(database.endpoint("source"));
    const told = await streamToMarker(first, slots.pgoutput, "pgoutput");
    await using second = await openReplication(database.endpoint("source"));
    const shown = await streamToMarker(second, slots.test_decoding, "test_decoding");
    const filled = (transactions: readonly SeenTransaction[]): SeenTransaction[] => transactions.filter(({ changes }) => changes.length > 0);
    expect(filled(shown.transactions)).toEqual(filled(told.transactions));

    const { changes } = told;
    expect(changes[0]).toMatchObject({ table: "public.by_index", kind: "insert", new: { b: "after" } });
    const rich = `S p.T"x: y`;
    expect(changes.filter(({ table }) => table === rich).map(({ kind, old }) => [kind, old])).toEqual([
      ["insert", undefined],
      ["insert", undefined],
      ["update", undefined],
      ["update", { id: "1" }],
      ["update", undefined],
      ["delete", { id: "2" }],
    ]);
    const [inserted, , updated] = changes.filter(({ table }) => table === rich);
    expect(inserted?.new).toMatchObject({
      'Naïve "col" [x]': `it's\n"quoted"\t\\ back ü 🦜`,
      arr: String.raw`{a,NULL,"NULL","","x,y","q\"\\'"}`,
      b: "t",
      bits: "10110",
      vb: "",
      f8: "Infinity",
      at: "2026-01-31 06:30:00.123456+00",
      ts: "0044-03-15 12:00:00 BC",
      by: "\\x00ff27",
      en: `so "so" it's`,
      code: "unchanged-toast-datum",
      ch: "'",
      fixed: "ab  ",
      m: "$12.34",
      big: "it's".repeat(5000),
    });
    expect(updated?.new).toMatchObject({ b: "f", yes: "f", big: "(unchanged)", select: "3", nums: undefined });
    const whole = changes.filter(({ table, kind }) => table === "public.whole" && kind !== "insert");
    expect(whole[0]?.old).toEqual({ a: "1", b: "x", big: "y".repeat(10000) });
    expect(whole.filter(({ kind }) => kind === "delete").map(({ old }) => old?.["a"])).toEqual(expect.arrayContaining(["2", "2", "3", undefined]));
    expect(changes.some(({ new: row }) => row?.["a"] === "99")).toBe(false);
    const truncated = changes.filter(({ kind }) => kind.startsWith("truncate")).map(({ kind }) => kind);
    expect(truncated).toEqual(major >= 11 ? ["truncate false false", "truncate false false", "truncate true true"] : []);
    await dropSlots(database, slots.pgoutput, slots.test_decoding);
  });

  it("tells the slot what is safe, and goes on from there", async () => {
    const database = await createDatabase(major);
    await database.query("create table public.marker (n serial primary key); create table public.a (n int primary key); create publication p for all tables");
    const slot = `${database.name}_s`;
    const { consistentPoint } = await makeSlot(database, slot, "pgoutput");
    const confirmed = async (): Promise<Lsn> => {
      const [row] = await database.query<{ at: string }>("select confirmed_flush_lsn as at from pg_replication_slots where slot_name = $1", [slot]);
      return parseLsn(row!.at);
    };
    expect(await confirmed()).toBe(consistentPoint);
    await database.query("insert into public.a select generate_series(1, 1000)");
    await database.query("insert into public.marker default values");
    await using first = await openReplication(database.endpoint("source"));
    const before = await streamToMarker(first, slot, "pgoutput", consistentPoint);
    expect(before.changes).toHaveLength(1001);
    const { endLsn } = before.transactions.at(-1)!;
    expect(await confirmed()).toBe(endLsn);
    await database.query("insert into public.a values (1001)");
    await database.query("insert into public.marker default values");
    // Twice from a position that was reported as well as from "where the slot is".
    await using second = await openReplication(database.endpoint("source"));
    expect((await streamToMarker(second, slot, "pgoutput", endLsn)).changes.map(({ new: row }) => row)).toEqual([{ n: "1001" }, { n: "2" }]);
    await database.query("insert into public.marker default values");
    await using third = await openReplication(database.endpoint("source"));
    expect((await streamToMarker(third, slot, "pgoutput")).changes.map(({ new: row }) => row)).toEqual([{ n: "3" }]);
    await dropSlots(database, slot);
  });

  it("sends a position that was reported without being stopped, and keeps up with an idle server", async () => {
    const database = await createDatabase(major);
    await database.query("create table public.a (n int primary key); create table public.b (n int); create publication p for table public.a");
    const slot = `${database.name}_s`;
    await makeSlot(database, slot, "pgoutput");
    await using replication = await openReplication(database.endpoint("source"));
    expect(await replication.identify()).toMatchObject({ timeline: 1, systemId: expect.stringMatching(/^\d+$/) as unknown });
    const stream = await replication.startReplication(
      { slot, from: ZERO_LSN, options: pgoutputOptions(["p"]) },
      {
        // Before 15 an empty transaction is told of, too.
        onMessage: (bytes, start, end) => {
          const message = decodePgoutput(bytes, start, end, false);
          if (message.kind === "commit") stream.report(message.endLsn);
        },
        onKeepalive: (walEnd) => stream.report(walEnd),
      },
    );
    // Nothing of this is published.
    await database.query("insert into public.b select generate_series(1, 1000)");
    const [row] = await database.query<{ at: string }>("select pg_current_wal_flush_lsn() as at");
    const behind = async (): Promise<boolean> =>
      (await database.query("select from pg_replication_slots where slot_name = $1 and confirmed_flush_lsn < $2::pg_lsn", [slot, row!.at])).length > 0;
    await expect.poll(behind, { timeout: 5000 }).toBe(false);
    stream.report(1n as Lsn); // never goes back
    await stream.stop();
    expect(await behind()).toBe(false);
    await dropSlots(database, slot);
  });

  it("hands on a message of many megabytes whole", async () => {
    const database = await createDatabase(major);
    await database.query("create table public.marker (n serial primary key, t text); create publication p for all tables");
    const slot = `${database.name}_s`;
    await makeSlot(database, slot, "pgoutput");
    await database.query("insert into public.marker (t) select repeat(md5('x'), 400000)");
    await using replication = await openReplication(database.endpoint("source"));
    const { changes } = await streamToMarker(replication, slot, "pgoutput");
    expect(changes[0]?.new?.["t"]).toHaveLength(32 * 400_000);
    await dropSlots(database, slot);
  });

  it("says what is wrong with a slot", async () => {
    const database = await createDatabase(major);
    await database.query("create publication p for all tables");
    const slot = `${database.name}_s`;
    const silent = { onMessage: () => undefined, onKeepalive: () => undefined };
    const start = { slot, from: ZERO_LSN, options: pgoutputOptions(["p"]) };
    await using first = await openReplication(database.endpoint("source"));
    const missing = first.startReplication(start, silent);
    await expect(missing).rejects.toMatchObject({ code: "slot-missing", object: slot, cause: { code: "42704" } });
    await using second = await openReplication(database.endpoint("source"));
    await expect(second.dropSlot(slot)).rejects.toMatchObject({ code: "slot-missing" });
    await second.createSlot(slot, "pgoutput");
    await expect(second.createSlot(slot, "pgoutput")).rejects.toMatchObject({ code: "query-failed", cause: { code: "42710" } });
    const stream = await second.startReplication(start, silent);
    await using third = await openReplication(database.endpoint("source"));
    await expect(third.startReplication(start, silent)).rejects.toMatchObject({ code: "slot-in-use", retry: "automatic" });
    await stream.stop();
    await using fourth = await openReplication(database.endpoint("source"));
    // Some versions agree to stream before they look at the options.
    const unfit = fourth.startReplication({ ...start, options: { proto_version: "99", publication_names: "p" } }, silent).then(async (agreed) => await agreed.ended);
    await expect(unfit).rejects.toMatchObject({ code: "query-failed" });
    await dropSlots(database, slot);
  });

  it("does not take a missing publication for a missing slot", async () => {
    const database = await createDatabase(major);
    await database.query("create table public.a (n int primary key)");
    const slot = `${database.name}_s`;
    await makeSlot(database, slot, "pgoutput");
    await database.query("insert into public.a values (1)");
    await using replication = await openReplication(database.endpoint("source"));
    const stream = await replication.startReplication({ slot, from: ZERO_LSN, options: pgoutputOptions(["none"]) }, { onMessage: () => undefined, onKeepalive: () => undefined });
    const goingOn = new Promise((resolve) => setTimeout(() => resolve({ code: "going on" }), 1500));
    const outcome = await Promise.race([goingOn, stream.ended.catch((error: unknown) => error)]);
    // From 18 on the server warns in its log, and publishes nothing.
    expect(outcome).toMatchObject(major < 18 ? { code: "query-failed", cause: { code: "42704" } } : { code: "going on" });
    await replication.close();
    await dropSlots(database, slot);
  });

  it("needs an account that may", async () => {
    const database = await createDatabase(major);
    await createAccount(major, "plain");
    await createAccount(major, "streamer", "login replication");
    await expect(openReplication(asAccount(database, "source", "plain"))).rejects.toMatchObject({ code: "privilege-missing" });
    await expect(openReplication({ ...asAccount(database, "source", "streamer"), password: "wrong" })).rejects.toMatchObject({ code: "password-wrong" });
    await expect(openReplication({ ...asAccount(database, "source", "streamer"), database: "nowhere" })).rejects.toMatchObject({ code: "database-unknown" });
    await using replication = await openReplication(asAccount(database, "source", "streamer"));
    expect(replication.major).toBe(major);
    expect(formatLsn((await replication.identify()).walEnd)).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/);
  });
});

for (const major of OLD_MAJORS) {
  describe.skipIf(ownBuild(major) === undefined)(`replication from PostgreSQL ${major}`, () => {
    it("streams what test_decoding shows, from the snapshot on", async () => {
      await using server = await startServer({ major });
      const endpoint = parseEndpoint("source", server.uri());
      await using session = await openSession(endpoint);
      await session.query("create table public.marker (n serial primary key, t text) with oids; insert into public.marker (t) values ('before')");
      await using maker = await openReplication(endpoint);
      expect(maker.major).toBe(major);
      const { snapshot } = await maker.createSlot("s", "test_decoding");
      await session.query("begin isolation level repeatable read");
      await session.query(`set transaction snapshot '${snapshot}'`);
      expect(await session.query("select t from public.marker")).toEqual([{ t: "before" }]);
      await session.query("commit; insert into public.marker (t) values (E'it''s \\\\ ü')");
      await using replication = await openReplication(endpoint);
      const { changes } = await streamToMarker(replication, "s", "test_decoding");
      expect(changes.map(({ new: row }) => row)).toMatchObject([{ n: "2", t: "it's \\ ü" }]);
      await maker.dropSlot("s");
    });
  });
}
