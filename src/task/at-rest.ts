import { followsChanges } from "../plan/migration-type.ts";
import type { Task } from "./task-record.ts";

/** What it means for the source that a task which follows changes has begun and no run is at work for it; "" for others. A sentence for people. */
export function unattended({ state, startedAt, isHeld, options }: Pick<Task, "state" | "startedAt" | "isHeld" | "options">): string {
  if (startedAt === null || isHeld || !followsChanges(options.type) || (state !== "paused" && state !== "failed")) return "";
  return "If its slot is there already, then until it goes on the source keeps WAL for it, and refuses updates and deletes of a partition that is made there without a key (ALTER TABLE … REPLICA IDENTITY FULL lets them).";
}
