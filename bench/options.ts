import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { MAJORS, type Major } from "../src/embedded/binaries.ts";
import { GodwitError } from "../src/errors/godwit-error.ts";
import { SHAPES, type ShapeName } from "./shapes/shape.ts";

export const USAGE = `npm run bench -- full [options]

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
  const string = { type: "string" } as const;
  const flag = { type: "boolean", default: false } as const;
  const { values } = strictly(() =>
    parseArgs({
      args: [...args],
      options: {
        shape: { ...string, default: "mixed" },
        scale: { ...string, default: "1" },
        rounds: { ...string, default: "3" },
        "warm-ups": { ...string, default: "1" },
        jobs: { ...string, default: String(availableParallelism()) },
        only: { ...string, default: TOOLS.join(",") },
        "peer-compress": { ...string, default: "0" },
        "peer-split": { ...string, default: "200MB" },
        analyze: flag,
        "source-major": string,
        "target-major": string,
        timeout: { ...string, default: "1800" },
        save: flag,
      },
    }),
  );
  return {
    shapes: values.shape === "all" ? (Object.keys(SHAPES) as ShapeName[]) : list("--shape", values.shape, Object.keys(SHAPES) as ShapeName[]),
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

function strictly<Result>(parse: () => Result): Result {
  try {
    return parse();
  } catch (error) {
    throw wrong(error instanceof Error ? error.message : String(error));
  }
}

function list<Word extends string>(option: string, text: string, allowed: readonly Word[]): Word[] {
  return text.split(",").map((word) => {
    const known = allowed.find((candidate) => candidate === word);
    if (known === undefined) throw wrong(`${option}: "${word}" is not one of ${allowed.join(", ")}`);
    return known;
  });
}

function number(option: string, text: string, least: number): number {
  const value = Number(text);
  if (!(value >= least)) throw wrong(`${option}: "${text}" is not a number of at least ${least}`);
  return value;
}

function integer(option: string, text: string, least: number): number {
  const value = number(option, text, least);
  if (!Number.isInteger(value)) throw wrong(`${option}: "${text}" is not a whole number`);
  return value;
}

function major(option: string, text: string | undefined): Major | undefined {
  if (text === undefined) return undefined;
  const known = MAJORS.find((candidate) => String(candidate) === text);
  if (known === undefined) throw wrong(`${option}: "${text}" is not one of ${MAJORS.join(", ")}`);
  return known;
}

function wrong(message: string): GodwitError {
  return new GodwitError("usage", message, { advice: "npm run bench -- --help lists the options" });
}
