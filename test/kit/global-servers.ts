import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { startServer } from "../../src/embedded/server.ts";
import { openTasks } from "../../src/task/open-tasks.ts";
import { TEST_MAJORS } from "./majors.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** URI of the shared server of each major, without a database. */
    serverUris: Record<string, string>;
    /** A state directory with an empty store whose server does not run. */
    storeTemplate: string;
  }
}

/** One shared server per major for the whole run; tests make databases of their own on it. And one store, which tests copy: making one takes seconds. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const template = makeStoreTemplate();
  const servers = await Promise.all(
    TEST_MAJORS.map(async (major) => await startServer({ major, settings: { max_locks_per_transaction: 512, max_prepared_transactions: 10, max_replication_slots: 40 } })),
  );
  project.provide("serverUris", Object.fromEntries(servers.map((server) => [server.major, server.uri("")])));
  project.provide("storeTemplate", await template);
  return async () => {
    await rm(await template, { recursive: true, force: true });
    await Promise.all(servers.map(async (server) => await server.stop()));
  };
}

async function makeStoreTemplate(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "godwit-template-"));
  await chmod(directory, 0o711);
  await (await openTasks({ store: { dir: directory } }))[Symbol.asyncDispose]();
  return directory;
}
