import { expect } from "vitest";
import type { Step } from "../../../src/task/events.ts";
import { act } from "../../../src/task/task-actions.ts";
import { createDatabase } from "../../kit/databases.ts";
import { openStallingProxy } from "../../kit/stalling-proxy.ts";
import { pause } from "../engine/processes.ts";
import { type SlowStep, fillGated } from "./slow-steps.ts";
import { type Pair, type TaskSite, create, expectEqual, newest, noSessions, oldest, reaches, worker } from "./task-site.ts";

/** From the operator's word to the task's answer. */
const PAUSED_WITHIN_MS = 2000;

/**
 * Pauses a task in a step that is held up, and lets another worker go on: within two seconds, without a session left, and all is equal. With a
 * network that is dead at both ends from the moment before the pause on, nobody can be asked to stop. Returns the seconds that the pause took.
 */
export async function pausesIn(site: TaskSite, slow: SlowStep, network: "alive" | "dead"): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const pair = await (slow.pair?.(stack) ?? twoDatabases());
  await fillGated(pair);
  const obstacle = await slow.close(pair, stack);
  const ends = { source: pair.source.endpoint("source"), target: pair.target.endpoint("target") };
  const toSource = stack.use(await openStallingProxy(ends.source.port));
  const toTarget = stack.use(await openStallingProxy(ends.target.port));
  const endpoints = { source: { ...ends.source, port: toSource.port }, target: { ...ends.target, port: toTarget.port } };
  const limits = slow.rateLimit === undefined ? {} : { rateLimit: slow.rateLimit };
  const { id } = await create(site, pair, { endpoints, ...limits, options: slow.options ?? {} });
  const first = await worker(site);
  if (slow.step === "connect") [toSource, toTarget].forEach((proxy) => proxy.stall());
  await act(site.tasks, site.control, id, "start");
  if (obstacle.advance !== undefined) {
    await expect.poll(async () => await waiting(pair), { timeout: 60_000, interval: 50 }).toBeGreaterThan(0);
    await obstacle.advance();
  }
  await isIn(site, id, slow.step);
  // Who waits for a lock is seen by the server; others only take their time.
  if (slow.rateLimit === undefined && slow.step !== "connect") await expect.poll(async () => await waiting(pair), { timeout: 60_000, interval: 50 }).toBeGreaterThan(0);
  else await pause(1500);
  expect((await site.tasks.progress(id))?.step).toBe(slow.step);
  if (network === "dead") {
    [toSource, toTarget].forEach((proxy) => proxy.stall());
    await pause(300);
  }

  const since = performance.now();
  await act(site.tasks, site.control, id, "pause");
  const { isHeld } = await reaches(site, id, "paused", "failed", "retrying", "succeeded", "checkFailed");
  const seconds = (performance.now() - since) / 1000;
  expect(await site.tasks.find(id)).toMatchObject({ state: "paused", allowedActions: ["resume", "terminate"] });
  expect(seconds * 1000).toBeLessThan(PAUSED_WITHIN_MS);
  if (network === "alive" && !isHeld) await noSessions(pair);

  [toSource, toTarget].forEach((proxy) => proxy.recover());
  await worker(site);
  await first.leave();
  await obstacle.remove();
  if (slow.rateLimit !== undefined) await site.tasks.set(id, { rateLimit: null });
  if (isHeld) await expect.poll(async () => (await site.tasks.find(id)).isHeld, { timeout: 20_000 }).toBe(false);
  await act(site.tasks, site.control, id, "resume");
  expect(await reaches(site, id, "succeeded", "failed", "checkFailed")).toMatchObject({ state: "succeeded", run: 2, summary: { databases: 1, tables: 7, sequences: 1 } });
  await expectEqual(pair);
  await noSessions(pair);
  return seconds;
}

async function twoDatabases(): Promise<Pair> {
  return { source: await createDatabase(oldest), target: await createDatabase(newest) };
}

/** How many of our sessions wait for somebody's lock, at either end. */
async function waiting({ source, target }: Pair): Promise<number> {
  let sum = 0;
  for (const database of [source, target]) {
    const [row] = await database.query<{ n: number }>(
      "select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and (application_name like 'godwit%' or application_name = 'pg_dump')",
    );
    sum += row?.n ?? 0;
  }
  return sum;
}

async function isIn({ tasks }: TaskSite, id: string, step: Step): Promise<void> {
  await expect.poll(async () => (await tasks.progress(id))?.step, { timeout: 60_000, interval: 50 }).toBe(step);
}
