import { cpus, release, totalmem, type } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { machineCpu } from "./process-tree.ts";

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly system: string;
  readonly node: string;
}

/** What a figure depends on, and nothing that names the machine. */
export function describeMachine(): Machine {
  const processors = cpus();
  return {
    cpu: processors[0]?.model ?? "unknown",
    cores: processors.length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()} ${process.arch}`,
    node: process.version,
  };
}

const REST_SAMPLE_MS = 500;
/** So many samples in a row must be quiet. */
const REST_SAMPLES = 3;
const QUIET_SHARE = 0.05;
const REST_PATIENCE_MS = 60_000;

/** Waits until processors and disks have nothing to do: what a tool leaves behind (processes that still end, memory that is given back) is not the next one's work. Others may keep it busy: a minute is enough. */
export async function machineAtRest(): Promise<void> {
  const deadline = performance.now() + REST_PATIENCE_MS;
  let before = await machineCpu();
  for (let quiet = 0; quiet < REST_SAMPLES && performance.now() < deadline;) {
    await sleep(REST_SAMPLE_MS);
    const now = await machineCpu();
    if (before === undefined || now === undefined) return;
    const busy = now.busySeconds + now.waitSeconds - before.busySeconds - before.waitSeconds;
    const all = busy + now.idleSeconds - before.idleSeconds;
    quiet = busy <= QUIET_SHARE * all ? quiet + 1 : 0;
    before = now;
  }
}
