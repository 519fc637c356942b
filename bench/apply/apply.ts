import { loadavg } from "node:os";
import { announce, describeSettings, describeTool, say } from "../announce.ts";
import type { ApplyBenchOptions } from "./apply-options.ts";
import { renderApplySummary, summarizeApply } from "./apply-report.ts";
import { BACKLOGS, type Backlog, MARKER_TABLE } from "./backlogs/backlog.ts";
import { type Drain, drain } from "./drain.ts";
import { findFollowerTools } from "../follower-tools.ts";
import { describeMachine } from "../machine.ts";
import { buildBase, dropBase } from "../replica-site.ts";
import { saveResult } from "../save-result.ts";
import { logicalSettings, type ServerPair, startPair } from "../servers.ts";
import type { FollowerTool } from "../tools/follower.ts";

/** Has each shape's backlog applied by each tool, in turn, round after round. Returns whether every run of every tool was right. */
export async function benchApply(options: ApplyBenchOptions, command: string): Promise<boolean> {
  const settings = logicalSettings(options.pluginDirectory);
  await using pair = await startPair(options.sourceMajor, options.targetMajor, settings);
  const tools = announce(await findFollowerTools(pair, options));
  say(`PostgreSQL ${pair.source.major} -> ${pair.target.major}; ${describeSettings(settings)}`);
  let allRight = true;
  for (const name of options.shapes) {
    const backlog: Backlog = BACKLOGS[name];
    const work = backlog.work(options.scale);
    const drains = await benchBacklog(pair, backlog, tools, options);
    const summary = summarizeApply(work, tools.map((tool) => tool.name), drains); // prettier-ignore
    const size = `${work.changes} changes in ${work.transactions} transactions, ${((summary.walBytes ?? 0) / 1e6).toFixed(0)} MB of WAL`;
    say(`\n${name}, scale ${options.scale}: ${size}\n${renderApplySummary(summary)}`);
    allRight &&= drains.every((run) => run.failure === undefined);
    if (options.save) {
      const majors = { source: pair.source.major, target: pair.target.major };
      const { changes, transactions } = work;
      const result = {
        command,
        machine: describeMachine(),
        majors,
        settings,
        options,
        tools: tools.map(describeTool),
        shape: name,
        backlog: { changes, transactions },
        summary,
        drains,
      };
      say(`saved as ${await saveResult("apply", name, result)}`);
    }
  }
  return allRight;
}

async function benchBacklog(pair: ServerPair, backlog: Backlog, tools: readonly FollowerTool[], options: ApplyBenchOptions): Promise<Drain[]> {
  say(`\nbuilding ${backlog.name}: ${backlog.description}`);
  const base = await buildBase(pair, { ...backlog, statements: (scale) => [...backlog.statements(scale), MARKER_TABLE] }, options.scale);
  const drains: Drain[] = [];
  for (let round = 1 - options.warmUps; round <= options.rounds; round++) {
    for (const tool of tools) {
      const load = loadavg()[0] ?? 0;
      const run = await drain(pair, base, backlog, tool, round, options);
      drains.push(run);
      const outcome = run.failure === undefined ? `${run.drainSeconds.toFixed(2)} s, start ${run.startSeconds.toFixed(2)} s` : `FAILED: ${run.failure}`;
      say(`${round > 0 ? `round ${round}` : "warm-up"}  ${tool.name.padEnd(12)} ${outcome}  (load before: ${load.toFixed(2)})`);
    }
  }
  await dropBase(pair, base);
  return drains;
}
