import { afterAll, beforeAll, describe, it } from "vitest";
import { TEST_MAJORS } from "../../kit/majors.ts";
import { nativeReplication } from "./native-migrator.ts";
import { describeResult, expectEqual, runScenario } from "./run-scenario.ts";
import { type ServerPair, startPair } from "./site.ts";

const newest = TEST_MAJORS.at(-1)!;

/** The generator, its workload and the comparison are right: PostgreSQL's own replication passes. */
describe.each(TEST_MAJORS)(`native replication, %i → ${newest}`, (major) => {
  let servers: ServerPair;
  beforeAll(async () => void (servers = await startPair(major, newest)));
  afterAll(async () => await servers[Symbol.asyncDispose]());

  it.each(["oracle 1", "oracle 2"])("leaves both sides equal: %s", async (seed) => {
    const result = await runScenario({ seed, servers, migrator: nativeReplication });
    console.log(describeResult(result));
    expectEqual(result);
  });
});
