import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { describe, expect, it } from "vitest";
import { OLD_MAJORS, ownBuild } from "../../../src/embedded/binaries.ts";
import { startServer } from "../../../src/embedded/server.ts";
import { newProgress } from "../../../src/task/events.ts";
import { shortMemory } from "../../../src/task/task-memory.ts";
import { parseEndpoint } from "../../../src/wire/endpoint.ts";
import { taskOptions } from "../../kit/checks.ts";
import { createDatabase } from "../../kit/databases.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";
import { migrate } from "../../kit/migrate.ts";

// Before 10 changes are told apart by the names of their tables.

for (const major of OLD_MAJORS) {
  // Nobody packages these: see test/README.md.
  describe.skipIf(ownBuild(major) === undefined)(`PostgreSQL ${major} as a source`, () => {
    it("a table that is renamed on both sides stops the task once, and is followed under its new name then", async () => {
      await using server = await startServer({ major, settings: { wal_level: "logical", max_replication_slots: 4, max_wal_senders: 4 } });
      const run = async (sql: string): Promise<unknown[]> => {
        const client = new Client({ connectionString: server.uri("postgres"), application_name: "test" });
        await client.connect();
        try {
          return (await client.query(sql)).rows;
        } finally {
          await client.end();
        }
      };
      const target = await createDatabase(TEST_MAJORS.at(-1)!);
      await run("create table a (id int primary key, v text); insert into a values (1, 'x')");
      const options = taskOptions(parseEndpoint("source", server.uri("postgres")), target.endpoint("target"), {
        type: "full+incremental",
        acceptAlarms: true,
        incremental: { conflicts: "stop", untilCaughtUp: false, fence: false },
      });
      const memory = shortMemory();
      const follow = async (during: () => Promise<void>): Promise<void> => {
        const asked = new AbortController();
        const caughtUp = async (): Promise<void> => {
          await during();
          asked.abort();
        };
        await migrate(options, { report: () => undefined, progress: newProgress(), signal: new AbortController().signal }, memory, { caughtUp, asked: asked.signal });
      };
      const renamed = async (): Promise<void> => {
        await run("insert into a values (2, 'under the old name')");
        while ((await target.query("select from a where id = 2")).length === 0) await sleep(50);
        await Promise.all([run("alter table a rename to b"), target.query("alter table a rename to b")]);
        await run("insert into b values (3, 'under the new name')");
        await sleep(12_000);
      };
      await expect(follow(renamed)).rejects.toMatchObject({ code: "schema-changed", message: expect.stringContaining("table public.a was renamed to public.b") as string });
      await target.query("insert into b values (3, 'under the new name')"); // as the error advises
      await follow(async () => void (await run("insert into b values (4, 'later'); update b set v = 'changed' where id = 1")));
      const contents = "select id, v from b order by id";
      expect(await target.query(contents)).toEqual(await run(contents));
      expect(await run(contents)).toHaveLength(4);
    });
  });
}
