import { availableParallelism } from "node:os";
import type { Major } from "../../src/embedded/binaries.ts";
import { FLAG, STRING, integer, list, major, number, parseStrictly } from "../option-values.ts";
import { SHAPES, type ShapeName } from "../shapes/shape.ts";

export const FULL_USAGE = `npm run bench -- full [options]

Moves the same database with Godwit and with its peers, in turn, round after round, between two embedded servers.

  --shape NAME[,NAME]       mixed (default), huge, tiny, or all
  --scale N                 1 (default): about 1 GB on disk for mixed and huge, 5,000 tables for tiny
  --rounds N                counted rounds (default 3)
  --warm-ups N              rounds before, not counted (default 1)
  --jobs N                  jobs, lanes, --concurrency of every tool (default: this machine's cores)
  --only TOOL[,TOOL]        of godwit, pg_dump, pgcopydb (default: all that are installed)
  --peer-compress N[,N]     pg_dump's compression: 0 (default) … 9, or "default"; several: each is a peer
  --peer-split SIZE         pgcopydb's --split-tables-larger-than (default 200MB; "none")
  --analyze                 ANALYZE is part of the work (default: left out where the tool can leave it out)
  --source-major N          default: the newest that the pg_dump on the PATH can read
  --target-major N          default: the same
  --timeout SECONDS         for one command of a tool (default 1800)
  --save                    write the figures to bench/results/`;

const TOOLS = ["godwit", "pg_dump", "pgcopydb"] as const;
type ToolName = (typeof TOOLS)[number];

export interface FullBenchOptions {
  readonly shapes: readonly ShapeName[];
  readonly scale: number;
  readonly rounds: number;
  readonly warmUps: number;
  readonly jobs: number;
  readonly only: readonly ToolName[];
  readonly peerCompress: readonly string[];
  readonly peerSplit: string | undefined;
  readonly analyze: boolean;
  readonly sourceMajor: Major | undefined;
  readonly targetMajor: Major | undefined;
  readonly timeoutMs: number;
  readonly save: boolean;
}

/** Parses what follows `full`. Throws `usage`. */
export function parseFullBenchOptions(args: readonly string[]): FullBenchOptions {
  const values = parseStrictly(args, {
    shape: { ...STRING, default: "mixed" },
    scale: { ...STRING, default: "1" },
    rounds: { ...STRING, default: "3" },
    "warm-ups": { ...STRING, default: "1" },
    jobs: { ...STRING, default: String(availableParallelism()) },
    only: { ...STRING, default: TOOLS.join(",") },
    "peer-compress": { ...STRING, default: "0" },
    "peer-split": { ...STRING, default: "200MB" },
    analyze: FLAG,
    "source-major": STRING,
    "target-major": STRING,
    timeout: { ...STRING, default: "1800" },
    save: FLAG,
  });
  return {
    shapes: list("--shape", values.shape, Object.keys(SHAPES) as ShapeName[]),
    scale: number("--scale", values.scale, 0.001),
    rounds: integer("--rounds", values.rounds, 1),
    warmUps: integer("--warm-ups", values["warm-ups"], 0),
    jobs: integer("--jobs", values.jobs, 1),
    only: list("--only", values.only, TOOLS),
    peerCompress: list("--peer-compress", values["peer-compress"], ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "default"]),
    peerSplit: values["peer-split"] === "none" ? undefined : values["peer-split"],
    analyze: values.analyze,
    sourceMajor: major("--source-major", values["source-major"]),
    targetMajor: major("--target-major", values["target-major"]),
    timeoutMs: number("--timeout", values.timeout, 1) * 1000,
    save: values.save,
  };
}
