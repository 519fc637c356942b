import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { describe, expect, it } from "vitest";
import { newProgress, type MigrationEvent, type MigrationSummary } from "../../../src/task/events.ts";
import { type TaskMemory, shortMemory } from "../../../src/task/task-memory.ts";
import { parseLsn } from "../../../src/wire/lsn.ts";
import type { FenceVerdict } from "../../../src/complete/fence-proof.ts";
import { asAccount, createAccount, taskOptions } from "../../kit/checks.ts";
import { type TestDatabase, createDatabase, useDatabase } from "../../kit/databases.ts";
import { OUTER_MAJORS, TEST_MAJORS } from "../../kit/majors.ts";
import { migrate } from "../../kit/migrate.ts";

const [newest] = [TEST_MAJORS.at(-1)!];

/** Takes half a second to refresh: as long is the source watched behind the hand-over. */
const SLOW_VIEW = "create materialized view slow as select count(*) as n, (select 1 from pg_sleep(0.5)) as one from a";

/** Migrates, completes as soon as it is caught up (and `during` is done), and tells each event when it comes. `account`: of the target, else a superuser. */
async function complete(
  source: TestDatabase,
  target: TestDatabase,
  fence: boolean,
  onEvent: (event: MigrationEvent) => void,
  { during, account, memory = shortMemory() }: { during?: () => Promise<void>; account?: string; memory?: TaskMemory } = {},
): Promise<{ summary: MigrationSummary; warnings: string[] }> {
  const warnings: string[] = [];
  const asked = new AbortController();
  const options = taskOptions(source.endpoint("source"), account === undefined ? target.endpoint("target") : asAccount(target, "target", account), {
    noOwner: account !== undefined,
    type: "full+incremental",
    acceptAlarms: true,
    incremental: { conflicts: "stop", untilCaughtUp: false, fence },
  });
  const report = (event: MigrationEvent): void => {
    if (event.event === "notice" && event.level === "warning") warnings.push(event.message);
    onEvent(event);
  };
  const caughtUp = async (): Promise<void> => {
    await during?.();
    asked.abort();
  };
  const summary = await migrate(options, { report, progress: newProgress(), signal: new AbortController().signal }, memory, { caughtUp, asked: asked.signal });
  return { summary, warnings };
}

function verdictOf({ followed }: MigrationSummary): FenceVerdict {
  return Object.values(followed!.completed.proofs)[0]!;
}

/** Connects for each statement, as those that were there are ended, and goes on until the source has refused it or `isOver` says so. */
class Writer {
  readonly acknowledged: number[] = [];
  readonly #uri: string;
  readonly #statement: (id: number) => string;
  isOver = false;
  readonly #writing: Promise<void>;

  constructor({ uri }: TestDatabase, statement: (id: number) => string, options?: string) {
    const url = new URL(uri);
    if (options !== undefined) url.searchParams.set("options", options);
    this.#uri = url.toString();
    this.#statement = statement;
    this.#writing = this.#write();
  }

