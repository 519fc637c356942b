import { afterAll } from "vitest";
import { migrateStore } from "../../src/engine/migrations.ts";
import { type Engine, launchEngine } from "../../src/engine/engine.ts";
import { asGodwitError } from "../../src/errors/godwit-error.ts";
import { openSecrets } from "../../src/engine/secrets.ts";
import { type Store, openStore } from "../../src/engine/store.ts";
import type { Pause } from "../../src/task/lanes/crew.ts";
import type { MigrationSummary } from "../../src/task/events.ts";
import { LaneKeeper } from "../../src/task/lanes/lane-keeper.ts";
import { type MigrationHooks, migrate as procedure } from "../../src/task/migrate.ts";
import type { MigrationOptions } from "../../src/plan/migration-options.ts";
import { STORE_MIGRATIONS } from "../../src/task/store-migrations.ts";
import type { Switchover } from "../../src/task/switchover.ts";
import { type TaskMemory, shortMemory } from "../../src/task/task-memory.ts";
import { TaskStore } from "../../src/task/task-store.ts";
import { StoreQueries } from "../../src/task/store-queries.ts";
import { onServer, serverUri } from "./databases.ts";
import { TEST_MAJORS } from "./majors.ts";

/** It is never asked to complete. */
const NO_SWITCHOVER: Switchover = { caughtUp: async () => undefined, asked: new AbortController().signal };
const NO_PAUSE: Pause = { hold: () => ({ [Symbol.dispose]: () => undefined }), paused: async () => undefined };

interface Site {
  readonly name: string;
  readonly store: Store;
  readonly engine: Engine;
  readonly lanes: LaneKeeper;
  readonly tasks: TaskStore;
}

const major = TEST_MAJORS.at(-1)!;
let site: Promise<Site> | undefined;

/** The procedure of a task's run, with lanes of a worker in this process over a store of this test file's own. */
export async function migrate(
  options: MigrationOptions,
  hooks: MigrationHooks,
  memory: TaskMemory = shortMemory(),
  switchover: Switchover = NO_SWITCHOVER,
): Promise<MigrationSummary> {
  const { tasks } = await (site ??= openSite());
  const task = await tasks.create({ options });
  // Only a task at work has lanes.
  for (const event of ["check", "checksPassed", "due", "prepared"] as const) await tasks.apply(task.id, event);
  const crew = { jobs: tasks.jobs(), taskId: task.id, onTrouble: async () => undefined, pause: NO_PAUSE, triesAgain: false };
  try {
    return await procedure(options, hooks, memory, crew, switchover);
  } catch (error) {
    memory.failure = { id: task.id, message: asGodwitError(error).message }; // as the task's record would have it
    throw error;
  }
}

async function openSite(): Promise<Site> {
  const name = `store${process.pid}_${Date.now()}`;
  await onServer(major, async (admin) => await admin.query(`create database ${name}`));
  const store = await openStore({ uri: `${serverUri(major)}${name}` });
  await migrateStore(store, STORE_MIGRATIONS);
  const engine = await launchEngine({ store, workflows: {} });
  const tasks = new TaskStore(new StoreQueries(store), await openSecrets({ key: Buffer.alloc(32, 1).toString("base64") }));
  return { name, store, engine, tasks, lanes: new LaneKeeper(tasks.jobs(), engine.executorId, () => undefined) };
}

afterAll(async () => {
  if (site === undefined) return;
  const { name, store, engine, lanes } = await site;
  await lanes.stop();
  await engine.shutdown();
  await store.close();
  await onServer(major, async (admin) => await admin.query(`drop database ${name} with (force)`));
});
