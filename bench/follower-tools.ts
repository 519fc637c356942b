import type { FollowerOptions } from "./follower-options.ts";
import type { ServerPair } from "./servers.ts";
import type { FollowerTool } from "./tools/follower.ts";
import { godwitFollower } from "./tools/godwit-follower.ts";
import { nativeReplication } from "./tools/native-replication.ts";
import { pgcopydbFollow } from "./tools/pgcopydb-follow.ts";
import type { SkippedTool } from "./tools/tool.ts";

/** The tools that are asked for, in the order of the report: the first is compared with the others. */
export async function findFollowerTools(pair: ServerPair, options: FollowerOptions): Promise<(FollowerTool | SkippedTool)[]> {
  const found: (FollowerTool | SkippedTool)[] = [];
  if (options.only.includes("godwit")) found.push(godwitFollower(options.jobs));
  if (options.only.includes("native")) for (const streaming of options.nativeStreaming) found.push(nativeReplication(pair, streaming));
  if (options.only.includes("pgcopydb")) found.push(await pgcopydbFollow(pair));
  return found;
}
