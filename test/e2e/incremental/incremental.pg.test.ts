import { afterAll, beforeAll, describe, it } from "vitest";
import { TEST_MAJORS } from "../../kit/majors.ts";
import { godwit } from "./godwit-migrator.ts";
import { describeResult, expectEqual, runScenario } from "./run-scenario.ts";
import { type ServerPair, startPair } from "./site.ts";

const newest = TEST_MAJORS.at(-1)!;
/** Some 10 s each, on a machine that has nothing else to do. */
const PATIENCE_MS = 400_000;

/** One seed of each major; incremental.long.test.ts has hundreds, and everything that goes wrong meanwhile. */
describe.each(TEST_MAJORS)(`full+incremental, %i → ${newest}`, (major) => {
  let servers: ServerPair;
  beforeAll(async () => void (servers = await startPair(major, newest)));
  afterAll(async () => await servers[Symbol.asyncDispose]());

  it(
    "brings every change of a random workload",
    async () => {
      const result = await runScenario({ seed: "daily 1", servers, migrator: godwit, syncMs: 800 });
      console.log(describeResult(result));
      expectEqual(result);
    },
    PATIENCE_MS,
  );

  it.runIf(major === newest)(
    "does so when its process is killed again and again",
    async () => {
      const result = await runScenario({ seed: "daily kill", servers, migrator: godwit, faults: [{ kind: "kill", times: 3 }], syncMs: 2000 });
      console.log(describeResult(result));
      expectEqual(result);
    },
    PATIENCE_MS,
  );
});
