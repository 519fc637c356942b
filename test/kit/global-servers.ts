import type { TestProject } from "vitest/node";
import { startServer } from "../../src/embedded/server.ts";
import { TEST_MAJORS } from "./majors.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** URI of the shared server of each major, without a database. */
    serverUris: Record<string, string>;
  }
}

/** One shared server per major for the whole run; tests make databases of their own on it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const servers = await Promise.all(TEST_MAJORS.map(async (major) => await startServer({ major, settings: { max_locks_per_transaction: 512, max_prepared_transactions: 10 } })));
  project.provide("serverUris", Object.fromEntries(servers.map((server) => [server.major, server.uri("")])));
  return async () => {
    await Promise.all(servers.map(async (server) => await server.stop()));
  };
}