  async #write(): Promise<void> {
    for (let id = 1; !this.isOver; id++) {
      const client = new Client({ connectionString: this.#uri, application_name: "shop" });
      client.on("error", () => undefined);
      try {
        await client.connect();
        await client.query(this.#statement(id));
        this.acknowledged.push(id);
      } catch {
        // ended by the fence
      } finally {
        await client.end().catch(() => undefined);
      }
      await sleep(20);
    }
  }

  async end(): Promise<void> {
    this.isOver = true;
    await this.#writing;
  }
}

const INSISTS = "begin read write; insert into a (id) values (nextval('s')); commit";

describe.each(OUTER_MAJORS)("behind the fence of PostgreSQL %i", (major) => {
  it("is nobody where it cannot be raised: the source takes writes all the time, also of those that were connected", async () => {
    const [source, target] = [await createDatabase(major), await createDatabase(newest)];
    await source.query("create table a (id int primary key)");
    const prepared = `forgotten ${source.name}`;
    const completing = complete(source, target, true, () => undefined, {
      during: async () => void (await source.query(`begin; insert into a values (1); prepare transaction '${prepared}'`)),
    });
    await expect(completing).rejects.toMatchObject({ code: "fence-incomplete", message: expect.stringContaining(prepared) });
    await source.query("insert into a values (2)");
    expect(await source.query("select from pg_db_role_setting where setdatabase = (select oid from pg_database where datname = current_database())")).toEqual([]);
    await source.query(`commit prepared '${prepared}'`);
    await source.query("select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = current_database()");
  });

  it("silence is proved until the slot is dropped", async () => {
    const [source, target] = [await createDatabase(major), await createDatabase(newest)];
    await source.query(`create table a (id int primary key); ${SLOW_VIEW}`);
    const { summary, warnings } = await complete(source, target, true, () => undefined);
    const { isProved, stop, watchedTo, transactions } = verdictOf(summary);
    expect({ isProved, transactions, isFurther: parseLsn(watchedTo) > parseLsn(stop), warnings }).toEqual({ isProved: true, transactions: 0, isFurther: true, warnings: [] });
  });

  it.each([
    ["says read write", INSISTS, undefined],
    ["connects with the setting", "insert into a (id) values (nextval('s'))", "-c default_transaction_read_only=off"],
  ])("a client that %s goes on to write: what was acknowledged is on the target, or is told to be missing", async (_, statement, options) => {
    const [source, target] = [await createDatabase(major), await createDatabase(newest)];
    await source.query(`create sequence s; create table a (id int primary key); ${SLOW_VIEW}`);
    const writer = new Writer(source, () => statement, options);
    let atHandOver = -1;
    try {
      const { summary, warnings } = await complete(source, target, true, (event) => {
        if (event.event !== "writable") return;
        atHandOver = writer.acknowledged.length;
        setTimeout(() => (writer.isOver = true), 200); // before the view is there
      });
      await writer.end();
      const [at] = await (await useDatabase(major, source.name)).query<{ rows: number }>("select count(*)::int as rows from a"); // its own connection was ended
      const [there] = await target.query<{ rows: number; drawn: number; highest: number }>(
        "select count(*)::int as rows, (select last_value::int from s) as drawn, max(id) as highest from a",
      );
      const { isProved, transactions, missing } = verdictOf(summary);
      expect(atHandOver).toBeGreaterThan(0);
      expect(writer.acknowledged.length).toBeGreaterThan(atHandOver);
      expect(isProved).toBe(false);
      expect(missing).toEqual({ transactions: at!.rows - there!.rows, changes: at!.rows - there!.rows, tables: ["public.a"] });
      expect(missing!.transactions).toBeGreaterThan(0);
      expect(transactions).toBeGreaterThanOrEqual(missing!.transactions);
      expect(there!.drawn).toBeGreaterThanOrEqual(there!.highest);
      expect(warnings).toContainEqual(expect.stringMatching(/transactions with \d+ changes were committed at the source, which are NOT on the target: public\.a.*NOLOGIN/));
    } finally {
      await writer.end();
    }
  });

  it("nothing is proved while somebody has a transaction open that has written", async () => {
    const [source, target] = [await createDatabase(major), await createDatabase(newest)];
    await source.query(`create table a (id int primary key); ${SLOW_VIEW}`);
    const insisting = new Client({ connectionString: source.uri, application_name: "shop" });
    insisting.on("error", () => undefined);
    try {
      let writing: Promise<unknown> | undefined;
      const { summary, warnings } = await complete(source, target, true, (event) => {
        if (event.event === "writable") writing = insisting.connect().then(async () => await insisting.query("begin read write; insert into a values (1)"));
      });
      await writing;
      expect(verdictOf(summary)).toMatchObject({ isProved: false, transactions: 0 });
      expect(warnings).toEqual([expect.stringMatching(/might still have written to the source.*\(postgres, shop, idle in transaction/)]);
    } finally {
      await insisting.end();
    }
  });
});

it("without a fence, too, it is told what was committed behind the hand-over, and sequences stand behind the last row that was brought", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  // Much to copy between the drain and the hand-over.
  await source.query(`create sequence s; create table a (id int primary key); create unlogged table u as select n from generate_series(1, 300000) n; ${SLOW_VIEW}`);
  const writer = new Writer(source, () => "insert into a (id) values (nextval('s'))");
  try {
    const { summary, warnings } = await complete(source, target, false, (event) => {
      if (event.event === "writable") setTimeout(() => (writer.isOver = true), 200);
    });
    await writer.end();
    const [at] = await source.query<{ rows: number }>("select count(*)::int as rows from a");
    const [there] = await target.query<{ rows: number; drawn: number; highest: number }>(
      "select count(*)::int as rows, (select last_value::int from s) as drawn, max(id) as highest from a",
    );
    expect(there!.drawn).toBeGreaterThanOrEqual(there!.highest);
    expect(summary.followed!.completed.proofs).toEqual({});
    const missing = at!.rows - there!.rows;
    expect(missing).toBeGreaterThan(0);
    expect(warnings).toEqual([expect.stringContaining(`behind the hand-over ${missing} transactions with ${missing} changes`)]);
  } finally {
    await writer.end();
  }
});

it("without a fence a transaction that is prepared is told, as it may be committed at any time", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  await source.query("create table a (id int primary key)");
  const during = async (): Promise<void> => void (await source.query(`begin; insert into a values (1); prepare transaction 'late ${source.name}'`));
  const { warnings } = await complete(source, target, false, () => undefined, { during });
  await source.query(`commit prepared 'late ${source.name}'`);
  expect(warnings).toEqual([
    expect.stringContaining(`might still have written to the source, which would not be on the target: prepared transaction 'late ${source.name}' of postgres`),
  ]);
});

it("a connection of kind replication=database that has written is ended like all others: its commit is not acknowledged", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  await source.query("create table a (id int primary key)");
  const walsender = new Client({ connectionString: source.uri, application_name: "shop", replication: "database" } as never);
  walsender.on("error", () => undefined);
  const during = async (): Promise<void> => {
    await walsender.connect();
    await walsender.query("BEGIN");
    await walsender.query("INSERT INTO a VALUES (1)");
  };
  const { summary, warnings } = await complete(source, target, true, () => undefined, { during });
  expect({ isProved: verdictOf(summary).isProved, warnings }).toEqual({ isProved: true, warnings: [] });
  await expect(walsender.query("COMMIT")).rejects.toThrow(/terminat|connection error|not queryable/i);
  await walsender.end().catch(() => undefined);
});

