import { describe, expect, it } from "vitest";
import { WorkQueue } from "./lanes.ts";

const idle = new AbortController().signal;

describe("WorkQueue", () => {
  it("lets work begin only when all chunks of its table, or of all tables, are complete", async () => {
    const queue = new WorkQueue<string>();
    const done: string[] = [];
    for (const table of ["a", "a", "b"]) queue.expect([table]);
    queue.add("index of a", "a");
    queue.add("small indexes", "all");
    for (const chunk of ["a", "b", "a"]) queue.add(chunk);
    await queue.run(
      2,
      async (job) => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        done.push(job);
        if (job.length === 1) queue.complete([job]);
      },
      idle,
    );
    expect(done.slice(0, 3).toSorted()).toEqual(["a", "a", "b"]);
    expect(done.slice(3).toSorted()).toEqual(["index of a", "small indexes"]);
  });

  it("stops all lanes at the first error and throws it", async () => {
    const queue = new WorkQueue<number>();
    for (let job = 0; job < 100; job++) queue.add(job);
    let begun = 0;
    const run = queue.run(
      3,
      async (job) => {
        begun++;
        await Promise.resolve();
        if (job === 5) throw new Error("five");
      },
      idle,
    );
    await expect(run).rejects.toThrow("five");
    expect(begun).toBeLessThan(20);
  });

  it("lets what is under way be ended at the first error, once", async () => {
    const queue = new WorkQueue<number>();
    for (let job = 0; job < 3; job++) queue.add(job);
    const ending = new AbortController();
    let calls = 0;
    const run = queue.run(
      3,
      async (job) => {
        if (job === 1) throw new Error("one");
        await new Promise((_, reject) => ending.signal.addEventListener("abort", () => reject(new Error("cancelled"))));
      },
      idle,
      () => {
        calls++;
        ending.abort();
      },
    );
    await expect(run).rejects.toThrow("one");
    expect(calls).toBe(1);
  });

  it("ends when interrupted", async () => {
    const controller = new AbortController();
    const queue = new WorkQueue<number>();
    for (let job = 0; job < 100; job++) queue.add(job);
    const run = queue.run(2, async (job) => void (job === 3 && controller.abort(new Error("stop"))), controller.signal);
    await expect(run).rejects.toThrow("stop");
  });
});
