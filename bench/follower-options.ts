import { availableParallelism } from "node:os";
import { MAJORS, type Major } from "../src/embedded/binaries.ts";
import { FLAG, STRING, integer, list, major, number, wrong } from "./option-values.ts";
import type { NativeStreaming } from "./tools/native-replication.ts";

const FOLLOWER_TOOLS = ["godwit", "native", "pgcopydb"] as const;
type FollowerToolName = (typeof FOLLOWER_TOOLS)[number];

const NATIVE_STREAMING = ["on", "parallel", "off"] as const satisfies readonly NativeStreaming[];

/** What `apply` and `latency` both take. */
export interface FollowerOptions {
  readonly rounds: number;
  readonly jobs: number;
  readonly only: readonly FollowerToolName[];
  readonly nativeStreaming: readonly NativeStreaming[];
  readonly sourceMajor: Major;
  readonly targetMajor: Major;
  /** Where output plugins are that the embedded servers have not. */
  readonly pluginDirectory: string;
  readonly timeoutMs: number;
  readonly save: boolean;
}

/** The help of `FOLLOWER_PARSE_OPTIONS`. */
export const FOLLOWER_USAGE = `  --jobs N                  --concurrency of Godwit (default: this machine's cores)
  --native-streaming X[,X]  streaming of native's subscription: on (default), parallel, off; several: each is a peer
  --source-major N          11 … 18 (default 18)
  --target-major N          default: the source's
  --plugin-dir DIR          with wal2json.so for the source's major (default: where Debian puts it)
  --timeout SECONDS         for one run of a tool (default 900)
  --save                    write the figures to bench/results/`;

export const FOLLOWER_PARSE_OPTIONS = {
  rounds: { ...STRING, default: "3" },
  jobs: { ...STRING, default: String(availableParallelism()) },
  only: { ...STRING, default: FOLLOWER_TOOLS.join(",") },
  "native-streaming": { ...STRING, default: "on" },
  "source-major": { ...STRING, default: String(MAJORS.at(-1)) },
  "target-major": STRING,
  "plugin-dir": STRING,
  timeout: { ...STRING, default: "900" },
  save: FLAG,
} as const;

/** The oldest server that makes transactions inside a procedure: what a backlog is made by. */
const OLDEST_SOURCE = 11;

interface FollowerValues {
  readonly rounds: string;
  readonly jobs: string;
  readonly only: string;
  readonly "native-streaming": string;
  readonly "source-major": string;
  readonly "target-major"?: string | undefined;
  readonly "plugin-dir"?: string | undefined;
  readonly timeout: string;
  readonly save: boolean;
}

/** Parses the values of `FOLLOWER_PARSE_OPTIONS`. Throws `usage`. */
export function followerOptions(values: FollowerValues): FollowerOptions {
  const newest = MAJORS.at(-1) ?? 18;
  const sourceMajor = major("--source-major", values["source-major"]) ?? newest;
  if (sourceMajor < OLDEST_SOURCE) throw wrong(`--source-major: changes are made by a procedure that commits, which PostgreSQL ${OLDEST_SOURCE} can first`);
  return {
    rounds: integer("--rounds", values.rounds, 1),
    jobs: integer("--jobs", values.jobs, 1),
    only: list("--only", values.only, FOLLOWER_TOOLS),
    nativeStreaming: list("--native-streaming", values["native-streaming"], NATIVE_STREAMING),
    sourceMajor,
    targetMajor: major("--target-major", values["target-major"]) ?? sourceMajor,
    pluginDirectory: values["plugin-dir"] ?? `/usr/lib/postgresql/${sourceMajor}/lib`,
    timeoutMs: number("--timeout", values.timeout, 1) * 1000,
    save: values.save,
  };
}
