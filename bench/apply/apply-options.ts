import { BACKLOGS, type BacklogName } from "./backlogs/backlog.ts";
import { FOLLOWER_PARSE_OPTIONS, FOLLOWER_USAGE, type FollowerOptions, followerOptions } from "../follower-options.ts";
import { STRING, integer, list, number, parseStrictly } from "../option-values.ts";

export interface ApplyBenchOptions extends FollowerOptions {
  readonly shapes: readonly BacklogName[];
  readonly scale: number;
  readonly warmUps: number;
}

export const APPLY_USAGE = `npm run bench -- apply [options]

Lets changes gather at the source while nobody reads them, then measures how fast Godwit and its peers apply them, in turn, round after round,
between two embedded servers.

  --shape NAME[,NAME]       ${Object.keys(BACKLOGS).join(", ")}; all (default)
  --scale N                 1 (default): 800,000 transactions, 2,000 of 1,000 rows, 1,600,000 wide rows, one of 2M rows: what takes some seconds
  --rounds N                counted rounds (default 3)
  --warm-ups N              rounds before, not counted (default 0)
  --only TOOL[,TOOL]        of godwit, native, pgcopydb (default: all that can work here)
${FOLLOWER_USAGE}`;

/** Parses what follows `apply`. Throws `usage`. */
export function parseApplyBenchOptions(args: readonly string[]): ApplyBenchOptions {
  const values = parseStrictly(args, {
    ...FOLLOWER_PARSE_OPTIONS,
    shape: { ...STRING, default: "all" },
    scale: { ...STRING, default: "1" },
    "warm-ups": { ...STRING, default: "0" },
  });
  return {
    ...followerOptions(values),
    shapes: list("--shape", values.shape, Object.keys(BACKLOGS) as BacklogName[]),
    scale: number("--scale", values.scale, 0.001),
    warmUps: integer("--warm-ups", values["warm-ups"], 0),
  };
}