const NOTES = `create sequence s; create table kind (id int primary key); insert into kind values (1); create table a (id int primary key, kind int default 1 references kind); create table audit (id int);
  create function note() returns trigger language plpgsql as $$ begin insert into public.audit values (new.id); return new; end $$; create trigger noting after insert on a for each row execute function note()`;
/** Creating a trigger takes half a second. */
const SLOW_TRIGGERS = `create function slow() returns event_trigger language plpgsql as 'begin perform pg_sleep(0.5); end'; create event trigger slow on ddl_command_end when tag in ('CREATE TRIGGER') execute function slow()`;
const PLAIN = "behind_plain";

it.each([
  ["enabled always, behind a fence", "; alter table a enable always trigger noting", true, undefined],
  ["of an account without session_replication_role, without a fence", "", false, PLAIN],
])("what acts on rows is not there before the last change is applied: triggers %s", async (_, always, fence, account) => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  await source.query(`${NOTES}${always}`);
  if (account !== undefined) await createAccount(newest, account);
  if (account !== undefined) await target.query(`alter database ${target.name} owner to ${account}; grant all on schema public to ${account}`);
  const writer = new Writer(source, () => INSISTS);
  try {
    const { warnings } = await complete(source, target, fence, (event) => void (writer.isOver ||= event.event === "writable"), {
      during: async () => void (await target.query(SLOW_TRIGGERS)),
      ...(account === undefined ? {} : { account }),
    });
    await writer.end();
    const [there] = await target.query<{ rows: number; notes: number; twice: number }>(
      "select (select count(*)::int from a) as rows, count(*)::int as notes, count(*)::int - count(distinct id)::int as twice from audit",
    );
    expect(there!.rows).toBeGreaterThan(0);
    expect(there).toEqual({ rows: there!.rows, notes: there!.rows, twice: 0 });
    expect(warnings).toContainEqual(
      expect.stringMatching(/behind the hand-over \d+ transactions with \d+ changes were committed at the source, which are NOT on the target: public\.a, public\.audit/),
    );
    expect(await target.query("select tgname, tgenabled::text as state from pg_trigger where not tgisinternal")).toEqual([{ tgname: "noting", state: always === "" ? "O" : "A" }]);
    expect(await target.query("select convalidated from pg_constraint where contype = 'f'")).toEqual([{ convalidated: true }]);
  } finally {
    await writer.end();
  }
});

it.runIf(newest >= 15)("an account that may not set session_replication_role any more does not go on: the triggers are there already", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  await source.query(NOTES);
  await createAccount(newest, PLAIN);
  await target.query(`alter database ${target.name} owner to ${PLAIN}; grant all on schema public to ${PLAIN}; grant set on parameter session_replication_role to ${PLAIN}`);
  const memory = shortMemory();
  const during = async (): Promise<void> => {
    await target.query(`revoke set on parameter session_replication_role from ${PLAIN}`);
    throw new Error("cut off");
  };
  await expect(complete(source, target, false, () => undefined, { during, account: PLAIN, memory })).rejects.toThrow("cut off");
  await source.query("insert into a values (1)");
  await expect(complete(source, target, false, () => undefined, { account: PLAIN, memory })).rejects.toMatchObject({ code: "privilege-missing", object: PLAIN });
  expect(await target.query("select id from audit")).toEqual([]);
  await target.query(`grant set on parameter session_replication_role to ${PLAIN}`);
  try {
    await complete(source, target, false, () => undefined, { account: PLAIN, memory });
  } finally {
    await target.query(`revoke set on parameter session_replication_role from ${PLAIN}`);
  }
  expect(await target.query("select id from audit")).toEqual([{ id: 1 }]);
});

it("nothing is proved where somebody has moved the slot on", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  await source.query(`create table a (id int primary key); ${SLOW_VIEW}`);
  let moving: Promise<void> | undefined;
  const { summary, warnings } = await complete(source, target, true, (event) => {
    if (event.event === "writable") moving = (async (): Promise<void> => await moveOn(source.name))();
  });
  await moving;
  expect(verdictOf(summary)).toMatchObject({ isProved: false, transactions: 0 });
  expect(warnings).toEqual([expect.stringMatching(/could not be seen: the replication slot .* was made anew or moved on by somebody/)]);
});

/** Commits something, and has the database's slot pass it. */
async function moveOn(name: string): Promise<void> {
  const somebody = await useDatabase(newest, name);
  await somebody.query("begin read write; insert into a values (1); commit");
  const sql = "select pg_replication_slot_advance(slot_name, pg_current_wal_lsn()) from pg_replication_slots where database = current_database()";
  await expect.poll(async () => await somebody.query(sql).then((rows) => rows.length, () => 0), { interval: 10 }).toBe(1); // prettier-ignore
}
