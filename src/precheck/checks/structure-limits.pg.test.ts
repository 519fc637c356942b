import { Client } from "pg";
import { expect, it } from "vitest";
import { itemsOf, mend } from "../../../test/kit/checks.ts";
import { TEST_MAJORS } from "../../../test/kit/majors.ts";
import { type EmbeddedServer, startServer } from "../../embedded/server.ts";
import { parseEndpoint } from "../../wire/endpoint.ts";

/** In portions: creating a table takes locks of its own. */
async function createTables(server: EmbeddedServer, from: number, to: number): Promise<void> {
  const client = new Client({ connectionString: server.uri() });
  await client.connect();
  for (let at = from; at < to; at += 20) {
    await client.query(Array.from({ length: 20 }, (_, n) => `create table t${at + n} (a int)`).join("; "));
  }
  await client.query("select 1");
  await client.end();
}

it("warns when the source's lock table is nearly full, and says what is needed when it is too small", async () => {
  const settings = { max_locks_per_transaction: 10, max_connections: 12, max_wal_senders: 0, wal_level: "replica", max_worker_processes: 0, autovacuum_max_workers: 1 };
  await using small = await startServer({ major: TEST_MAJORS[0]!, settings });
  await using target = await startServer({ major: TEST_MAJORS[0]! });
  const endpoints = [parseEndpoint("source", small.uri()), parseEndpoint("target", target.uri())] as const;

  await createTables(small, 0, 100);
  expect(await itemsOf("structure-limits", ...endpoints)).toMatchObject([{ result: "passed" }]);
  await createTables(small, 100, 120);
  const [item] = await itemsOf("structure-limits", ...endpoints);
  expect(item).toMatchObject({ result: "alarm", evidence: ["120 tables, 120 slots (max_locks_per_transaction 10)"], fixSql: "alter system set max_locks_per_transaction = 12;" });
  await mend(item, ...endpoints);
  await small.restart();
  expect(await itemsOf("structure-limits", ...endpoints)).toMatchObject([{ result: "passed" }]);

  await createTables(small, 120, 2000);
  await expect(itemsOf("structure-limits", ...endpoints)).rejects.toMatchObject({
    code: "lock-table-full",
    message: expect.stringContaining("2000 tables are to be locked, the lock table holds 144 objects") as unknown,
    advice: expect.stringContaining("Set max_locks_per_transaction to 200 at the source (now 12)") as unknown,
  });
});
