import { afterAll, beforeAll, describe, it } from "vitest";
import { TEST_MAJORS } from "../../kit/majors.ts";
import { godwit } from "./godwit-migrator.ts";
import { describeResult, expectEqual, runScenario } from "./run-scenario.ts";
import { type ServerPair, startPair } from "./site.ts";

const newest = TEST_MAJORS.at(-1)!;

/** A few seeds; incremental.long.test.ts has hundreds, and everything that goes wrong meanwhile. */
describe.each(TEST_MAJORS)(`full+incremental, %i → ${newest}`, (major) => {
  let servers: ServerPair;
  beforeAll(async () => void (servers = await startPair(major, newest)));
  afterAll(async () => await servers[Symbol.asyncDispose]());

  it.each(["daily 1", "daily 2", "daily 3"])("brings every change of a random workload: %s", async (seed) => {
    const result = await runScenario({ seed, servers, migrator: godwit });
    console.log(describeResult(result));
    expectEqual(result);
  });

  it("does so when its process is killed again and again", async () => {
    const result = await runScenario({ seed: "daily kill", servers, migrator: godwit, faults: [{ kind: "kill" }], syncMs: 3000 });
    console.log(describeResult(result));
    expectEqual(result);
  });
});
