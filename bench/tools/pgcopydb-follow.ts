import type { ServerPair } from "../servers.ts";
import type { FollowerTool } from "./follower.ts";
import type { SkippedTool } from "./tool.ts";
export async function pgcopydbFollow(_pair: ServerPair): Promise<FollowerTool | SkippedTool> {
  return { name: "pgcopydb", skipped: "not yet" };
}
