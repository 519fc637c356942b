import { GodwitError } from "../src/errors/godwit-error.ts";
import { benchApply } from "./apply/apply.ts";
import { APPLY_USAGE, parseApplyBenchOptions } from "./apply/apply-options.ts";
import { benchFull } from "./full/full.ts";
import { FULL_USAGE, parseFullBenchOptions } from "./full/full-options.ts";
import { benchLatency } from "./latency/latency.ts";
import { LATENCY_USAGE, parseLatencyBenchOptions } from "./latency/latency-options.ts";

interface Benchmark {
  readonly usage: string;
  /** Returns whether every tool did its work right. */
  run(args: readonly string[], command: string): Promise<boolean>;
}

const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  full: { usage: FULL_USAGE, run: async (args, command) => await benchFull(parseFullBenchOptions(args), command) },
  apply: { usage: APPLY_USAGE, run: async (args, command) => await benchApply(parseApplyBenchOptions(args), command) },
  latency: { usage: LATENCY_USAGE, run: async (args, command) => await benchLatency(parseLatencyBenchOptions(args), command) },
};

const [kind = "--help", ...args] = process.argv.slice(2);
const benchmark = BENCHMARKS[kind];
if (kind === "--help" || (benchmark !== undefined && args.includes("--help"))) {
  const usages = benchmark === undefined ? Object.values(BENCHMARKS).map(({ usage }) => usage) : [benchmark.usage];
  process.stdout.write(`${usages.join("\n\n")}\n`);
} else {
  try {
    if (benchmark === undefined)
      throw new GodwitError("usage", `"${kind}" is no benchmark: there are ${Object.keys(BENCHMARKS).join(", ")}`, { advice: "npm run bench -- --help" });
    process.exitCode = (await benchmark.run(args, `npm run bench -- ${process.argv.slice(2).join(" ")}`)) ? 0 : 1;
  } catch (error) {
    if (!(error instanceof GodwitError)) throw error;
    process.stderr.write(`${error.message}\n${error.advice}\n`);
    process.exitCode = error.exitCode;
  }
}
