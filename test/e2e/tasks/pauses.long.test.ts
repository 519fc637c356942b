import { describe, expect, it } from "vitest";
import { pausesIn } from "./pauses.ts";
import { SLOW_STEPS } from "./slow-steps.ts";
import { taskSite } from "./task-site.ts";

const site = taskSite();
const CASES = SLOW_STEPS.map((slow) => [slow.step, slow.by, slow] as const);

describe.each(["alive", "dead"] as const)("a task whose network is %s pauses within two seconds, and goes on with another worker,", (network) => {
  const seconds: number[] = [];
  it.each(CASES)("in the step %s, held up by %s", async (_step, _by, slow) => {
    seconds.push(await pausesIn(site, slow, network));
  });

  it("as is told", () => {
    console.log(`network ${network}: from the word to the pause: longest ${Math.max(...seconds).toFixed(2)} s, of ${seconds.length}`);
    expect(seconds).toHaveLength(CASES.length);
  });
});
