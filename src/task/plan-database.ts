import type { Relation } from "../catalog/catalog.ts";
import { readCatalog } from "../catalog/read-catalog.ts";
import { readDependencies } from "../catalog/read-dependencies.ts";
import { readIndexes } from "../catalog/read-indexes.ts";
import { exportSnapshot } from "../copy/snapshot.ts";
import type { DatabasePlan } from "../plan/database-plan.ts";
import { selectObjects } from "../plan/select-objects.ts";
import { dumpStructure } from "../structure/dump.ts";
import { parseDump } from "../structure/parse-dump.ts";
import { findRemovedFeatures, rewriteEntries } from "../structure/rewrite/index.ts";
import type { Endpoint } from "../wire/endpoint.ts";
import type { MigrationOptions } from "./options.ts";

export interface PlanRequest {
  readonly source: Endpoint;
  readonly target: Endpoint;
  readonly createTarget: boolean;
  readonly targetVersionNum: number;
}

/** Reads one source database, all under one snapshot, and decides what moves. Writes nothing anywhere. */
export async function planDatabase(request: PlanRequest, options: MigrationOptions, signal: AbortSignal): Promise<DatabasePlan> {
  const snapshot = await exportSnapshot(request.source);
  try {
    const { session } = snapshot;
    const catalog = await readCatalog(session);
    const indexes = await readIndexes(session);
    const dump = await dumpStructure(
      request.source,
      {
        // A standby before 10 cannot share its snapshot, nor can 9.4 and 9.5 by pg_dump's --snapshot; see exportSnapshot.
        snapshot: snapshot.id,
        publications: options.publications,
        noOwner: options.noOwner,
        noPrivileges: options.noPrivileges,
        program: options.pgDump,
      },
      signal,
    );
    const everything = parseDump(dump);
    const isPartial = options.include.length > 0 || options.exclude.length > 0;
    const selection = selectObjects({ catalog, entries: everything, indexes, dependencies: isPartial ? await readDependencies(session) : [], include: options.include, exclude: options.exclude });
    const versions = {
      sourceVersionNum: session.versionNum,
      targetVersionNum: request.targetVersionNum,
      wholeDatabase: !isPartial,
      noOwner: options.noOwner,
      noPrivileges: options.noPrivileges,
    };
    const rewritten = await rewriteEntries(selection.entries, versions);
    const removed = await findRemovedFeatures(session, versions);
    return {
      ...request,
      snapshot,
      catalog,
      indexes,
      selection,
      entries: rewritten.entries,
      rewriteNotes: rewritten.notes,
      impossible: [...rewritten.impossible, ...removed],
      [Symbol.asyncDispose]: async () => await snapshot[Symbol.asyncDispose](),
    };
  } catch (error) {
    await snapshot[Symbol.asyncDispose]();
    throw error;
  }
}

/** The relations that move, of one kind. */
export function selectedRelations(plan: DatabasePlan, kind: Relation["kind"]): Relation[] {
  return plan.catalog.relations.filter((relation) => relation.kind === kind && relation.extension === undefined && plan.selection.isSelected(relation));
}
