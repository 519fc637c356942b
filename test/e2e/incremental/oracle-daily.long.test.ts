import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TEST_MAJORS } from "../../kit/majors.ts";
import type { MigrationSite } from "./migrator.ts";
import { nativeReplication } from "./native-migrator.ts";
import { LEDGER } from "./random-schema.ts";
import { describeResult, expectEqual, runScenario } from "./run-scenario.ts";
import { sqlName } from "./schema.ts";
import { type ServerPair, startPair } from "./site.ts";

const newest = TEST_MAJORS.at(-1)!;

/** The generator, its workload and the comparison are right: PostgreSQL's own replication passes. */
describe.each(TEST_MAJORS)(`native replication, %i → ${newest}`, { timeout: 300_000 }, (major) => {
  let servers: ServerPair;
  beforeAll(async () => void (servers = await startPair(major, newest)));
  afterAll(async () => await servers[Symbol.asyncDispose]());

  it.each(["oracle 1", "oracle 2"])("leaves both sides equal: %s", async (seed) => {
    const result = await runScenario({ seed, servers, migrator: nativeReplication });
    console.log(describeResult(result));
    expectEqual(result);
  });

  it("is not believed: what differs afterwards is found", async () => {
    const afterComplete = async ({ target, schema }: MigrationSite): Promise<void> => {
      const deleted = "set session_replication_role = replica; delete from %s where ctid = (select min(ctid) from %s) returning 1";
      for (const table of schema.tables.filter(({ partitionedBy, isUnlogged }) => partitionedBy === undefined && !isUnlogged))
        if ((await target.query(deleted.replaceAll("%s", () => sqlName(table)))).length > 0) break;
      await target.query(`delete from ${LEDGER} where (client, n) in (select client, n from ${LEDGER} where client = 1 order by n limit 1)`);
      await target.query("select setval('public.audit_id_seq', 123456789)");
    };
    const { failure, differences } = await runScenario({ seed: "oracle spoilt", servers, migrator: nativeReplication, syncMs: 500, afterComplete });
    expect(failure).toBeUndefined();
    const told = [
      /^table public.ledger: row counts differ .*client=1, n=\d+: only on the source$/,
      /^table (?!public.ledger).*: row counts differ .*only on the source$/,
      /^sequence only on the source: public.audit_id_seq/,
      /^sequence only on the target: public.audit_id_seq 123456789/,
      /^acknowledged commit 1\/\d+ is not on the target$/,
    ];
    const texts = differences.filter((line) => line.startsWith("rows as text only on the source: "));
    expect(texts).toHaveLength(major < 12 ? 0 : 2);
    expect(differences.filter((line) => !line.startsWith("rows as text "))).toHaveLength(told.length);
    for (const line of told) expect(differences).toContainEqual(expect.stringMatching(line));
  });
});
