import { machineCpu, serverCpuSeconds } from "./process-tree.ts";
import type { ServerPair } from "./servers.ts";

/** Where the CPUs of the machine were in a stretch of time. */
export interface CpuUse {
  /** CPU of the tool's own processes, of each server's, and of everything else on the machine. */
  readonly toolCpuSeconds: number | undefined;
  readonly sourceCpuSeconds: number | undefined;
  readonly targetCpuSeconds: number | undefined;
  readonly otherCpuSeconds: number | undefined;
  /** CPUs without work, and without work while waiting for the disk: seconds summed over all CPUs. */
  readonly idleSeconds: number | undefined;
  readonly diskWaitSeconds: number | undefined;
}

interface Clocks {
  readonly source: number | undefined;
  readonly target: number | undefined;
  readonly machine: Awaited<ReturnType<typeof machineCpu>>;
}

/** What the kernel has counted so far. */
export async function readClocks(pair: ServerPair): Promise<Clocks> {
  return { source: await serverCpuSeconds(pair.source.pid), target: await serverCpuSeconds(pair.target.pid), machine: await machineCpu() };
}

/** What was used between two readings; what the tool used is known otherwise. */
export function cpuUse(before: Clocks, after: Clocks, toolCpuSeconds: number | undefined): CpuUse {
  const used = (of: (clocks: Clocks) => number | undefined): number | undefined => difference(of(before), of(after));
  const sourceCpuSeconds = used((clocks) => clocks.source);
  const targetCpuSeconds = used((clocks) => clocks.target);
  const busy = used((clocks) => clocks.machine?.busySeconds);
  return {
    toolCpuSeconds,
    sourceCpuSeconds,
    targetCpuSeconds,
    otherCpuSeconds: difference(sum([toolCpuSeconds, sourceCpuSeconds, targetCpuSeconds]), busy),
    idleSeconds: used((clocks) => clocks.machine?.idleSeconds),
    diskWaitSeconds: used((clocks) => clocks.machine?.waitSeconds),
  };
}

/** Undefined as soon as one of the values is. */
export function sum(values: readonly (number | undefined)[]): number | undefined {
  return values.reduce<number | undefined>((total, value) => (total === undefined || value === undefined ? undefined : total + value), 0);
}

function difference(before: number | undefined, after: number | undefined): number | undefined {
  return before === undefined || after === undefined ? undefined : Math.max(0, after - before);
}
