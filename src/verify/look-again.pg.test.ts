import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { type TestDatabase, createDatabase } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { followNatively } from "../../test/kit/native-follower.ts";
import { type Session, openSession } from "../wire/session.ts";
import { type Following, type Patience, openFollowing } from "./following.ts";
import { type LookAgainOptions, type LookedAgain, lookAgain } from "./look-again.ts";
import { lookFirst } from "./verify.ts";

const OLDEST = TEST_MAJORS[0]!;
const NEWEST = TEST_MAJORS.at(-1)!;

interface Pair {
  readonly source: TestDatabase;
  readonly target: TestDatabase;
}

const TABLES = `
  create table item (id int8 primary key, note text, count int4 not null default 0);
  create table word (id text primary key, count int4 not null default 0);
  create table visit (at int4, note text); alter table visit replica identity full;
  insert into item select i, 'item ' || i from generate_series(1, 2000) i;
  insert into word select 'word ' || i from generate_series(1, 500) i;
  insert into visit select i / 2, 'visit' from generate_series(1, 500) i;`;

/** Changes of all kinds, which the target gets when it may. */
const CHANGES = `
  update item set count = count + 1 where id % 10 = 0; delete from item where id % 10 = 1; insert into item select i, 'new' from generate_series(3001, 3100) i;
  update word set count = count + 1 where id like '%5'; delete from visit where at < 50; insert into visit select 7, 'again' from generate_series(1, 3);`;

async function createPair(sql = TABLES): Promise<Pair> {
  const pair = { source: await createDatabase(OLDEST), target: await createDatabase(NEWEST) };
  await Promise.all([pair.source.query(sql), pair.target.query(sql)]);
  return pair;
}

const SHORT: Patience = { tellAfterMs: 200, stuckAfterMs: 800, mostMs: 60_000 };
const LONG: Patience = { tellAfterMs: 60_000, stuckAfterMs: 60_000, mostMs: 60_000 };

interface Looking {
  readonly patience?: Patience;
  readonly tell?: (message: string) => void;
  readonly options?: Partial<LookAgainOptions>;
  /** Done when all tables have been looked at once. */
  readonly between?: () => Promise<void>;
  /** Done before the target is waited for, and when it has come: before the rows are looked at again for the n-th time, from 1 on. */
  readonly aroundPass?: { readonly before: (look: number) => Promise<void>; readonly after: (look: number) => Promise<void> };
}

async function look(
  { source, target }: Pair,
  { patience = LONG, tell = () => undefined, options = {}, between, aroundPass }: Looking = {},
): Promise<LookedAgain & { suspects: string[] }> {
  const { signal } = new AbortController();
  const [from, to] = [source.endpoint("source"), target.endpoint("target")];
  await using following = await openFollowing(from, to, { patience, tell, signal });
  if (following === undefined) throw new Error("nobody follows");
  const tables = await source.query<{ schema: string; name: string; bytes: number }>(
    "select 'public' as schema, relname as name, 0 as bytes from pg_stat_user_tables where relname <> 'beat' order by 2",
  );
  const { suspects } = await lookFirst(from, to, tables, { concurrency: 2, signal });
  await between?.();
  if (aroundPass !== undefined) wrapPass(following, aroundPass);
  return { ...(await lookAgain(from, to, suspects, following, { concurrency: 2, signal, ...options })), suspects: suspects.map(({ name }) => name) };
}

function wrapPass(following: Following, { before, after }: NonNullable<Looking["aroundPass"]>): void {
  const pass = following.pass.bind(following);
  let look = 0;
  following.pass = async (until) => {
    await before(++look);
    const arrival = await pass(until);
    await after(look);
    return arrival;
  };
}

/** Writes until disposal, from a session of its own. */
async function writeOn(database: TestDatabase, sql: string, pauseMs: number): Promise<AsyncDisposable> {
  const ended = new AbortController();
  const session: Session = await openSession(database.endpoint("source"));
  const work = (async (): Promise<void> => {
    while (!ended.signal.aborted) {
      await session.query(sql);
      await sleep(pauseMs);
    }
  })();
  return {
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      await work;
      await session.close();
    },
  };
}

const WRITES = "update public.item set count = count + 1 where id = (pg_catalog.random() * 2000)::int8";

