import { writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Writes a run to bench/results/; returns the file's path in the checkout. See the README there. */
export async function saveResult(benchmark: "full" | "apply" | "latency", shape: string, result: object): Promise<string> {
  const now = new Date().toISOString();
  const name = `${now.slice(0, 16).replace(":", "")}-${benchmark}-${shape}.json`;
  await writeFile(join(import.meta.dirname, "results", name), `${JSON.stringify({ takenAt: now, ...result }, null, 2)}\n`);
  return `bench/results/${name}`;
}
