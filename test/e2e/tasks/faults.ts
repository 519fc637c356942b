import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { act } from "../../../src/task/task-actions.ts";
import { openUnrulyProxy } from "../../kit/unruly-proxy.ts";
import { pause } from "../engine/processes.ts";
import { type Pair, type TaskSite, copied, create, expectEqual, noSessions, reaches, slowPair, worker } from "./task-site.ts";

/** A worker that hangs for so long in the copy, and comes back when others have its work: nothing is written twice. */
export async function hangs(site: TaskSite, seconds: number): Promise<void> {
  const databases = await slowPair();
  const { id } = await create(site, databases, { options: { concurrency: 4 } });
  const first = await worker(site);
  await act(site.tasks, site.control, id, "start");
  await copied(databases.target, 1);
  await worker(site);
  first.kill("SIGSTOP");
  await pause(seconds * 1000);
  first.kill("SIGCONT");
  expect(await reaches(site, id, "succeeded", "failed")).toMatchObject({ state: "succeeded" });
  await pause(1000); // what it would still do
  await expectEqual(databases);
  await noSessions(databases);
}

/** Both ends are reached over a network that breaks for so long. Returns how often. */
export async function unruly(site: TaskSite, seconds: number): Promise<number> {
  let seed = 42;
  const random = (): number => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648;
  const databases = await slowPair();
  const [source, target] = [databases.source.endpoint("source"), databases.target.endpoint("target")];
  await using toSource = await openUnrulyProxy(source.port, { lifeMs: 5000, random });
  await using toTarget = await openUnrulyProxy(target.port, { lifeMs: 5000, random });
  const endpoints = { source: { ...source, port: toSource.port }, target: { ...target, port: toTarget.port } };
  const { id } = await create(site, databases, { endpoints, retryForMs: 3_600_000 });
  await worker(site);
  await act(site.tasks, site.control, id, "start");
  await pause(seconds * 1000);
  const broken = toSource.broken() + toTarget.broken();
  toSource.behave();
  toTarget.behave();
  expect(await reaches(site, id, "succeeded", "failed", "checkFailed")).toMatchObject({ state: "succeeded", error: null });
  await expectEqual(databases);
  await noSessions(databases);
  return broken;
}

/** The store's own server dies in the copy, by kill -9. */
export async function storeDies(site: TaskSite): Promise<void> {
  const databases: Pair = await slowPair();
  const { id } = await create(site, databases);
  await worker(site);
  await act(site.tasks, site.control, id, "start");
  await copied(databases.target, 2);
  const [pid] = (await readFile(join(site.dir, "store", "data", "postmaster.pid"), "utf8")).split("\n");
  process.kill(Number(pid), "SIGKILL");
  expect(await reaches(site, id, "succeeded", "failed")).toMatchObject({ state: "succeeded", error: null });
  await expectEqual(databases);
  await noSessions(databases);
}
