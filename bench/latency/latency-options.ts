import { FOLLOWER_PARSE_OPTIONS, FOLLOWER_USAGE, type FollowerOptions, followerOptions } from "../follower-options.ts";
import { STRING, integer, list, number, parseStrictly } from "../option-values.ts";

/** Transactions per second of all clients together, or as many as the source takes. */
export type Rate = number | "max";

export interface LatencyBenchOptions extends FollowerOptions {
  readonly rates: readonly Rate[];
  readonly clients: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

export const LATENCY_USAGE = `npm run bench -- latency [options]

Clients write at the source, and another looks at the target all the time: how long after its commit is a transaction visible there? Godwit and native,
in turn at each rate, round after round, between two embedded servers.

  --rates N[,N]             transactions per second, or max: no pause between them (default 100,500,1000,max)
  --clients N               connections that write (default 8)
  --seconds N               that are counted, at each rate (default 10)
  --warm-up-seconds N       of the same writing before, not counted (default 2)
  --rounds N                (default 3)
  --only TOOL[,TOOL]        of godwit, native (default: both)
${FOLLOWER_USAGE}`;

/** Parses what follows `latency`. Throws `usage`. */
export function parseLatencyBenchOptions(args: readonly string[]): LatencyBenchOptions {
  const values = parseStrictly(args, {
    ...FOLLOWER_PARSE_OPTIONS,
    only: { ...STRING, default: "godwit,native" },
    rates: { ...STRING, default: "100,500,1000,max" },
    clients: { ...STRING, default: "8" },
    seconds: { ...STRING, default: "10" },
    "warm-up-seconds": { ...STRING, default: "2" },
  });
  return {
    // pgcopydb applies file by file, as WAL segments fill: that is not made for being near.
    ...followerOptions({ ...values, only: list("--only", values.only, ["godwit", "native"]).join(",") }),
    rates: values.rates.split(",").map((rate) => (rate === "max" ? rate : number("--rates", rate, 1))),
    clients: integer("--clients", values.clients, 1),
    seconds: number("--seconds", values.seconds, 0.1),
    warmUpSeconds: number("--warm-up-seconds", values["warm-up-seconds"], 0),
  };
}
