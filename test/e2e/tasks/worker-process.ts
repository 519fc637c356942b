import "../../kit/arm.ts";
import { openSecrets } from "../../../src/engine/secrets.ts";
import { migrateStore } from "../../../src/engine/migrations.ts";
import { openStore } from "../../../src/engine/store.ts";
import { STORE_MIGRATIONS } from "../../../src/task/store-migrations.ts";
import { TaskStore } from "../../../src/task/task-store.ts";
import { StoreQueries } from "../../../src/task/store-queries.ts";
import { startWorker } from "../../../src/task/worker.ts";

/** A worker of its own, until its input ends. */
const [dir = ""] = process.argv.slice(2);
await using store = await openStore({ dir });
await migrateStore(store, STORE_MIGRATIONS);
const queries = new StoreQueries(store);
const tasks = new TaskStore(queries, await openSecrets({ dir }));
const worker = await startWorker({ store, tasks, queries, retryForMs: 60_000, keepEndedForMs: 3_600_000, log: (sentence) => console.log(`log ${sentence}`) });
console.log("launched");
for await (const _ of process.stdin);
await worker.stop();
console.log("shut down");
