import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Engine, launchEngine } from "../../../src/engine/engine.ts";
import { THOROUGH } from "../../kit/majors.ts";
import { migrateStore } from "../../../src/engine/migrations.ts";
import { type Store, openStore } from "../../../src/engine/store.ts";
import { type Workflow, isInterruption } from "../../../src/engine/workflow.ts";
import { createDatabase } from "../../kit/databases.ts";

/** What happened, in order. */
const events: string[] = [];
let failing = true;

const workflows: Record<string, Workflow> = {
  long: async (context, id) => {
    await context.step("first", async () => void events.push(`${id} first`));
    try {
      await context.step("second", async (signal) => {
        events.push(`${id} second begins`);
        await sleep(2000, undefined, { signal });
        events.push(`${id} second ends`);
      });
    } catch (error) {
      events.push(`${id} caught ${isInterruption(error) ? "an interruption" : "an error"}`);
      throw error;
    }
  },
  failing: async (context) => {
    await context.step("fine", async () => void events.push("fine"));
    return await context.step("not fine", async () => {
      events.push("not fine");
      if (failing) throw new Error("for now");
      return "in the end";
    });
  },
};

let store: Store;
let engine: Engine;
beforeEach(async () => {
  const database = await createDatabase(18);
  store = await openStore({ uri: database.uri });
  await migrateStore(store, []);
  engine = await launchEngine({ store, workflows });
  events.length = 0;
});
afterEach(async () => {
  await engine.shutdown();
  await store.close();
});

async function until(check: () => boolean | Promise<boolean>): Promise<number> {
  const begun = performance.now();
  while (!(await check())) {
    if (performance.now() - begun > 10_000) throw new Error(`never: ${String(check)}; ${events.join(", ")}`);
    await sleep(10);
  }
  return Math.round(performance.now() - begun);
}

describe("an engine", () => {
  it("runs a workflow once per id", async () => {
    await engine.start("long", "a", ["a"]);
    await engine.start("long", "a", ["a"]);
    await engine.result("a");
    expect(events).toEqual(["a first", "a second begins", "a second ends"]);
    expect(await engine.status("a")).toMatchObject({ id: "a", name: "long", status: "SUCCESS", executorId: engine.executorId, queue: "tasks" });
    expect(await engine.status("unknown")).toBeUndefined();
    await engine.remove(["a"]);
    expect(await engine.list({})).toEqual([]);
  });

  it("interrupts what is cancelled, and goes on at that step when resumed, also when both come quickly", async () => {
    await engine.start("long", "a", ["a"]);
    await until(() => events.includes("a second begins"));
    await engine.cancel(["a"]);
    const ms = await until(() => events.includes("a caught an interruption"));
    console.log(`engine: from cancel to the step's end: ${ms} ms`);
    expect(ms).toBeLessThan(1000);
    expect(await engine.status("a")).toMatchObject({ status: "CANCELLED" });
    await engine.resume(["a"]);
    await until(() => events.filter((event) => event === "a second begins").length === 2);
    await engine.cancel(["a"]);
    await engine.resume(["a"]);
    await engine.result("a");
    expect(events).toEqual([
      "a first",
      "a second begins",
      "a caught an interruption",
      "a second begins",
      ...events.slice(4, -2).filter((event) => event === "a second begins" || event === "a caught an interruption"),
      expect.any(String),
      "a second ends",
    ]);
    expect(events.filter((event) => event === "a second ends")).toHaveLength(1);
    expect(events.filter((event) => event === "a first")).toHaveLength(1);
  });

  it("keeps the error of a step that failed, and tries that step again when told", async () => {
    failing = true;
    await engine.start("failing", "f", []);
    await expect(engine.result("f")).rejects.toThrow("for now");
    expect(await engine.status("f")).toMatchObject({ status: "ERROR", error: "for now" });
    failing = false;
    await engine.retry("f");
    expect(await engine.result("f")).toBe("in the end");
    expect(events).toEqual(["fine", "not fine", "not fine"]);
  });

  it.runIf(THOROUGH)("starts at a moment, which can be moved", async () => {
    const begun = Date.now();
    await engine.start("long", "soon", ["soon"], { at: new Date(begun + 1000) });
    await engine.start("long", "later", ["later"], { at: new Date(begun + 3_600_000) });
    expect(await engine.status("soon")).toMatchObject({ status: "DELAYED" });
    await until(() => events.includes("soon first"));
    expect(Date.now() - begun).toBeGreaterThan(1000);
    expect(events).not.toContain("later first");
    await engine.reschedule("later", new Date());
    await until(() => events.includes("later first"));
  });

  it("can be launched again behind its shutdown, and goes on with what it gave back", async () => {
    await engine.start("long", "a", ["a"]);
    await until(() => events.includes("a second begins"));
    await engine.shutdown();
    expect((await store.pool.query("select status from dbos.workflow_status")).rows).toEqual([{ status: "ENQUEUED" }]);
    engine = await launchEngine({ store, workflows });
    await engine.result("a");
    expect(events.filter((event) => event === "a first")).toHaveLength(1);
    expect(events.at(-1)).toBe("a second ends");
  });

  it("brings a workflow back that was claimed and never ran", async () => {
    await engine.start("long", "a", ["a"], { at: new Date(Date.now() + 3_600_000) });
    await store.pool.query("update dbos.workflow_status set status = 'PENDING', executor_id = $1, owner_xid = 'x'", [engine.executorId]);
    await engine.result("a");
    expect(events).toEqual(["a first", "a second begins", "a second ends"]);
  });
});
