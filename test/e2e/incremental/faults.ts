import { setTimeout as sleep } from "node:timers/promises";
import { type UnrulyProxy, openUnrulyProxy } from "../../kit/unruly-proxy.ts";
import type { RunningMigration } from "./migrator.ts";
import type { Random } from "./random.ts";
import type { ServerPair } from "./site.ts";

/** What goes wrong during a scenario. */
export type Fault =
  /** The migration's process is killed (-9) again and again (20 times at most, or so often), at random moments, and started again. */
  | { readonly kind: "kill"; readonly times?: number }
  /** It dies when it comes by there; see src/errors/failpoint.ts. */
  | { readonly kind: "failpoint"; readonly name: string }
  /** A server stops at a random moment and comes back. `immediate`: as in a crash. */
  | { readonly kind: "restart"; readonly side: "source" | "target"; readonly mode: "fast" | "immediate" }
  /**
   * Connections of the migration live for so long on average, and some are refused: see test/kit/unruly-proxy.ts. Until changes flow it may be longer:
   * a plan needs a dozen connections that all live until the copy has begun.
   */
  | { readonly kind: "cut"; readonly lifeMs: number; readonly lifeMsBefore?: number; readonly refused?: number };

/** What of it comes and goes by itself. */
export interface RunningFaults {
  /** How often something went wrong. */
  readonly happened: () => number;
  /** Waits for what is going on. */
  end(): Promise<void>;
}

/** Kills and restarts until the end; each kind in its own time. */
export function startFaults(faults: readonly Fault[], { source, target }: ServerPair, migration: RunningMigration, random: Random): RunningFaults {
  const stop = new AbortController();
  let happened = 0;
  const everySoOften = async (fromMs: number, toMs: number, times: number, act: () => Promise<void>): Promise<void> => {
    for (let left = times; left > 0; left--) {
      await sleep(random.int(fromMs, toMs), undefined, { signal: stop.signal }).catch(() => undefined);
      if (stop.signal.aborted) return;
      await act();
      happened++;
    }
  };
  const running = faults.map(async (fault) => {
    if (fault.kind === "kill") await everySoOften(300, 2500, fault.times ?? 20, async () => await migration.kill());
    if (fault.kind === "restart") await everySoOften(300, 2500, 3, async () => await (fault.side === "source" ? source : target).restart(fault.mode));
  });
  return {
    happened: () => happened,
    end: async () => {
      stop.abort();
      await Promise.all(running);
    },
  };
}

/** The way to a server; without a cut it is the straight one. */
export interface Way extends AsyncDisposable {
  readonly uri: string;
  readonly broken: () => number;
  /** Changes flow. */
  flows(): void;
  behave(): void;
}

export async function openWay(uri: string, faults: readonly Fault[], random: Random): Promise<Way> {
  const cut = faults.find((fault) => fault.kind === "cut");
  if (cut === undefined) return { uri, broken: () => 0, flows: () => undefined, behave: () => undefined, [Symbol.asyncDispose]: async () => undefined };
  const url = new URL(uri);
  const proxy: UnrulyProxy = await openUnrulyProxy(Number(url.port), { lifeMs: cut.lifeMsBefore ?? cut.lifeMs, refused: cut.refused, random: random.next });
  url.port = String(proxy.port);
  return {
    uri: url.toString(),
    broken: proxy.broken,
    flows: () => proxy.live(cut.lifeMs),
    behave: () => proxy.behave(),
    [Symbol.asyncDispose]: async () => await proxy[Symbol.asyncDispose](),
  };
}
