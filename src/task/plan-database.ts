import { type Catalog, displayName, type Relation } from "../catalog/catalog.ts";
import { namingForeignBytes } from "../catalog/foreign-bytes.ts";
import { readCatalog } from "../catalog/read-catalog.ts";
import { readDependencies, readExtensionMembers } from "../catalog/read-dependencies.ts";
import { type IndexFacts, readIndexes } from "../catalog/read-indexes.ts";
import { unreadableRelations } from "../catalog/read-unreadable.ts";
import { readComputingSettings } from "../copy/computing-settings.ts";
import { EXPORTS_WITHOUT_XID_SINCE, exportSnapshot, holdSnapshot, requireSnapshot, type Snapshot } from "../copy/snapshot.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import type { DatabasePlan } from "../plan/database-plan.ts";
import { followsChanges } from "../plan/migration-type.ts";
import { choosesObjects } from "../plan/object-pattern.ts";
import { selectObjects } from "../plan/select-objects.ts";
import { dumpStructure } from "../structure/dump.ts";
import type { Entry } from "../structure/entry.ts";
import { withIdentityTypes } from "../structure/identity-sequences.ts";
import { readLockTable, settingFor } from "../structure/lock-table.ts";
import { mapTablespaces, tablespaceOf } from "../structure/map-tablespaces.ts";
import { parseDump } from "../structure/parse-dump.ts";
import { bringTablesForward } from "../structure/postponed.ts";
import { grantSchemasFirst } from "../structure/schema-rights.ts";
import { findRemovedFeatures, rewriteEntries, withInheritedNulls } from "../structure/rewrite/index.ts";
import { describeEndpoint, type Endpoint } from "../wire/endpoint.ts";
import type { Session } from "../wire/session.ts";
import type { MigrationOptions } from "../plan/migration-options.ts";
import { refuseOtherNames, refuseRewritten } from "./source-unchanged.ts";

export interface PlanRequest {
  readonly source: Endpoint;
  readonly target: Endpoint;
  readonly createTarget: boolean;
  readonly targetVersionNum: number;
}

/** Reads one source database, all under one snapshot, and decides what moves. Writes nothing anywhere. */
export async function planDatabase(request: PlanRequest, options: MigrationOptions, signal: AbortSignal): Promise<DatabasePlan> {
  const snapshot = await exportSnapshot(request.source, { signal });
  try {
    const { session } = snapshot;
    const { catalog, indexes, dump } = await readAll(request.source, snapshot, options, signal);
    const everything = parseDump(dump);
    const isPartial = choosesObjects([...options.include, ...options.exclude]);
    const selection = selectObjects({
      catalog,
      entries: everything,
      indexes,
      dependencies: isPartial ? await readDependencies(session) : [],
      members: isPartial ? await readExtensionMembers(session) : [],
      include: options.include,
      exclude: options.exclude,
    });
    // What is followed is copied under a later snapshot.
    if (!followsChanges(options.type)) await refuseRewritten(snapshot, catalog, selection.isSelected);
    const versions = {
      sourceVersionNum: session.versionNum,
      targetVersionNum: request.targetVersionNum,
      wholeDatabase: !isPartial,
      noOwner: options.noOwner,
      noPrivileges: options.noPrivileges,
    };
    const complete = await withIdentityTypes(session, await withInheritedNulls(session, grantSchemasFirst(selection.entries)));
    const rewritten = await rewriteEntries(await bringTablesForward(session, complete), versions);
    const moving = new Set(selection.entries.map(entryId));
    const removed = await findRemovedFeatures(session, versions, (entry) => !isPartial || moving.has(entryId(entry)));
    const computing = await readComputingSettings(session);
    const held = followsChanges(options.type) && session.versionNum < EXPORTS_WITHOUT_XID_SINCE ? await withoutXid(snapshot, catalog, selection.isSelected, signal) : snapshot;
    return {
      ...request,
      snapshot: held,
      catalog,
      indexes,
      selection,
      entries: mapTablespaces(rewritten.entries, options.tablespaceMap),
      tablespaces: countTablespaces(rewritten.entries),
      computing,
      rewriteNotes: rewritten.notes,
      impossible: [...rewritten.impossible, ...removed],
      [Symbol.asyncDispose]: async () => await held[Symbol.asyncDispose](),
    };
  } catch (error) {
    await snapshot[Symbol.asyncDispose]();
    throw error;
  }
}

function entryId({ catalogOid, oid }: Pick<Entry, "catalogOid" | "oid">): string {
  return `${catalogOid} ${oid}`;
}

