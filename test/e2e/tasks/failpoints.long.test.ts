import { describe, expect, it } from "vitest";
import { FAILPOINTS, FOLLOWING_FAILPOINTS } from "../../../src/errors/failpoint.ts";
import { dieAt, median } from "./failpoints.ts";
import { taskSite } from "./task-site.ts";

const site = taskSite();
/** The others are in test/e2e/incremental/incremental.long.test.ts. */
const OF_FULL = FAILPOINTS.filter((name) => !FOLLOWING_FAILPOINTS.includes(name));

describe.each([1, 3])("a task with %i worker(s) goes on when one dies", (workers) => {
  const seconds: number[] = [];
  it.each(OF_FULL)("at: %s", async (failpoint) => {
    seconds.push(await dieAt(site, failpoint, workers));
    expect(seconds.at(-1)).toBeGreaterThan(0);
  });

  it("within two seconds, in the median", () => {
    console.log(`${workers} worker(s): from kill -9 to progress: median ${median(seconds).toFixed(2)} s, longest ${Math.max(...seconds).toFixed(2)} s, of ${seconds.length}`);
    expect(seconds).toHaveLength(OF_FULL.length);
    expect(median(seconds)).toBeLessThanOrEqual(2);
  });
});
