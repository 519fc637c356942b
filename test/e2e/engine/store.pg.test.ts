import { chmod, chown, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { migrateStore } from "../../../src/engine/migrations.ts";
import { type Store, openStore } from "../../../src/engine/store.ts";
import { createDatabase } from "../../kit/databases.ts";
import { killLeftovers, pause, processesOf, run } from "./processes.ts";

let dir = "";
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), "godwit-store-test-")).then(openToServers)));
afterEach(async () => {
  await killLeftovers();
  const left = await remaining();
  for (const pid of left) process.kill(pid, "SIGKILL");
  await rm(dir, { recursive: true, force: true, maxRetries: 5 });
  // oxlint-disable-next-line vitest/no-standalone-expect -- it belongs to every test: a store that everybody left has no server
  expect(left).toEqual([]);
});

/** As root the server runs as another user, who must be able to come into the directory. */
async function openToServers(path: string): Promise<string> {
  await chmod(path, 0o755);
  return path;
}

/** What stays: a server that ends and the first sync of a new store get a moment. */
async function remaining(): Promise<number[]> {
  for (let attempt = 0; attempt < 100 && (await processesOf(dir)).length > 0; attempt++) await pause(20);
  return await processesOf(dir);
}

async function postmasterPid(): Promise<number> {
  return Number((await readFile(join(dir, "store", "data", "postmaster.pid"), "utf8")).split("\n")[0]);
}

async function answers(store: Store): Promise<unknown> {
  for (let attempt = 0; ; attempt++) {
    try {
      return (await store.pool.query<{ answer: number }>("select 42 as answer")).rows[0]?.answer;
    } catch (error) {
      if (attempt > 200) throw error;
      await pause(20);
    }
  }
}

async function timed<T>(work: Promise<T>): Promise<[T, number]> {
  const begun = performance.now();
  const result = await work;
  return [result, Math.round(performance.now() - begun)];
}

describe("the embedded store", () => {
  it("is made and opened again soon, durable, and gone when closed", async () => {
    const [first, firstMs] = await timed(openStore({ dir }));
    const { rows } = await first.pool.query(
      "select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit, current_setting('listen_addresses') as listens",
    );
    expect(rows).toEqual([{ fsync: "on", commit: "on", listens: "127.0.0.1" }]);
    await first.pool.query("create table kept as select 1 as one");
    expect((await stat(join(dir, "store", "password"))).mode & 0o777).toBe(0o600);
    await first.close();
    expect(await remaining()).toEqual([]);
    const [again, laterMs] = await timed(openStore({ dir }));
    console.log(`store: first start ${firstMs} ms, later start ${laterMs} ms`);
    expect((await again.pool.query("table kept")).rows).toEqual([{ one: 1 }]);
    await again.close();
    // 1 s and 0.2 s on a machine that has nothing else to do.
    expect(firstMs).toBeLessThan(20_000);
    expect(laterMs).toBeLessThan(10_000);
  });

  it("is shared by processes that open an empty directory at once; the last to leave stops the server", async () => {
    const openers = Array.from({ length: 4 }, () => run(new URL("store-process.ts", import.meta.url), dir));
    await Promise.all(openers.map(async (opener) => await opener.saw("opened")));
    for (const opener of openers) {
      opener.child.stdin.write("query\n");
      await opener.saw("answer 42");
      await opener.leave();
      expect(opener.output()).toContain("closed");
    }
    expect(await remaining()).toEqual([]);
  });

  it("is stopped once when all leave at once, and can be opened at that very moment", async () => {
    const openers = Array.from({ length: 3 }, () => run(new URL("store-process.ts", import.meta.url), dir));
    await Promise.all(openers.map(async (opener) => await opener.saw("opened")));
    const late = run(new URL("store-process.ts", import.meta.url), dir);
    await Promise.all(openers.map(async (opener) => await opener.leave()));
    await late.saw("opened");
    late.child.stdin.write("query\n");
    await late.saw("answer 42");
    await late.leave();
  });

  it("outlives the process that started it, and is joined by the next", async () => {
    const opener = run(new URL("store-process.ts", import.meta.url), dir);
    await opener.saw("opened");
    const pid = await postmasterPid();
    opener.kill("SIGKILL");
    await opener.leave();
    await using store = await openStore({ dir });
    expect(await answers(store)).toBe(42);
    expect(await postmasterPid()).toBe(pid);
  });

  it("is started again when its server was killed with nobody there", async () => {
    const opener = run(new URL("store-process.ts", import.meta.url), dir);
    await opener.saw("opened");
    opener.kill("SIGKILL");
    await opener.leave();
    process.kill(await postmasterPid(), "SIGKILL");
    const [store, ms] = await timed(openStore({ dir }));
    console.log(`store: opened behind a killed server in ${ms} ms`);
    expect(await answers(store)).toBe(42);
    await store.close();
  });

  it("is started although its old process number belongs to another process now", async () => {
    await (await openStore({ dir })).close();
    await writeFile(join(dir, "store", "data", "postmaster.pid"), `${process.pid}\n${join(dir, "store", "data")}\n0\n5432\n\n127.0.0.1\n`);
    await using store = await openStore({ dir });
    expect(await answers(store)).toBe(42);
  });

  it("comes back within 2 s when its server is killed, with several processes watching", async () => {
    const other = run(new URL("store-process.ts", import.meta.url), dir);
    await using store = await openStore({ dir });
    await other.saw("opened");
    const downs: number[] = [];
    for (let round = 0; round < 3; round++) {
      const pid = await postmasterPid();
      process.kill(pid, "SIGKILL");
      const begun = performance.now();
      // Its sessions live on for a moment, so it is the new server that must answer.
      while ((await postmasterPid().catch(() => pid)) === pid && performance.now() - begun < 5000) await pause(5);
      await answers(store);
      downs.push(Math.round(performance.now() - begun));
    }
    console.log(`store: answered again after a kill of its server: ${downs.join(", ")} ms`);
    expect(Math.max(...downs)).toBeLessThan(2000);
    await pause(300);
    other.child.stdin.write("query\n");
    await other.saw("answer 42");
    await other.leave();
    expect(await answers(store)).toBe(42);
  });
});

