import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { MemoryPeak, SAMPLE_MS } from "./memory-watch.ts";
import { endedChildrenCpuSeconds, ownCpuSeconds } from "./process-tree.ts";

export interface Command {
  /** One word for the report, as "dump". */
  readonly label: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

export interface ProcessResult {
  readonly label: string;
  readonly wallSeconds: number;
  /** Of the process and its descendants, user and system; undefined where /proc is missing. */
  readonly cpuSeconds: number | undefined;
  /** Of the process itself, without its children; sampled, so the last tenth of a second may be missing. */
  readonly ownCpuSeconds: number | undefined;
  readonly peakRssBytes: number | undefined;
  readonly failure: string | undefined;
  /** The end of what it wrote. */
  readonly stdout: string;
  readonly stderr: string;
}

const KEEP_CHARACTERS = 64 * 1024;

/**
 * Runs a program to its end and tells what it cost. One at a time: CPU time is the growth of what this process counts for
 * its ended children. A program that fails or takes longer than `timeoutMs` has a `failure`; this never throws.
 */
export async function runMeasured(command: Command, timeoutMs: number, hasServerOfItsOwn = false): Promise<ProcessResult> {
  const cpuBefore = await endedChildrenCpuSeconds();
  const started = performance.now();
  // In a process group of its own: whatever of it is left when it has ended can be found.
  const child = spawn(command.program, command.args, { detached: true, stdio: ["ignore", "pipe", "pipe"], env: { ...plainEnvironment(), ...command.environment } });
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (text: string) => (output[stream] = (output[stream] + text).slice(-KEEP_CHARACTERS)));
  }
  const ended = new Promise<string | undefined>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) => resolve(code === 0 ? undefined : signal === null ? `exit code ${code}` : `ended by ${signal}`));
  });
  const memory = new MemoryPeak(hasServerOfItsOwn);
  let own: number | undefined;
  const sample = async (): Promise<void> => {
    if (child.pid === undefined) return;
    await memory.sample(child.pid);
    own = (await ownCpuSeconds(child.pid)) ?? own;
  };
  const sampling = new AbortController();
  const sampler = sampleUntil(sampling.signal, sample);
  let late = false;
  const timeout = setTimeout(() => {
    late = true;
    child.kill();
  }, timeoutMs);
  const endGroup = (): void => killGroup(child.pid);
  const onSignal = (): void => process.exit(130);
  process.once("exit", endGroup).once("SIGINT", onSignal).once("SIGTERM", onSignal);
  const failure = await ended;
  const wallSeconds = (performance.now() - started) / 1000;
  sampling.abort();
  await sampler;
  clearTimeout(timeout);
  process.off("exit", endGroup).off("SIGINT", onSignal).off("SIGTERM", onSignal);
  endGroup();
  const cpuAfter = await endedChildrenCpuSeconds();
  const cpuSeconds = cpuBefore === undefined || cpuAfter === undefined ? undefined : cpuAfter - cpuBefore;
  return {
    label: command.label,
    wallSeconds,
    cpuSeconds,
    ownCpuSeconds: own,
    peakRssBytes: memory.bytes,
    failure: late ? `not ended after ${timeoutMs / 1000} s` : failure,
    ...output,
  };
}

function killGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, "SIGKILL");
  } catch {
    // nobody of it is left
  }
}

/** Waits between samples, rather than starting them by the clock: a tool with hundreds of processes must not be measured to death. */
async function sampleUntil(ended: AbortSignal, sample: () => Promise<void>): Promise<void> {
  while (!ended.aborted) {
    await sample();
    await sleep(SAMPLE_MS, undefined, { signal: ended }).catch(() => undefined);
  }
}

/** Without what would change one tool and not the other: libpq's variables (PGOPTIONS …) and Godwit's own. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(PG|GODWIT_|NODE_OPTIONS)/.test(name)));
}