describe("while changes flow", () => {
  it("differences that the target has not come to yet are none", async () => {
    const pair = await createPair();
    await using follower = await followNatively(pair.source, pair.target);
    await using holds = new AsyncDisposableStack();
    holds.use(await follower.hold("item"));
    await pair.source.query(CHANGES);
    await using _writer = await writeOn(pair.source, WRITES, 5);
    const between = async (): Promise<void> => void setTimeout(() => void holds.disposeAsync(), 3000);
    const result = await look(pair, { between });
    expect(result).toMatchObject({ lasting: [], unsettled: [], suspects: ["public.item", "public.visit", "public.word"] });
    expect(result.looks).toBeGreaterThanOrEqual(1);
  });

  it("exactly the rows that differ for good are named among those that are on their way", async () => {
    const pair = await createPair();
    await using follower = await followNatively(pair.source, pair.target);
    await pair.target.query("update item set note = 'lost' where id = 1777; update word set count = 9 where id = 'word 44'; delete from item where id = 1888");
    await pair.target.query("delete from visit where ctid = (select max(ctid) from visit where at = 200); insert into item values (5000, 'extra')");
    await using holds = new AsyncDisposableStack();
    holds.use(await follower.hold("item"));
    await pair.source.query(CHANGES);
    await using _writer = await writeOn(pair.source, "update public.item set count = count + 1 where id = (pg_catalog.random() * 1700)::int8", 5);
    const between = async (): Promise<void> => void setTimeout(() => void holds.disposeAsync(), 500);
    const { lasting, unsettled } = await look(pair, { between });
    expect(unsettled).toEqual([]);
    expect(lasting).toEqual([
      { table: "public.item", rows: 3, isComplete: true, keys: ["id=1777: differs in columns note", "id=1888: only on the source", "id=5000: only on the target"] },
      { table: "public.visit", rows: 1, isComplete: true, keys: [expect.stringMatching(/^ctid \(\d+,\d+\) on the source has no equal row on the target$/)] },
      { table: "public.word", rows: 1, isComplete: true, keys: ["id=word 44: differs in columns count"] },
    ]);
  });

  it("rows that go back and forth between two values are never called different", async () => {
    const pair = await createPair("create table flag (id int4 primary key, up bool not null); insert into flag select i, false from generate_series(1, 60) i");
    await using _follower = await followNatively(pair.source, pair.target);
    await using _writer = await writeOn(pair.source, "update public.flag set up = not up where pg_catalog.random() < 0.6", 1);
    let [looked, waits] = [0, 0];
    while (looked < 15 && waits++ < 100) {
      const { lasting, looks } = await look(pair);
      expect(lasting).toEqual([]);
      looked += looks;
    }
    expect(looked).toBeGreaterThanOrEqual(15);
  });

  describe("of a table with more differing rows than can be remembered", () => {
    const MANY = "create table item (id int8 primary key, count int4 not null default 0); insert into item select i from generate_series(1, 15000) i";

    it("a sample tells that they last", async () => {
      const pair = await createPair(MANY);
      await using _follower = await followNatively(pair.source, pair.target);
      await pair.target.query("update item set count = -1 where id <= 3000");
      const { lasting, unsettled } = await look(pair, { options: { mostRemembered: 1 } });
      expect(unsettled).toEqual([]);
      expect(lasting).toEqual([
        { table: "public.item", rows: 100, isComplete: false, keys: Array.from({ length: 10 }, () => expect.stringMatching(/^id=\d+: differs in columns count$/)) },
      ]);
    });

    it("all rows are compared anew until few differ", async () => {
      const pair = await createPair(`${MANY}; create table beat (at timestamptz); alter table beat replica identity full; insert into beat values (now())`);
      await using follower = await followNatively(pair.source, pair.target);
      // An idle subscriber tells every 10 s only how far it is.
      await using _beat = await writeOn(pair.source, "update public.beat set at = pg_catalog.now()", 20);
      let hold: AsyncDisposable | undefined;
      const changeUnseen = async (): Promise<void> => {
        hold = await follower.hold("item");
        await pair.source.query("update item set count = count + 1 where id % 20 = 0");
      };
      await changeUnseen();
      const before = async (): Promise<void> => await hold?.[Symbol.asyncDispose]();
      const after = async (look: number): Promise<void> => (look < 3 ? await changeUnseen() : undefined);
      const { looks, lasting, unsettled } = await look(pair, { aroundPass: { before, after }, options: { mostRemembered: 1 } });
      expect({ looks, lasting, unsettled }).toEqual({ looks: 3, lasting: [], unsettled: [] });
    });
  });

  it("a target that does not come on is given up, and what differs stays undecided", async () => {
    const pair = await createPair();
    await using follower = await followNatively(pair.source, pair.target);
    await using _hold = await follower.hold("item");
    await pair.source.query(CHANGES);
    const told: string[] = [];
    const { looks, lasting, unsettled } = await look(pair, { patience: SHORT, tell: (message) => told.push(message) });
    expect({ looks, lasting, tables: unsettled.map(({ table }) => table) }).toEqual({ looks: 0, lasting: [], tables: ["public.item", "public.visit", "public.word"] });
    expect(unsettled[0]?.reason).toMatch(/is at LSN .* has not passed .*: it has not come on for 1 s/);
    expect(told).toEqual([expect.stringMatching(/has not passed .*: waiting for it$/)]);
  });

  it("rows that are not seen twice are told as changing", async () => {
    const pair = await createPair();
    await using _follower = await followNatively(pair.source, pair.target);
    await pair.target.query("update item set note = 'lost' where id <= 3");
    expect(await look(pair, { options: { mostLooks: 1 } })).toMatchObject({ lasting: [], unsettled: [{ table: "public.item", reason: "3 rows are still changing after 1 look" }] });
  });

  it("the end of the following is noticed", async () => {
    const pair = await createPair();
    await using follower = await followNatively(pair.source, pair.target);
    await using _hold = await follower.hold("visit");
    await pair.source.query(CHANGES);
    const between = async (): Promise<void> => {
      await using other = await openSession(pair.target.endpoint("target"));
      await other.query("delete from godwit.stream");
    };
    const { unsettled } = await look(pair, { between });
    expect(unsettled[0]?.reason).toMatch(/does not follow the source's changes any more$/);
  });
});
