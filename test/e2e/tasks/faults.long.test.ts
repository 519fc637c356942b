import { describe, expect, it } from "vitest";
import { hangs, unruly } from "./faults.ts";
import { taskSite } from "./task-site.ts";

const site = taskSite();

describe("a task", () => {
  it("comes through a minute of a network that breaks at random", async () => {
    const broken = await unruly(site, 60);
    console.log(`${broken} connections broken in a minute`);
    expect(broken).toBeGreaterThan(5);
  });

  it("is not written twice by a worker that hung for a minute", async () => {
    await hangs(site, 60);
  });
});
