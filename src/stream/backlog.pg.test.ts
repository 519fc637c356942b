import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createDatabase, type TestDatabase } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { startServer } from "../embedded/server.ts";
import { parseEndpoint } from "../wire/endpoint.ts";
import { type Lsn, ZERO_LSN, formatLsn, parseLsn } from "../wire/lsn.ts";
import { decodePgoutput, pgoutputOptions } from "../wire/pgoutput.ts";
import { openReplication } from "../wire/replication.ts";
import { openSession } from "../wire/session.ts";
import { BACKLOG_SINCE, Backlog, type BacklogOptions } from "./backlog.ts";
import type { SourceSetup } from "../source/source-setup.ts";

const MAJORS = TEST_MAJORS.filter((major) => major * 10_000 >= BACKLOG_SINCE);
const pluginOptions = pgoutputOptions(["p"]);

interface Site extends AsyncDisposable {
  readonly database: TestDatabase;
  readonly setup: SourceSetup;
  /** Has this happen at the source: rows in small transactions, one of 10,000 rows, one that aborts, one of many bytes. */
  work(): Promise<void>;
  options(more?: Partial<BacklogOptions>): BacklogOptions;
}

async function openSite(major: (typeof MAJORS)[number]): Promise<Site> {
  const database = await createDatabase(major);
  await database.query("create table a (n serial primary key, t text); alter table a alter t set storage external; create publication p for all tables");
  const slot = `b_${database.name}`;
  await database.query("select pg_create_logical_replication_slot($1, 'pgoutput')", [slot]);
  const setup: SourceSetup = { slot, plugin: "pgoutput", receiver: `test ${slot}`, publication: "p", identities: [] };
  return {
    database,
    setup,
    async work() {
      await database.query("do $$ begin for i in 1 .. 3000 loop insert into a (t) values (md5(i::text)); update a set t = t || 'ä' where a.n = 7; commit; end loop; end $$");
      await database.query("insert into a (t) select 'many' from generate_series(1, 10000)");
      await database.query("begin; insert into a (t) values ('not'); rollback");
      await database.query("do $$ begin for n in 1 .. 10 loop insert into a (t) values (repeat('wide', 500000)); commit; end loop; end $$");
    },
    options: (more = {}) => ({
      source: database.endpoint("source"),
      setup,
      pluginOptions,
      signal: new AbortController().signal,
      onMessage: () => undefined,
      onRound: () => undefined,
      durable: () => ZERO_LSN,
      ...more,
    }),
    async [Symbol.asyncDispose]() {
      await expect.poll(async () => await copies(database, slot), { timeout: 10_000 }).toEqual([]);
      await database.query("select pg_drop_replication_slot($1)", [slot]);
    },
  };
}

async function copies(database: TestDatabase, slot: string): Promise<unknown[]> {
  return await database.query("select slot_name from pg_replication_slots where database = current_database() and slot_name <> $1", [slot]);
}

/** All but what is told of tables, which each round does anew. */
class Account {
  readonly #hash = createHash("md5");
  messages = 0;
  commits: Lsn[] = [];

  readonly take = (bytes: Buffer, start: number, end: number): void => {
    const message = decodePgoutput(bytes, start, end, false);
    if (message.kind === "relation") return;
    if (message.kind === "commit") this.commits.push(message.endLsn);
    this.messages++;
    this.#hash.update(bytes.subarray(start, end)).update("\0");
  };

  digest(): string {
    return this.#hash.copy().digest("hex");
  }
}

async function currentLsn(database: TestDatabase): Promise<Lsn> {
  const [row] = await database.query<{ lsn: string }>("select pg_current_wal_flush_lsn()::text as lsn");
  return parseLsn(row!.lsn);
}

