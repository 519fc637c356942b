import { setTimeout as sleep } from "node:timers/promises";
import { launchEngine } from "../../../src/engine/engine.ts";
import { migrateStore } from "../../../src/engine/migrations.ts";
import { openStore } from "../../../src/engine/store.ts";
import { MIGRATIONS, STEP_MS, STEPS } from "./counting-workflow.ts";

/** A worker of its own: it runs `count`, whose steps write who did them, until its input ends. */
const location = process.argv[2] ?? "";
await using store = await openStore(location.startsWith("postgresql:") ? { uri: location } : { dir: location }, (sentence) => console.log(sentence));
await migrateStore(store, MIGRATIONS);
const engine = await launchEngine({
  store,
  log: (sentence) => console.log(`log ${sentence}`),
  workflows: {
    count: async (context) => {
      for (let at = 1; at <= STEPS; at++) {
        await context.step(`step ${at}`, async (signal) => {
          await write("begin", at);
          await sleep(STEP_MS, undefined, { signal });
          await write("end", at);
        });
      }
      async function write(what: string, at: number): Promise<void> {
        const values = [context.workflowId, at, what, process.pid];
        for (let attempt = 0; ; attempt++) {
          try {
            await store.pool.query("insert into godwit.counted (workflow, step, what, pid) values ($1, $2, $3, $4)", values);
            return;
          } catch (error) {
            if (attempt > 50) throw error; // the store's server is killed in a test, and comes back
            await sleep(100);
          }
        }
      }
      return "counted";
    },
  },
});
console.log(`launched ${engine.executorId}`);
for await (const _ of process.stdin);
await engine.shutdown();
console.log("shut down");
