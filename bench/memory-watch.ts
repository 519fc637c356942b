import { ownPeakBytes, residentBytes } from "./process-tree.ts";
import type { Follower, FollowerTool } from "./tools/follower.ts";

/** How often a tool is looked at. */
export const SAMPLE_MS = 100;
/** The kernel walks every page of a family's memory to divide what is shared (measured: at ten times a second it took a tenth of the machine). */
const SAMPLE_FAMILY_MS = 2000;

/** The most memory that a tool's process held, or its family of processes; of a tool with a server of its own, the process alone. */
export class MemoryPeak {
  readonly #isAlone: boolean;
  #familyAt = -Infinity;
  /** Undefined until something was measured. */
  bytes: number | undefined;

  constructor(hasServerOfItsOwn: boolean) {
    this.#isAlone = hasServerOfItsOwn;
  }

  /** Call it as often as you like: a family is measured seldom. `isLast`: it is measured all the same. */
  async sample(pid: number, isLast = false): Promise<void> {
    const isFamilyDue = !this.#isAlone && (isLast || performance.now() - this.#familyAt >= SAMPLE_FAMILY_MS);
    if (isFamilyDue) this.#familyAt = performance.now();
    const bytes = await (isFamilyDue ? residentBytes : ownPeakBytes)(pid);
    if (bytes !== undefined) this.bytes = Math.max(this.bytes ?? 0, bytes);
  }
}

/** Samples what a follower holds, until it is disposed of. */
export interface MemoryWatch extends Disposable {
  /** The most so far. Undefined for a tool without a process of its own. */
  peakBytes(): Promise<number | undefined>;
}

export function watchMemory(tool: FollowerTool, follower: Follower): MemoryWatch {
  const peak = new MemoryPeak(tool.hasServerOfItsOwn === true);
  const sample = async (isLast: boolean): Promise<void> => {
    if (follower.pid !== undefined) await peak.sample(follower.pid, isLast);
  };
  const timer = setInterval(() => void sample(false), SAMPLE_MS);
  return {
    async peakBytes() {
      await sample(true);
      return peak.bytes;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
