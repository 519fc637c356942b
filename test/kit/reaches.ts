import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "./serve.ts";

/** Waits until a task is in this state. Throws where it will not come there, or not within two minutes. */
export async function reaches(admin: Client, id: string, state: string): Promise<void> {
  for (let attempt = 0; attempt < 1200; attempt++) {
    const task = await admin.call("getTask", { params: { id } });
    if (task.state === state) return;
    if (["failed", "checkFailed", "succeeded", "terminated"].includes(task.state)) throw new Error(`${task.name} is ${task.state}: ${JSON.stringify(task.error)}`);
    await sleep(100);
  }
  throw new Error(`${id} is not ${state} yet`);
}
