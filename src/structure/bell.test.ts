import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { expect, it } from "vitest";
import { Bell } from "./bell.ts";

it("a notification that belongs to the answer before does not wake the sleeper", async () => {
  const bell = new Bell();
  const module = JSON.stringify(new URL("./bell.ts", import.meta.url).href);
  const sleeper = new Worker(
    `const { workerData, parentPort } = require("node:worker_threads"); import(${module}).then(({ Bell }) => { parentPort.postMessage("asks"); new Bell(workerData).wait(); parentPort.postMessage("awake"); });`,
    {
      eval: true,
      workerData: bell.memory,
    },
  );
  const said: string[] = [];
  try {
    await new Promise<void>((resolve) => {
      sleeper.on("message", (word: string) => {
        said.push(word);
        resolve();
      });
    });
    const view = new Int32Array(bell.memory);
    // it sleeps when a notification finds somebody
    while (Atomics.notify(view, 0) === 0) await sleep(5);
    await sleep(100);
    expect(said).toEqual(["asks"]);
    bell.ring();
    await expect.poll(() => said).toEqual(["asks", "awake"]);
  } finally {
    await sleeper.terminate();
  }
});
