import type { Chunk, CopyTable } from "../copy/chunk.ts";
import { keyConditions } from "../copy/key-bounds.ts";
import { keyRanges } from "../copy/key-ranges.ts";
import type { DatabasePlan } from "../plan/database-plan.ts";
import { followsChanges } from "../plan/migration-type.ts";
import { type Cut, copyTables, ctidConditions, partsOf, planChunks } from "../plan/plan-chunks.ts";
import type { RunContext } from "./run-context.ts";

/** What of a database's data is to be copied, in which pieces. */
export interface CopyPlan {
  readonly tables: readonly CopyTable[];
  /** To be copied now. */
  readonly chunks: readonly Chunk[];
  /** There already: an earlier run copied them. */
  readonly kept: readonly Chunk[];
}

export const NOTHING_TO_COPY: CopyPlan = { tables: [], chunks: [], kept: [] };

/** `GODWIT_PART_BYTES`: only tests set it, whose tables are small. */
const leastPartBytes = process.env["GODWIT_PART_BYTES"];

/** Everything, from the beginning. */
export async function planCopy(plan: DatabasePlan, { lanes, options }: Pick<RunContext, "lanes" | "options">): Promise<CopyPlan> {
  const tables = copyTables(plan.catalog, plan.selection.isSelected);
  const pages = new Map(plan.catalog.relations.map((relation) => [relation.oid, relation.pages]));
  const cuts = new Map<string, readonly Cut[]>();
  const prefersRanges = followsChanges(options.type);
  for (const [oid, parts] of partsOf(tables, lanes, leastPartBytes === undefined ? undefined : Number(leastPartBytes))) {
    const ranges = prefersRanges ? await keyRanges(plan.snapshot.session, oid, parts) : [];
    const cut = ranges.length > 1 ? ranges : await conditionsOf(plan, oid, pages.get(oid) ?? 0, parts);
    if (cut.length > 1) cuts.set(oid, cut);
  }
  return { tables, chunks: planChunks(tables, cuts), kept: [] };
}

/** By ctid where the server can scan ranges of it, else by a key. */
async function conditionsOf({ catalog, snapshot }: DatabasePlan, oid: string, pages: number, parts: number): Promise<Cut[]> {
  const conditions = catalog.database.versionNum >= 140000 ? ctidConditions(pages, parts) : await keyConditions(snapshot.session, oid, parts);
  return conditions.map((condition) => ({ condition }));
}