/** What is followed is copied under the slot's snapshot, for which this one would be in the way: another one that nobody shares, in which all is called the same, takes its place. */
async function withoutXid(exported: Snapshot, { relations }: Catalog, isSelected: (relation: Relation) => boolean, signal: AbortSignal): Promise<Snapshot> {
  const held = await holdSnapshot(exported.session.endpoint, { signal });
  try {
    const tables = relations.filter((relation) => relation.kind === "table" && isSelected(relation));
    if (tables.length > 0) await refuseOtherNames(exported.session, held.session, tables);
    await exported[Symbol.asyncDispose]();
    return held;
  } catch (error) {
    await held[Symbol.asyncDispose]();
    throw error;
  }
}

/** More than these, and nobody needs a list of what else stands in the way. */
const MOST_UNREADABLE = 1000;

interface SourceFacts {
  readonly catalog: Catalog;
  readonly indexes: Map<string, IndexFacts>;
  /** pg_dump's script. */
  readonly dump: string;
}

/**
 * All under the snapshot. pg_dump, in a session of its own, and our own queries take about as long as each other: both run at once.
 * Tables that the account may not read are left out of the dump, which would fail on the first one; if one of them is selected, the
 * precheck says so (source-privileges).
 */
async function readAll(source: Endpoint, snapshot: Snapshot, options: MigrationOptions, signal: AbortSignal): Promise<SourceFacts> {
  const { id, session } = snapshot;
  const leaveOut = await namingForeignBytes(source, async () => await unreadableRelations(session));
  if (leaveOut.length > MOST_UNREADABLE) {
    const shown = leaveOut.slice(0, 5).map(displayName).join(", ");
    throw new GodwitError("privilege-missing", `${describeEndpoint(source)}: the account cannot read ${leaveOut.length} tables and sequences: ${shown} …`, {
      object: displayName(leaveOut[0]!),
    });
  }
  const { publications, noOwner, noPrivileges, pgDump } = options;
  const failed = new AbortController();
  const readFacts = async (): Promise<Omit<SourceFacts, "dump">> => {
    try {
      return { catalog: await readCatalog(session), indexes: await readIndexes(session) };
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  };
  const [facts, dump] = await Promise.allSettled([
    readFacts(),
    // A standby before 10 cannot share its snapshot, nor can 9.4 and 9.5 by pg_dump's --snapshot; see exportSnapshot.
    dumpStructure(source, { snapshot: id, publications, noOwner, noPrivileges, leaveOut, program: pgDump }, AbortSignal.any([signal, failed.signal])),
  ]);
  if (facts.status === "rejected") {
    signal.throwIfAborted();
    await requireSnapshot(snapshot);
    throw facts.reason;
  }
  if (dump.status === "fulfilled") return { ...facts.value, dump: dump.value };
  signal.throwIfAborted();
  await requireSnapshot(snapshot); // pg_dump only says that it does not know it
  throw await explainDumpError(dump.reason, session, facts.value.catalog);
}

async function explainDumpError(error: unknown, session: Session, catalog: Catalog): Promise<unknown> {
  if (!(error instanceof GodwitError) || error.code !== "lock-table-full") return error;
  const lockTable = await readLockTable(session);
  const tables = catalog.relations.filter(({ kind }) => kind === "table" || kind === "partitionedTable").length;
  return new GodwitError("lock-table-full", `${error.message}; ${tables} tables are to be locked, the lock table holds ${lockTable.slots} objects`, {
    advice: `Set max_locks_per_transaction to ${settingFor(tables, lockTable)} at the source (now ${lockTable.perTransaction}) and restart it, then run the same command again.`,
    cause: error,
  });
}

function countTablespaces(entries: readonly Entry[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const entry of entries) {
    const name = tablespaceOf(entry);
    if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

/** Selected sequences, and those that an extension registered as its configuration (their values are the user's). */
export function sequencesToSet(plan: DatabasePlan): Relation[] {
  const configured = new Set(plan.catalog.extensions.flatMap(({ configTables }) => configTables.map(({ relationOid }) => relationOid)));
  const ofExtensions = plan.catalog.relations.filter((relation) => relation.kind === "sequence" && configured.has(relation.oid) && plan.selection.isSelected(relation));
  return [...selectedRelations(plan, "sequence"), ...ofExtensions];
}

/** The relations that move, of one kind. */
export function selectedRelations(plan: DatabasePlan, kind: Relation["kind"]): Relation[] {
  return plan.catalog.relations.filter((relation) => relation.kind === kind && relation.extension === undefined && plan.selection.isSelected(relation));
}
