import { describeEndpoint } from "../../wire/endpoint.ts";
import { type Check, type CheckItem, found, passed, readableBytes } from "../check.ts";
import type { CheckContext, DatabaseToCheck } from "../context.ts";
import { type FreeSpace, readFreeSpace } from "../free-space.ts";
import { databaseScope } from "../scope.ts";

/** For WAL, and temporary files of index builds. */
const HEADROOM = 1.2;
/** What the source's tables may be larger by than the target's, at most: bloat, and file systems that compress. */
const MOST_BLOAT = 10;

/**
 * PostgreSQL tells nobody how much room its disks have: where the target is on another machine this item tells how much is needed, and passes. Sizes are those at the
 * source, bloat and all, so only what no bloat explains blocks.
 */
export const targetSpace: Check = {
  id: "target-space",
  title: "Space on the target",
  about: `Tells how much is needed: the size at the source and a fifth. How much is free no SQL reveals; where the target runs on this machine, and its data directory may be read, the operating system does. Then alarm: less than that is free. Failed: less than a tenth of the size at the source. Not where tablespaces are mapped.`,
  run: async (context) => {
    const free = await readJudgedSpace(context);
    const bytes = context.databases.reduce((sum, database) => sum + sizeOf(database, context), 0);
    if (free === undefined || free.bytes >= bytes * HEADROOM) return context.databases.map((database) => tell(database, context, free));
    return [lacks(free, bytes, context)];
  },
};

/** undefined: not known, or what is free there says nothing, because tables go elsewhere or are there already. */
async function readJudgedSpace({ target, databases, options }: CheckContext): Promise<FreeSpace | undefined> {
  if (Object.keys(options.tablespaceMap).length > 0 || databases.some(({ isBegun }) => isBegun)) return undefined;
  return await readFreeSpace(target);
}

function tell(database: DatabaseToCheck, context: CheckContext, free: FreeSpace | undefined): CheckItem {
  if (context.options.type === "structure") return passed(targetSpace, databaseScope(database.plan), ["structure only: a few megabytes"]);
  const known = free === undefined ? "SQL does not reveal how much is free" : `${readableBytes(free.bytes)} are free in ${free.directory}`;
  return passed(targetSpace, databaseScope(database.plan), [`about ${readableBytes(sizeOf(database, context) * HEADROOM)} needed; ${known}`]);
}

function lacks({ bytes: free, directory }: FreeSpace, bytes: number, { target }: CheckContext): CheckItem {
  return found(targetSpace, describeEndpoint(target.endpoint), free < bytes / MOST_BLOAT ? "failed" : "alarm", {
    evidence: [`about ${readableBytes(bytes * HEADROOM)} needed, ${readableBytes(free)} free in ${directory}`],
    why: "A server whose disk is full stops, and with it whatever else it does: the copy would end in the middle.",
    fix: "Free or add room there, move fewer objects, or, where the source's tables are mostly bloat, accept the alarm.",
  });
}

function sizeOf({ plan }: DatabaseToCheck, { options }: CheckContext): number {
  if (options.type === "structure") return 0;
  const moving = plan.catalog.relations.filter((relation) => plan.selection.isSelected(relation));
  return moving.reduce((sum, relation) => sum + relation.bytes + relation.indexBytes, 0);
}
