import { ownPeakBytes, residentBytes } from "./process-tree.ts";
import type { Follower, FollowerTool } from "./tools/follower.ts";

const SAMPLE_MS = 100;
/** See measured-process.ts. */
const SAMPLE_FAMILY_MS = 2000;

/** Samples what the tool's process, or its family of processes, holds, until it is disposed of. */
export interface MemoryWatch extends Disposable {
  /** The most so far. Undefined for a tool without a process of its own. */
  peakBytes(): Promise<number | undefined>;
}

export function watchMemory(tool: FollowerTool, follower: Follower): MemoryWatch {
  let peak: number | undefined;
  const sample = async (): Promise<void> => {
    const bytes = follower.pid === undefined ? undefined : await (tool.hasServerOfItsOwn === true ? ownPeakBytes : residentBytes)(follower.pid);
    if (bytes !== undefined) peak = Math.max(peak ?? 0, bytes);
  };
  const timer = setInterval(() => void sample(), tool.hasServerOfItsOwn === true ? SAMPLE_MS : SAMPLE_FAMILY_MS);
  return {
    async peakBytes() {
      await sample();
      return peak;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
