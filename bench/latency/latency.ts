import { setTimeout as sleep } from "node:timers/promises";
import { announce, describeSettings, describeTool, say } from "../announce.ts";
import { settleDisks, withClient } from "../databases.ts";
import { differences, takeFingerprint } from "../fingerprint.ts";
import { findFollowerTools } from "../follower-tools.ts";
import type { LatencyBenchOptions, Rate } from "./latency-options.ts";
import { type LatencyRun, renderLatencySummary, summarizeLatency } from "./latency-report.ts";
import { type Delays, countDelays } from "./delays.ts";
import { watch, write } from "./threads.ts";
import { describeMachine } from "../machine.ts";
import { watchMemory } from "../memory-watch.ts";
import { type Base, buildBase, dropBase, withFollower } from "../replica-site.ts";
import { saveResult } from "../save-result.ts";
import { logicalSettings, type ServerPair, startPair } from "../servers.ts";
import { ticks } from "../shapes/ticks.ts";
import { type FollowerTool, type Site, rejectWhenFailed } from "../tools/follower.ts";

/** Measures each tool at each rate, in turn, round after round. Returns whether every run of every tool was right. */
export async function benchLatency(options: LatencyBenchOptions, command: string): Promise<boolean> {
  const settings = logicalSettings(options.pluginDirectory);
  await using pair = await startPair(options.sourceMajor, options.targetMajor, settings);
  const tools = announce(await findFollowerTools(pair, options));
  say(`PostgreSQL ${pair.source.major} -> ${pair.target.major}; ${options.clients} clients; ${describeSettings(settings)}\n`);
  const base = await buildBase(pair, ticks, 1);
  const runs: LatencyRun[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    for (const rate of options.rates) for (const tool of tools) runs.push(tell(await measureLatency(pair, base, tool, rate, round, options)));
  }
  await dropBase(pair, base);
  const summary = summarizeLatency(options.rates, tools.map((tool) => tool.name), runs); // prettier-ignore
  say(`\n${renderLatencySummary(summary)}`);
  if (options.save) {
    const majors = { source: pair.source.major, target: pair.target.major };
    const result = { command, machine: describeMachine(), majors, settings, options, tools: tools.map(describeTool), summary, runs };
    say(`saved as ${await saveResult("latency", ticks.name, result)}`);
  }
  return runs.every((run) => run.failure === undefined);
}

async function measureLatency(pair: ServerPair, base: Base, tool: FollowerTool, rate: Rate, round: number, options: LatencyBenchOptions): Promise<LatencyRun> {
  const run = { tool: tool.name, rate, round };
  try {
    return await withFollower(pair, base, tool, options.timeoutMs, async (site, follower) => {
      await settleDisks(pair);
      using memory = watchMemory(tool, follower);
      await follower.start();
      const failed = rejectWhenFailed(follower);
      await Promise.race([failed, isFollowing(site)]);
      const delays = await Promise.race([failed, writeAndWatch(site, rate, options)]);
      const peakRssBytes = await memory.peakBytes();
      return { ...run, delays, peakRssBytes, failure: await judge(site) };
    });
  } catch (error) {
    return { ...run, delays: undefined, peakRssBytes: undefined, failure: error instanceof Error ? error.message : String(error) };
  }
}

/** The first change takes the tool's start along; what is measured comes behind it. Client -1 is nobody's. */
async function isFollowing({ source, target, database, timeoutMs }: Site): Promise<void> {
  await withClient(source, database, async (client) => await client.query("insert into ticks values (-1, 0, 'first')"));
  await withClient(target, database, async (client) => {
    for (const deadline = performance.now() + timeoutMs; performance.now() < deadline; await sleep(20)) {
      if ((await client.query("select 1 from ticks where client = -1")).rowCount !== 0) return;
    }
    throw new Error("the first change was not there when the time was over");
  });
}

async function writeAndWatch(site: Site, rate: Rate, { clients, seconds, warmUpSeconds, timeoutMs }: LatencyBenchOptions): Promise<Delays> {
  await using watcher = await watch({ uri: site.target.uri(site.database), clients });
  const written = await write({ uri: site.source.uri(site.database), clients, transactionsPerSecond: rate === "max" ? undefined : rate, seconds: warmUpSeconds + seconds });
  const watched = await watcher.end({ totals: written.committedMs.map((series) => series.length), deadlineMs: written.endedMs + timeoutMs });
  return countDelays(written, watched, warmUpSeconds);
}

async function judge(site: Site): Promise<string | undefined> {
  const found = differences(await takeFingerprint(site.source, site.database), await takeFingerprint(site.target, site.database));
  return found.length === 0 ? undefined : `the target differs from the source: ${found[0]}`;
}

function tell(run: LatencyRun): LatencyRun {
  const { delays } = run;
  const outcome = run.failure !== undefined || delays === undefined ? `FAILED: ${run.failure}` : `p50 ${delays.p50Ms.toFixed(2)} ms, p99 ${delays.p99Ms.toFixed(2)} ms, ${delays.writtenPerSecond.toFixed(0)}/s`; // prettier-ignore
  say(`round ${run.round}  ${String(run.rate).padStart(5)}/s  ${run.tool.padEnd(12)} ${outcome}`);
  return run;
}
