import { expect, it } from "vitest";
import { startServer } from "../../../src/embedded/server.ts";
import { takeLease } from "../../../src/engine/lease.ts";
import { NEWS_CHANNEL } from "../../../src/engine/news.ts";
import { openStore } from "../../../src/engine/store.ts";

const LONG_MS = 20_000;
/** What is heard comes at once, what is looked for twice a second. */
const AT_ONCE_MS = 400;

it("news of the store is heard at once by who waits for it, also behind a lost session; who cannot hear looks twice a second", async () => {
  await using server = await startServer({ major: 18 });
  await using store = await openStore({ uri: server.uri() });
  const tell = async (topic: string): Promise<void> => void (await store.pool.query("select pg_catalog.pg_notify($1, $2)", [NEWS_CHANNEL, topic]));
  const waited = async (work: () => Promise<void>): Promise<number> => {
    const since = performance.now();
    await work();
    return performance.now() - since;
  };
  using mine = store.news.subscribe("task 7");
  using all = store.news.subscribe("task");
  // Nobody listens yet.
  await tell("task 7");
  const deaf = await waited(async () => await mine.changed(LONG_MS));
  expect(deaf).toBeGreaterThan(AT_ONCE_MS);
  expect(deaf).toBeLessThan(LONG_MS / 10);

  const lease = await takeLease(store, "executor-1", { log: () => undefined, onLost: () => undefined });
  for (const news of [mine, all]) await news.changed(LONG_MS); // everybody looks when it begins
  const heard = mine.changed(LONG_MS);
  await tell("task 7");
  expect(await waited(async () => await heard)).toBeLessThan(AT_ONCE_MS);
  expect(await waited(async () => await all.changed(LONG_MS))).toBeLessThan(AT_ONCE_MS);
  // What comes during a look is not missed; another task's news is not ours.
  await tell("task 8");
  await tell("task 7");
  expect(await waited(async () => await all.changed(LONG_MS))).toBeLessThan(AT_ONCE_MS);
  expect(await waited(async () => await mine.changed(LONG_MS))).toBeLessThan(AT_ONCE_MS);
  await tell("task 8");
  expect(await waited(async () => await mine.changed(1000))).toBeGreaterThan(900);

  await store.pool.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'godwit executor executor-1'");
  expect(await waited(async () => await mine.changed(LONG_MS))).toBeLessThan(AT_ONCE_MS); // the end is told
  const listening = "select from pg_stat_activity where application_name = 'godwit executor executor-1' and query ilike 'listen%'";
  await expect.poll(async () => (await store.pool.query(listening)).rowCount, { timeout: 10_000, interval: 50 }).toBe(1);
  await mine.changed(LONG_MS);
  const again = mine.changed(LONG_MS);
  await tell("task 7");
  expect(await waited(async () => await again)).toBeLessThan(AT_ONCE_MS);
  await lease.release();
});