describe.each(MAJORS)("a backlog of PostgreSQL %i", (major) => {
  it("is the same, byte for byte, as what a walsender sends", async () => {
    await using site = await openSite(major);
    await site.work();
    const read = new Account();
    const rounds: Lsn[] = [];
    // Two rounds are decoded at a time, as nobody takes long.
    await using backlog = await Backlog.open(site.options({ onMessage: read.take, onRound: (reached) => rounds.push(reached), firstRoundBytes: 300_000 }));
    const end = await currentLsn(site.database);
    expect(await backlog.read()).toBe("near");
    expect(rounds.length).toBeGreaterThan(4);
    expect(rounds.at(-1)).toBeGreaterThanOrEqual(end);
    // Everything before a round's end came before it was told.
    expect(read.commits.at(-1)).toBeLessThanOrEqual(rounds.at(-1)!);
    const sent = new Account();
    await using replication = await openReplication(site.database.endpoint("source"));
    const stream = await replication.startReplication({ slot: site.setup.slot, from: ZERO_LSN, options: pluginOptions }, { onMessage: sent.take, onKeepalive: () => undefined });
    await expect.poll(() => sent.messages, { timeout: 30_000 }).toBe(read.messages);
    await stream.stop();
    expect(sent.digest()).toBe(read.digest());
    expect(sent.commits).toEqual(read.commits);
  });

  it("is the same where a record of the WAL is larger than rounds are, and where the source has no slot for another round", async () => {
    await using server = await startServer({ major, settings: { wal_level: "logical", max_replication_slots: 3 } });
    const source = parseEndpoint("source", server.uri());
    await using session = await openSession(source);
    await session.query("create table public.a (n serial primary key, t text); create publication p for all tables");
    await session.query("select pg_catalog.pg_create_logical_replication_slot('s', 'pgoutput')");
    for (let n = 0; n < 3; n++) {
      await session.query("insert into public.a (t) select pg_catalog.md5(i::text) from pg_catalog.generate_series(1, 20000) i");
      await session.query("select pg_catalog.pg_logical_emit_message(false, 'x', pg_catalog.repeat('x', 3000000))");
    }
    const setup: SourceSetup = { slot: "s", plugin: "pgoutput", receiver: "test", publication: "p", identities: [] };
    const read = new Account();
    const rounds: Lsn[] = [];
    const { signal } = new AbortController();
    const options = { source, setup, pluginOptions, signal, durable: () => ZERO_LSN, firstRoundBytes: 300_000 };
    await using backlog = await Backlog.open({ ...options, onMessage: read.take, onRound: (reached) => rounds.push(reached) });
    expect(await backlog.read()).toBe("near");
    expect(rounds.length).toBeGreaterThan(4);
    const whole = new Account();
    const changes = await session.query<{ data: Buffer }>(
      "select data from pg_catalog.pg_logical_slot_get_binary_changes('s', $1, null, 'proto_version', '1', 'publication_names', 'p')",
      [formatLsn(rounds.at(-1)!)],
    );
    for (const { data } of changes) whole.take(data, 0, data.length);
    expect(read.commits).toEqual(whole.commits);
    expect(read.digest()).toBe(whole.digest());
  });

  it("has no more than two rounds wait behind the one that is sent, also of an account that wants notices", async () => {
    await using site = await openSite(major);
    await site.work();
    await site.database.query(`alter database ${site.database.name} set client_min_messages = log`);
    let rounds = 0;
    let held: Promise<unknown> | undefined;
    const counts: number[] = [];
    // Nobody takes anything for a while: everything that is decoded waits.
    const hold = async (): Promise<void> => {
      backlog.pause();
      for (let look = 0; look < 30; look++) {
        counts.push((await copies(site.database, site.setup.slot)).length);
        await sleep(20);
      }
      backlog.resume();
    };
    await using backlog: Backlog = await Backlog.open(
      site.options({ onMessage: () => void (rounds === 1 && (held ??= hold())), onRound: () => void rounds++, firstRoundBytes: 50_000 }),
    );
    expect(await backlog.read()).toBe("near");
    await held;
    expect(rounds).toBeGreaterThan(6);
    expect(Math.max(...counts)).toBeLessThanOrEqual(3);
    expect(Math.max(...counts)).toBeGreaterThan(1);
  });

  it("leaves the slot where the target is, and nothing else behind", async () => {
    await using site = await openSite(major);
    const confirmed = "select confirmed_flush_lsn::text as lsn from pg_replication_slots where slot_name = $1";
    const before = await site.database.query(confirmed, [site.setup.slot]);
    await site.work();
    {
      await using backlog = await Backlog.open(site.options());
      await backlog.read();
    }
    expect(await site.database.query(confirmed, [site.setup.slot])).toEqual(before);
  });

  it("ends in the middle of a round, and by its signal, without leaving anything", async () => {
    await using site = await openSite(major);
    await site.work();
    {
      await using backlog = await Backlog.open(site.options());
      const reading = backlog.read();
      reading.catch(() => undefined);
      backlog.pause();
      await sleep(200);
    }
    const controller = new AbortController();
    await using backlog = await Backlog.open(site.options({ signal: controller.signal }));
    backlog.pause();
    const reading = backlog.read();
    setTimeout(() => controller.abort(new Error("enough")), 100);
    await expect(reading).rejects.toThrow("enough");
  });

  it("is left to a walsender where a long transaction keeps the source from forgetting", async () => {
    await using site = await openSite(major);
    const other = await createDatabase(major);
    await other.query("begin; create table holding ()");
    // A slot's restart_lsn is set where the server notes its running transactions, as at a checkpoint.
    await site.database.query("checkpoint");
    await site.database.query("do $$ begin for n in 1 .. 600 loop perform pg_logical_emit_message(false, 'x', repeat('x', 1000000)); end loop; end $$");
    await site.work();
    const read = new Account();
    await using backlog = await Backlog.open(site.options({ onMessage: read.take }));
    expect(await backlog.read()).toBe("far");
    await other.query("rollback");
  });

  it("says what the server refuses", async () => {
    await using site = await openSite(major);
    await site.work();
    const full = { ...site.setup, slot: "nobody" };
    await expect(Backlog.open(site.options({ setup: full }))).rejects.toMatchObject({ code: "slot-missing", object: "nobody" });
  });
});
