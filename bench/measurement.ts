import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { backendsGone, prepareTarget } from "./databases.ts";
import { type ProcessResult, runMeasured } from "./measured-process.ts";
import { machineCpu, serverCpuSeconds } from "./process-tree.ts";
import type { ServerPair } from "./servers.ts";
import type { Run, Tool } from "./tools/tool.ts";

/** What one run of one tool cost. A run that failed has no figures to compare, only its failure. */
export interface Measurement {
  readonly tool: string;
  /** 1 … n; 0 and below: warm-ups. */
  readonly round: number;
  readonly failure: string | undefined;
  readonly wallSeconds: number;
  /** Wall time of each command, as { dump: 5.1, restore: 7.3 }, or of the steps that the tool itself tells. */
  readonly steps: Readonly<Record<string, number>>;
  /** CPU of the tool's own processes, of each server's, and of everything else on the machine. */
  readonly toolCpuSeconds: number | undefined;
  readonly sourceCpuSeconds: number | undefined;
  readonly targetCpuSeconds: number | undefined;
  readonly otherCpuSeconds: number | undefined;
  /** CPUs without work, and without work while waiting for the disk: seconds summed over all CPUs. */
  readonly idleSeconds: number | undefined;
  readonly diskWaitSeconds: number | undefined;
  readonly peakRssBytes: number | undefined;
  readonly relayedBytes: number | undefined;
}

export interface MeasureOptions {
  readonly database: string;
  readonly jobs: number;
  readonly analyze: boolean;
  readonly timeoutMs: number;
}

/**
 * Runs a tool once against a fresh target database. `judge` looks at the finished target, after the clocks were stopped,
 * and returns what is wrong with it: that is a failure too.
 */
export async function measure(pair: ServerPair, tool: Tool, round: number, options: MeasureOptions, judge: () => Promise<string | undefined>): Promise<Measurement> {
  await prepareTarget(pair, options.database);
  // Inside the target server's directory: removed with it, however this process ends.
  const directory = join(pair.target.directory, "bench");
  await mkdir(directory, { recursive: true });
  try {
    const run: Run = { ...pair, database: options.database, jobs: options.jobs, analyze: options.analyze, directory };
    const before = await readClocks(pair);
    const results = await runCommands(tool, run, options.timeoutMs);
    await backendsGone(pair.source);
    await backendsGone(pair.target);
    const after = await readClocks(pair);
    const failed = results.find((result) => result.failure !== undefined);
    const failure = failed === undefined ? await judge() : describeFailure(failed);
    const account = failure === undefined ? await tool.account?.(run, results) : undefined;
    const toolCpuSeconds = sum(results.map((result) => (tool.hasServerOfItsOwn === true ? result.ownCpuSeconds : result.cpuSeconds)));
    const used = (of: (clocks: Clocks) => number | undefined): number | undefined => difference(of(before), of(after));
    const sourceCpuSeconds = used((clocks) => clocks.source);
    const targetCpuSeconds = used((clocks) => clocks.target);
    const ours = sum([toolCpuSeconds, sourceCpuSeconds, targetCpuSeconds]);
    return {
      tool: tool.name,
      round,
      failure,
      wallSeconds: results.reduce((total, result) => total + result.wallSeconds, 0),
      steps: account?.steps ?? Object.fromEntries(results.map((result) => [result.label, result.wallSeconds])),
      toolCpuSeconds,
      sourceCpuSeconds,
      targetCpuSeconds,
      otherCpuSeconds: difference(
        ours,
        used((clocks) => clocks.machine?.busySeconds),
      ),
      idleSeconds: used((clocks) => clocks.machine?.idleSeconds),
      diskWaitSeconds: used((clocks) => clocks.machine?.waitSeconds),
      peakRssBytes: results.reduce<number | undefined>((peak, { peakRssBytes }) => (peakRssBytes === undefined ? peak : Math.max(peak ?? 0, peakRssBytes)), undefined),
      relayedBytes: account?.relayedBytes,
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function runCommands(tool: Tool, run: Run, timeoutMs: number): Promise<ProcessResult[]> {
  const results: ProcessResult[] = [];
  for (const command of tool.commands(run)) {
    const result = await runMeasured(command, timeoutMs);
    results.push(result);
    if (result.failure !== undefined) break;
  }
  return results;
}

interface Clocks {
  readonly source: number | undefined;
  readonly target: number | undefined;
  readonly machine: Awaited<ReturnType<typeof machineCpu>>;
}

async function readClocks(pair: ServerPair): Promise<Clocks> {
  return { source: await serverCpuSeconds(pair.source.pid), target: await serverCpuSeconds(pair.target.pid), machine: await machineCpu() };
}

function describeFailure(result: ProcessResult): string {
  const tail = `${result.stdout}\n${result.stderr}`
    .split("\n")
    .filter((line) => line.trim() !== "")
    .slice(-6);
  // Connection URIs of throw-away servers, but nobody should get used to seeing passwords in a report.
  return [`${result.label}: ${result.failure}`, ...tail].join("\n").replaceAll(/(:\/\/[^:@/\s]*):[^@\s]*@/g, "$1:…@");
}

function sum(values: readonly (number | undefined)[]): number | undefined {
  return values.reduce<number | undefined>((total, value) => (total === undefined || value === undefined ? undefined : total + value), 0);
}

function difference(before: number | undefined, after: number | undefined): number | undefined {
  return before === undefined || after === undefined ? undefined : Math.max(0, after - before);
}
