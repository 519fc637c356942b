import { loadavg } from "node:os";
import { MAJORS, type Major } from "../../src/embedded/binaries.ts";
import { announce, describeSettings, describeTool, say } from "../announce.ts";
import { type SourceDatabase, buildSource, dropDatabase } from "../databases.ts";
import { type Fingerprint, differences, takeFingerprint } from "../fingerprint.ts";
import { describeMachine } from "../machine.ts";
import { type Measurement, measure } from "./measurement.ts";
import type { FullBenchOptions } from "./full-options.ts";
import { renderSummary, summarize } from "./full-report.ts";
import { saveResult } from "../save-result.ts";
import { SETTINGS, type ServerPair, startPair } from "../servers.ts";
import { EMPTY, SHAPES, type Shape } from "../shapes/shape.ts";
import { median } from "../statistics.ts";
import { godwit } from "../tools/godwit.ts";
import { clientMajor } from "../tools/installed.ts";
import { pgDump } from "../tools/pg-dump.ts";
import { pgcopydb } from "../tools/pgcopydb.ts";
import type { SkippedTool, Tool } from "../tools/tool.ts";

/** Moves each shape with each tool, in turn, round after round. Returns whether every run of every tool was right. */
export async function benchFull(options: FullBenchOptions, command: string): Promise<boolean> {
  const majors = await chooseMajors(options);
  const tools = announce(await findTools(options));
  say(`PostgreSQL ${majors.source} -> ${majors.target}; ${options.jobs} jobs; ANALYZE ${options.analyze ? "included" : "excluded"}; ${describeSettings(SETTINGS)}`);
  await using pair = await startPair(majors.source, majors.target);
  const startCpu = await measureStarts(pair, tools, options);
  let allRight = true;
  for (const name of options.shapes) {
    const shape = SHAPES[name];
    const { source, measurements } = await benchShape(pair, shape, tools, options);
    const summary = summarize(source, tools.map((tool) => tool.name), measurements, startCpu); // prettier-ignore
    say(`\n${shape.name}, scale ${options.scale}: ${describeSize(source)}\n${renderSummary(summary)}`);
    allRight &&= measurements.every((run) => run.failure === undefined);
    if (options.save) {
      const result = { command, machine: describeMachine(), majors, settings: SETTINGS, options, tools: tools.map(describeTool), shape: shape.name, source, summary, measurements };
      say(`saved as ${await saveResult("full", shape.name, result)}`);
    }
  }
  return allRight;
}

const STARTS = 3;

/** CPU seconds of each tool for an empty database, the median: what is not the work on a gigabyte. */
async function measureStarts(pair: ServerPair, tools: readonly Tool[], options: FullBenchOptions): Promise<Map<string, number>> {
  const { name: database } = await buildSource(pair.source, EMPTY, 1);
  const starts = new Map<string, number>();
  for (const tool of tools) {
    const seconds: number[] = [];
    for (let round = 0; round <= STARTS; round++) {
      const { failure, toolCpuSeconds } = await measure(pair, tool, round, { ...options, database }, async () => undefined);
      if (failure === undefined && toolCpuSeconds !== undefined && round > 0) seconds.push(toolCpuSeconds);
    }
    if (seconds.length === STARTS) starts.set(tool.name, median(seconds));
  }
  await dropDatabase(pair.source, database);
  await dropDatabase(pair.target, database);
  return starts;
}

async function benchShape(pair: ServerPair, shape: Shape, tools: readonly Tool[], options: FullBenchOptions): Promise<{ source: SourceDatabase; measurements: Measurement[] }> {
  say(`\nbuilding ${shape.name}: ${shape.description}`);
  const started = performance.now();
  const source = await buildSource(pair.source, shape, options.scale);
  const expected = await takeFingerprint(pair.source, source.name);
  say(`built in ${((performance.now() - started) / 1000).toFixed(0)} s, ${(source.diskBytes / 1e6).toFixed(0)} MB on disk, ${expected.tables.size} tables`);
  const measurements: Measurement[] = [];
  const judged = new Set<string>();
  // To and fro, so that no tool has always the same one before it, and what that leaves behind.
  for (let round = 1 - options.warmUps; round <= options.rounds; round++) {
    for (const tool of round % 2 === 0 ? tools : tools.toReversed()) {
      const load = loadavg()[0] ?? 0;
      const measurement = await measure(pair, tool, round, { ...options, database: source.name }, async () => {
        if (judged.has(tool.name)) return undefined;
        judged.add(tool.name);
        return await judgeTarget(pair, source.name, expected);
      });
      measurements.push(measurement);
      const outcome = measurement.failure === undefined ? `${measurement.wallSeconds.toFixed(2)} s` : `FAILED: ${measurement.failure}`;
      say(`${round > 0 ? `round ${round}` : "warm-up"}  ${tool.name.padEnd(12)} ${outcome}  (load before: ${load.toFixed(2)})`);
    }
  }
  await dropDatabase(pair.source, source.name);
  await dropDatabase(pair.target, source.name);
  return { source, measurements };
}

/** Each tool's first result is compared with the source, outside of the measured time. */
async function judgeTarget(pair: ServerPair, database: string, expected: Fingerprint): Promise<string | undefined> {
  const found = differences(expected, await takeFingerprint(pair.target, database));
  if (found.length === 0) return undefined;
  return [`the result differs from the source in ${found.length} things:`, ...found.slice(0, 5)].join("\n  ");
}

/** pg_dump cannot read a server newer than itself, so it decides, unless told otherwise. */
async function chooseMajors(options: FullBenchOptions): Promise<{ source: Major; target: Major }> {
  const newest = MAJORS.at(-1) ?? 18;
  const client = await clientMajor();
  const common = MAJORS.findLast((major) => major <= (client ?? newest)) ?? newest;
  const source = options.sourceMajor ?? common;
  return { source, target: options.targetMajor ?? options.sourceMajor ?? common };
}

async function findTools(options: FullBenchOptions): Promise<(Tool | SkippedTool)[]> {
  const found: (Tool | SkippedTool)[] = [];
  if (options.only.includes("godwit")) found.push(godwit());
  if (options.only.includes("pg_dump")) for (const compression of options.peerCompress) found.push(await pgDump(compression));
  if (options.only.includes("pgcopydb")) found.push(await pgcopydb(options.peerSplit));
  return found;
}

function describeSize(source: SourceDatabase): string {
  return `${(source.diskBytes / 1e6).toFixed(0)} MB on disk, ${(source.tableBytes / 1e6).toFixed(0)} MB of it heap and TOAST (what MB/s counts)`;
}
