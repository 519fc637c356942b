import { openStore } from "../../../src/engine/store.ts";

/** A process of its own that opens the store of a directory, says so, and closes it when its input ends. */
const store = await openStore({ dir: process.argv[2] ?? "" }, (sentence) => console.log(sentence));
console.log("opened");
for await (const line of process.stdin) {
  if (String(line).trim() !== "query") continue;
  const { rows } = await store.pool.query<{ answer: number }>("select 42 as answer");
  console.log(`answer ${rows[0]?.answer}`);
}
await store.close();
console.log("closed");
