import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { type CpuUse, cpuUse, readClocks, sum } from "../clocks.ts";
import { backendsGone, prepareTarget } from "../databases.ts";
import { type ProcessResult, runMeasured } from "../measured-process.ts";
import { lastLines, withoutPasswords } from "../tools/command-output.ts";
import type { ServerPair } from "../servers.ts";
import type { Run, Tool } from "../tools/tool.ts";

/** What one run of one tool cost. A run that failed has no figures to compare, only its failure. */
export interface Measurement extends CpuUse {
  readonly tool: string;
  /** 1 … n; 0 and below: warm-ups. */
  readonly round: number;
  readonly failure: string | undefined;
  readonly wallSeconds: number;
  /** Wall time of each command, as { dump: 5.1, restore: 7.3 }, or of the steps that the tool itself tells. */
  readonly steps: Readonly<Record<string, number>>;
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
    return {
      tool: tool.name,
      round,
      failure,
      wallSeconds: results.reduce((total, result) => total + result.wallSeconds, 0),
      steps: account?.steps ?? Object.fromEntries(results.map((result) => [result.label, result.wallSeconds])),
      ...cpuUse(before, after, toolCpuSeconds),
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
    const result = await runMeasured(command, timeoutMs, tool.hasServerOfItsOwn === true);
    results.push(result);
    if (result.failure !== undefined) break;
  }
  return results;
}

function describeFailure(result: ProcessResult): string {
  return withoutPasswords([`${result.label}: ${result.failure}`, ...lastLines(`${result.stdout}\n${result.stderr}`)].join("\n"));
}