describe("a directory that cannot be opened", () => {
  it.each([
    ["is a file", async () => await writeFile(join(dir, "x"), ""), "x"],
    ["is below a file", async () => await writeFile(join(dir, "x"), ""), "x/y"],
    ["is the data directory of a server", async () => await writeFile(join(dir, "PG_VERSION"), "18\n"), ""],
    ["holds something else named store", async () => await mkdir(join(dir, "store")), ""],
  ])("%s", async (_, prepare, path) => {
    await prepare();
    await expect(openStore({ dir: join(dir, path) })).rejects.toMatchObject({ code: "store-foreign" });
  });

  it("is of another version", async () => {
    await (await openStore({ dir })).close();
    await writeFile(join(dir, "store", "data", "PG_VERSION"), "17\n");
    await expect(openStore({ dir })).rejects.toMatchObject({ code: "store-foreign", message: expect.stringContaining("PostgreSQL 17") });
  });

  it("has a server that refuses us", async () => {
    const other = await openStore({ dir });
    await other.pool.query("alter role postgres password 'changed'");
    await expect(openStore({ dir })).rejects.toMatchObject({ code: "store-refused" });
    await other.close();
  });

  it.runIf(process.getuid?.() === 0)("is closed to the server's user", async () => {
    const closed = join(dir, "closed");
    await mkdir(closed, { mode: 0o700 });
    await expect(openStore({ dir: join(closed, "store") })).rejects.toMatchObject({ code: "store-unusable" });
  });

  it.runIf(process.getuid?.() === 0)("belongs to another user", async () => {
    await (await openStore({ dir })).close();
    await chown(join(dir, "store"), 4242, 4242);
    await expect(openStore({ dir })).rejects.toMatchObject({ code: "store-foreign", message: expect.stringContaining("4242") });
    await chown(join(dir, "store"), 65534, 65534);
  });
});

describe("migrations of the store", () => {
  const one = { name: "one", sql: "create table godwit.one (id integer); insert into godwit.one values (1)" };
  const two = { name: "two", sql: "insert into godwit.one values (2)" };

  it("run once, also for processes that start together, and stop at a newer store", async () => {
    const database = await createDatabase(18);
    const stores = await Promise.all(Array.from({ length: 4 }, async () => await openStore({ uri: database.uri })));
    const [, ms] = await timed(Promise.all(stores.map(async (store) => await migrateStore(store, [one]))));
    console.log(`store: four processes migrate an empty store in ${ms} ms`);
    await Promise.all(stores.map(async (store) => await migrateStore(store, [one, two])));
    expect(await database.query("select id from godwit.one order by id")).toEqual([{ id: 1 }, { id: 2 }]);
    expect(await database.query("select version, name from godwit.migrations order by version")).toEqual([
      { version: 1, name: "one" },
      { version: 2, name: "two" },
    ]);
    const [store] = stores;
    await expect(store && migrateStore(store, [one])).rejects.toMatchObject({ code: "store-newer" });
    await Promise.all(stores.map(async (store) => await store.close()));
  });

  it("leave nothing of one that fails", async () => {
    const database = await createDatabase(18);
    await using store = await openStore({ uri: database.uri });
    await expect(migrateStore(store, [one, { name: "bad", sql: "insert into godwit.one values (3); select 1/0" }])).rejects.toMatchObject({ code: "query-failed" });
    expect(await database.query("select id from godwit.one")).toEqual([{ id: 1 }]);
    await migrateStore(store, [one, two]);
    expect(await database.query("select id from godwit.one order by id")).toEqual([{ id: 1 }, { id: 2 }]);
  });
});

describe("a store anywhere", () => {
  it("is described without its password, and refused with a code", async () => {
    const database = await createDatabase(18);
    await using store = await openStore({ uri: database.uri });
    expect(store.description).toMatch(/^store postgres@127\.0\.0\.1:\d+\/t/);
    await expect(openStore({ uri: database.uri.replace(/:[^:@]*@/, ":wrong@") })).rejects.toMatchObject({ code: "password-wrong" });
    await expect(openStore({ uri: "postgresql://u:secret@h:port/d" })).rejects.toMatchObject({ code: "uri-invalid", message: expect.not.stringContaining("secret") });
  });
});
