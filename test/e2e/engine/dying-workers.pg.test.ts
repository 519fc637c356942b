import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Control, openControl } from "../../../src/engine/control.ts";
import { migrateStore } from "../../../src/engine/migrations.ts";
import { type Store, openStore } from "../../../src/engine/store.ts";
import { THOROUGH } from "../../kit/majors.ts";
import { MIGRATIONS, STEPS } from "./counting-workflow.ts";
import { type Process, killLeftovers, pause, processesOf, run } from "./processes.ts";

let dir = "";
let store: Store;
let control: Control;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "godwit-workers-test-"));
  await chmod(dir, 0o755); // as root the store's server runs as another user
  store = await openStore({ dir });
  await migrateStore(store, MIGRATIONS);
  control = await openControl(store);
});
afterEach(async () => {
  await killLeftovers();
  await control.close();
  await store.close();
  for (let attempt = 0; attempt < 100 && (await processesOf(dir)).length > 0; attempt++) await pause(20);
  // oxlint-disable-next-line vitest/no-standalone-expect -- it belongs to every test
  expect(await processesOf(dir)).toEqual([]);
  await rm(dir, { recursive: true, force: true });
});

interface Counted {
  readonly step: number;
  readonly what: string;
  readonly pid: number;
}

async function counted(workflow: string): Promise<Counted[]> {
  return (await store.pool.query<Counted>("select step, what, pid from godwit.counted where workflow = $1 order by id", [workflow])).rows;
}

/** Waits until something was counted that fits. */
async function sees(workflow: string, fits: (row: Counted) => boolean, patienceMs = 30_000): Promise<Counted> {
  for (const deadline = Date.now() + patienceMs; ; await pause(10)) {
    const found = (await counted(workflow).catch(() => [])).findLast(fits);
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`nothing of ${workflow} fits: ${JSON.stringify(await counted(workflow))}`);
  }
}

async function startWorkers(count: number): Promise<Process[]> {
  const workers = Array.from({ length: count }, () => run(new URL("worker-process.ts", import.meta.url), dir));
  for (const worker of workers) await worker.saw("launched");
  return workers;
}

/** Every step ended, in order, and each once; but for one whose worker died before that was noted, if any may have. */
async function expectCounted(workflow: string, mayRepeat = false): Promise<void> {
  expect(await control.result(workflow)).toBe("counted");
  const ends = (await counted(workflow)).filter(({ what }) => what === "end");
  const once = ends.filter(({ step, pid }, at) => !mayRepeat || ends[at - 1]?.step !== step || ends[at - 1]?.pid === pid);
  expect(once.map(({ step }) => step)).toEqual(Array.from({ length: STEPS }, (_, at) => at + 1));
}

describe("workers that die", () => {
  it("are followed by another within 2 s, at the step where they died", async () => {
    const deaths = 5;
    // All at once: meanwhile the work would come to its end on a slow machine.
    const workers = await startWorkers(deaths + 1);
    await control.start("count", "a", []);
    const times: number[] = [];
    let running = await sees("a", ({ what }) => what === "begin");
    for (let death = 0; death < deaths; death++) {
      const { pid } = running;
      workers.find((worker) => worker.pid === pid)?.kill("SIGKILL");
      const begun = performance.now();
      // What it did last may be more than was seen of it: then a step's end may not have been noted yet.
      const last = (await counted("a")).findLast((row) => row.pid === pid)!;
      running = await sees("a", (row) => row.what === "begin" && row.pid !== pid && row.step >= last.step);
      times.push(Math.round(performance.now() - begun));
      const first = (await counted("a")).find((row) => row.what === "begin" && row.pid !== pid && row.step >= last.step)!;
      expect(last.what === "begin" ? [last.step] : [last.step, last.step + 1]).toContain(first.step);
      running = await sees("a", ({ what, step, pid: by }) => what === "begin" && step > last.step && by !== pid);
    }
    await expectCounted("a", true);
    const median = times.toSorted((a, b) => a - b)[2];
    console.log(`engine: from kill -9 to progress: median ${median} ms (${times.join(", ")} ms)`);
    expect(Math.max(...times)).toBeLessThan(2000);
    for (const worker of workers) if (worker.child.signalCode === null) await worker.leave();
  });

  it("hand their work over at once when they leave in order", async () => {
    const workers = await startWorkers(2);
    await control.start("count", "b", []);
    const { pid } = await sees("b", ({ what }) => what === "begin");
    const begun = performance.now();
    const left = workers.find((worker) => worker.pid === pid)?.leave();
    await sees("b", (row) => row.what === "begin" && row.pid !== pid);
    console.log(`engine: from an orderly leave to progress: ${Math.round(performance.now() - begun)} ms`);
    await left;
    await expectCounted("b");
    for (const worker of workers) if (worker.child.exitCode === null) await worker.leave();
  });

  it("go on when the store's server is killed, and nobody takes their work away", async () => {
    const workers = await startWorkers(2);
    await control.start("count", "c", []);
    const { pid } = await sees("c", ({ what }) => what === "begin");
    for (const step of [2, 4]) {
      await sees("c", (row) => row.what === "begin" && row.step === step);
      process.kill(Number((await readFile(join(dir, "store", "data", "postmaster.pid"), "utf8")).split("\n")[0]), "SIGKILL");
    }
    await sees("c", (row) => row.what === "end" && row.step === STEPS);
    await expectCounted("c");
    expect(new Set((await counted("c")).map((row) => row.pid))).toEqual(new Set([pid]));
    for (const worker of workers) await worker.leave();
  });

  it.runIf(THOROUGH)("lose their work when they hang, and do nothing more of it when they wake up", async () => {
    const workers = await startWorkers(2);
    await control.start("count", "d", []);
    const { pid, step } = await sees("d", ({ what }) => what === "begin");
    const hung = workers.find((worker) => worker.pid === pid);
    hung?.kill("SIGSTOP");
    const begun = performance.now();
    const next = await sees("d", (row) => row.what === "begin" && row.pid !== pid);
    console.log(`engine: from SIGSTOP to progress elsewhere: ${Math.round(performance.now() - begun)} ms`);
    expect(next.step).toBe(step);
    hung?.kill("SIGCONT");
    expect(await control.result("d")).toBe("counted");
    // What it was doing when it was stopped may still end; after that nothing.
    expect((await counted("d")).filter((row) => row.pid === pid && row.step > step)).toEqual([]);
    await control.start("count", "e", []);
    await expectCounted("e");
    for (const worker of workers) await worker.leave();
  });
});
