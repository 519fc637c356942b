import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createDatabase, type TestDatabase } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { startServer } from "../embedded/server.ts";
import { type Lsn, ZERO_LSN, parseLsn } from "../wire/lsn.ts";
import { parseEndpoint } from "../wire/endpoint.ts";
import { decodePgoutput, pgoutputOptions } from "../wire/pgoutput.ts";
import { type Session, openSession } from "../wire/session.ts";
import { BACKLOG_SINCE } from "./backlog.ts";
import { ChangeReader } from "./change-reader.ts";

/** Rows of `a` by number, as whoever applies them would see them: what was committed before what is there already is passed over. */
class Receiver {
  readonly numbers: number[] = [];
  received = ZERO_LSN;
  backlogs = 0;
  isReadingBacklog = false;
  #isSkipping = false;
  #isInside = false;
  /** Numbers of the transaction that is coming. */
  #open: number[] = [];

  /** A transaction that was cut off comes again, whole. */
  begin(): void {
    this.#isInside = false;
    this.#open = [];
  }

  readonly onMessage = (bytes: Buffer, from: number, to: number): void => {
    const message = decodePgoutput(bytes, from, to, false);
    if (message.kind === "begin") {
      if (this.#isInside) throw new Error("a transaction began within another");
      this.#isInside = true;
      this.#isSkipping = message.finalLsn < this.received;
    } else if (message.kind === "insert") {
      const { bytes, start, end } = message.newTuple;
      const number = Number(bytes.toString("latin1", start + 5, end));
      if (!Number.isNaN(number)) this.#open.push(number);
    } else if (message.kind === "commit") {
      this.#isInside = false;
      if (!this.#isSkipping) {
        if (message.endLsn <= this.received) throw new Error("a transaction came again");
        this.numbers.push(...this.#open);
        this.received = message.endLsn;
      }
      this.#open = [];
    }
  };
}

interface Reading extends AsyncDisposable {
  readonly reader: ChangeReader;
  readonly receiver: Receiver;
}

async function readChanges(source: Session, slot: string, receiver: Receiver): Promise<ChangeReader> {
  receiver.begin();
  return await ChangeReader.open(source, {
    setup: { slot, plugin: "pgoutput", receiver: `test ${slot}`, publication: "p", identities: [] },
    pluginOptions: pgoutputOptions(["p"]),
    signal: new AbortController().signal,
    onConnected: async () => undefined,
    handler: { onMessage: receiver.onMessage, onKeepalive: () => undefined },
    received: () => receiver.received,
    durable: () => ZERO_LSN,
    onBacklog: (isReading) => {
      receiver.isReadingBacklog = isReading;
      if (isReading) receiver.backlogs++;
    },
    onRound: () => undefined,
  });
}

async function begin(database: TestDatabase, slot: string, receiver = new Receiver()): Promise<Reading> {
  // A walsender that was left in the middle of a transaction sends all of it first.
  await expect.poll(async () => await database.query("select from pg_replication_slots where slot_name = $1 and active", [slot]), { timeout: 10_000 }).toEqual([]);
  const source = await openSession(database.endpoint("source"));
  const reader = await readChanges(source, slot, receiver);
  return {
    reader,
    receiver,
    [Symbol.asyncDispose]: async () => {
      await reader[Symbol.asyncDispose]();
      await source.close();
    },
  };
}

const INSERT = "insert into public.a values ($1)";
/** 40 MB that are no numbers. */
const NOISE = "insert into noise select repeat('x', 100000) from generate_series(1, 400)";

async function prepare(major: (typeof TEST_MAJORS)[number]): Promise<{ readonly database: TestDatabase; readonly slot: string }> {
  const database = await createDatabase(major);
  const slot = `r_${database.name}`;
  await database.query("create table a (n int); create table noise (t text); alter table noise alter t set storage external; create publication p for all tables");
  await database.query("select pg_create_logical_replication_slot($1, 'pgoutput')", [slot]);
  return { database, slot };
}

async function finish(database: TestDatabase, slot: string): Promise<void> {
  const slots = "select slot_name from pg_replication_slots where database = current_database() and (active or slot_name <> $1)";
  await expect.poll(async () => await database.query(slots, [slot]), { timeout: 10_000 }).toEqual([]);
  await database.query("select pg_drop_replication_slot($1)", [slot]);
}

/** Each in a transaction of its own. */
async function insertOneByOne(database: TestDatabase, count: number): Promise<void> {
  await database.query(
    upTo(count)
      .map((n) => `begin; insert into a values (${n}); commit;`)
      .join(""),
  );
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1);

describe.each(TEST_MAJORS)("changes from PostgreSQL %i", (major) => {
  const hasRounds = major * 10_000 >= BACKLOG_SINCE;

  it("come once and in order: what gathered, what comes, and what comes while it falls behind and catches up", { timeout: 60_000 }, async () => {
    const { database, slot } = await prepare(major);
    const writer = await openSession(database.endpoint("source"));
    let written = 0;
    for (let n = 0; n < 200; n++) await writer.query(INSERT, [++written]);
    await database.query(NOISE);
    {
      await using reading = await begin(database, slot);
      const { reader, receiver } = reading;
      await expect.poll(() => receiver.numbers.length).toBe(200);
      await expect.poll(() => receiver.isReadingBacklog).toBe(false);
      expect(receiver.backlogs).toBe(hasRounds ? 1 : 0);
      const stop = new AbortController();
      const writing = (async () => {
        while (!stop.signal.aborted) await writer.query(INSERT, [++written]);
      })();
      // By the stream: before it has begun, nobody can fall behind in it.
      await expect.poll(() => receiver.numbers.length, { timeout: 20_000 }).toBeGreaterThan(200);
      for (let time = 0; time < 3; time++) {
        // A reader that is held up for a while falls behind.
        reader.pause();
        await database.query(NOISE);
        const [row] = await database.query<{ lsn: string }>("select pg_current_wal_lsn()::text as lsn");
        reader.sourceAt(parseLsn(row!.lsn));
        reader.resume();
        await sleep(300);
      }
      stop.abort();
      await writing;
      await expect.poll(() => receiver.numbers.length, { timeout: 20_000 }).toBe(written);
      expect(receiver.numbers).toEqual(upTo(written));
      expect(receiver.backlogs).toBeGreaterThanOrEqual(hasRounds ? 2 : 0);
    }
    await writer.close();
    await finish(database, slot);
  });

  it("come by a stream that is far behind and silent, while the source decodes a large transaction: that would begin anew with each other way", { timeout: 60_000 }, async () => {
    const { database, slot } = await prepare(major);
    {
      await using reading = await begin(database, slot);
      const { reader, receiver } = reading;
      await expect.poll(() => receiver.isReadingBacklog).toBe(false);
      const before = receiver.backlogs;
      const telling = setInterval(() => reader.sourceAt((receiver.received + 1_000_000_000n) as Lsn), 5);
      await database.query("insert into a select generate_series(1, 100000)");
      await expect.poll(() => receiver.numbers.length, { timeout: 30_000 }).toBe(100_000);
      expect(receiver.backlogs).toBe(before);
      clearInterval(telling);
    }
    await finish(database, slot);
  });

  it("go on behind what was received, in the middle of whichever way they come", { timeout: 60_000 }, async () => {
    const { database, slot } = await prepare(major);
    await insertOneByOne(database, 20_000);
    const receiver = new Receiver();
    for (let time = 0; time < 20 && receiver.numbers.length < 20_000; time++) {
      await using reading = await begin(database, slot, receiver);
      await Promise.race([sleep(5 * time), reading.reader.failed]);
    }
    {
      await using _reading = await begin(database, slot, receiver);
      await expect.poll(() => receiver.numbers.length, { timeout: 20_000 }).toBe(20_000);
    }
    expect(receiver.numbers).toEqual(upTo(20_000));
    await finish(database, slot);
  });

  it("are lost with a connection, whichever way they come, and say so", async () => {
    const { database, slot } = await prepare(major);
    await insertOneByOne(database, 30_000);
    await using reading = await begin(database, slot);
    reading.reader.pause();
    await sleep(100);
    const lost = reading.reader.failed.catch((error: unknown) => error);
    const over = new AbortController();
    void lost.then(() => over.abort());
    // Who has sent everything already is not missed: then it is the next one.
    for (; !over.signal.aborted; await sleep(20)) {
      await database.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1", [`test ${slot}`]);
      reading.reader.resume();
    }
    expect(await lost).toMatchObject({ code: "connection-lost" });
    await reading[Symbol.asyncDispose]();
    await finish(database, slot);
  });
});

it("come from a walsender where no slot is free for rounds", async () => {
  await using server = await startServer({ major: TEST_MAJORS.at(-1)!, settings: { wal_level: "logical", max_replication_slots: 1 } });
  const endpoint = parseEndpoint("source", server.uri("postgres"));
  await using source = await openSession(endpoint);
  await source.query("create table public.a (n int); create publication p for all tables");
  await source.query("select pg_create_logical_replication_slot('only', 'pgoutput')");
  await source.query("do $$ begin for n in 1 .. 20000 loop insert into public.a values (n); commit; end loop; end $$");
  const receiver = new Receiver();
  await using _reader = await readChanges(source, "only", receiver);
  await expect.poll(() => receiver.numbers.length, { timeout: 20_000 }).toBe(20_000);
  expect(receiver.numbers).toEqual(upTo(20_000));
});
