import { displayName } from "../catalog/catalog.ts";
import { type Chunk, chunkBytes } from "../copy/chunk.ts";
import { copyChunk } from "../copy/copy-chunk.ts";
import { keyConditions } from "../copy/key-bounds.ts";
import { WorkQueue } from "../copy/lanes.ts";
import { copyLargeObjects } from "../copy/large-objects.ts";
import { createLedger, dropLedger } from "../copy/ledger.ts";
import { refreshMaterializedViews } from "../copy/materialized-views.ts";
import { readSequences, setSequences } from "../copy/sequences.ts";
import { openUnderSnapshot } from "../copy/snapshot.ts";
import { choosesObjects } from "../plan/object-pattern.ts";
import { copyTables, ctidConditions, partsOf, planChunks } from "../plan/plan-chunks.ts";
import { applyEntries, prepareForEntries } from "../structure/apply-entries.ts";
import type { Entry } from "../structure/entry.ts";
import { type BuildJob, planPostData } from "../structure/post-data.ts";
import { type Session, openSession } from "../wire/session.ts";
import { refreshStatistics } from "./analyze.ts";
import { runBuild } from "./build.ts";
import type { MigrationProgress, Report } from "./events.ts";
import { InterruptibleSessions } from "./interruptible-sessions.ts";
import type { MigrationOptions } from "./options.ts";
import type { DatabasePlan } from "../plan/database-plan.ts";
import { selectedRelations } from "./plan-database.ts";

/** What a run needs besides its plan. */
export interface RunContext {
  readonly options: MigrationOptions;
  readonly lanes: number;
  readonly report: Report;
  readonly progress: MigrationProgress;
  readonly signal: AbortSignal;
}

/** What one database's run did. */
export interface DatabaseResult {
  readonly tables: number;
  readonly rows: number;
  readonly bytes: number;
  readonly indexes: number;
  readonly constraints: number;
  readonly sequences: number;
  readonly largeObjects: number;
  readonly materializedViews: number;
}

/**
 * Moves one database: structure before the data, the data, indexes and constraints, what cannot be copied but must be
 * computed, statistics. Reads from top to bottom as it happens; the plan's snapshot is let go as soon as the data is there.
 */
export async function runDatabase(plan: DatabasePlan, context: RunContext): Promise<DatabaseResult> {
  const { options, report, signal, progress } = context;
  const database = plan.catalog.database.name;
  await using sessions = new InterruptibleSessions(signal);
  const admin = await sessions.add(openSession(plan.target, { pipeline: true, settings: LANE_SETTINGS }));
  await prepareForEntries(admin);
  const post = planPostData(plan.entries.filter((entry) => entry.section === "post"), plan.indexes, tableBytesOfForeignKeys(plan));
  const onApplied = (entry: Entry): void => void report({ event: "object", database, kind: entry.type, name: nameOf(entry), seconds: 0 });

  await inStep(context, "structure", database, async () => {
    await applyEntries(admin, plan.entries.filter((entry) => entry.section === "pre"), onApplied, signal);
  });

  const moved = await copyAndBuild(plan, post.builds, context, sessions, admin);

  await inStep(context, "finish", database, async () => {
    await applyEntries(admin, post.rest, onApplied, signal);
    await runValidations(plan, post.validations, context, sessions);
  });
  const sequences = selectedRelations(plan, "sequence");
  const views = options.type === "full" ? selectedRelations(plan, "materializedView").filter((view) => view.isPopulated) : [];
  await inStep(context, "finish", database, async () => {
    if (options.type === "full") {
      await setSequences(admin, await readSequences(plan.snapshot.session, sequences));
      await refreshMaterializedViews(admin, views, (view) => report({ event: "object", database, kind: "MATERIALIZED VIEW DATA", name: displayName(view), seconds: 0 }), signal);
    }
  });
  if (options.type === "full" && options.statistics) {
    await inStep(context, "analyze", database, async () => await refreshStatistics(plan, context, sessions));
  }
  await applyEntries(admin, post.last, onApplied, signal);
  if (options.type === "full") {
    // Sessions commit without waiting for the disk; this one waits, and thereby for everything before it.
    await admin.query("set synchronous_commit = on");
    await dropLedger(admin);
  }
  progress.lanes.clear();
  return {
    ...moved,
    indexes: plan.entries.filter((entry) => entry.type === "INDEX").length,
    constraints: plan.entries.filter((entry) => /^(?:CHECK |FK )?CONSTRAINT$/.test(entry.type)).length,
    sequences: sequences.length,
    materializedViews: views.length,
  };
}

/**
 * Settings of sessions that write to the target. Losing the last moments of an unfinished migration in a crash of the target
 * costs nothing: the end of the run waits for the disk (see runDatabase).
 */
const LANE_SETTINGS: Readonly<Record<string, string>> = { synchronous_commit: "off", maintenance_work_mem: "256MB" };

type LaneJob = { readonly kind: "copy"; readonly chunk: Chunk } | { readonly kind: "build"; readonly build: BuildJob } | { readonly kind: "largeObjects" };

/** The data, then indexes, on the same lanes: a table's indexes begin when its rows are there and no copying is left to begin. */
async function copyAndBuild(
  plan: DatabasePlan,
  builds: readonly BuildJob[],
  context: RunContext,
  sessions: InterruptibleSessions,
  admin: Session,
): Promise<Pick<DatabaseResult, "tables" | "rows" | "bytes" | "largeObjects">> {
  const { options, report, signal, progress, lanes } = context;
  const database = plan.catalog.database.name;
  const isFull = options.type === "full";
  const tables = isFull ? copyTables(plan.catalog, plan.selection.isSelected) : [];
  const chunks = planChunks(tables, await cutConditions(plan, lanes));
  const queue = new WorkQueue<LaneJob>();
  const tablesOf = (chunk: Chunk): string[] => (chunk.kind === "part" ? [chunk.table.oid] : chunk.tables.map((table) => table.oid));
  for (const chunk of chunks) queue.expect(tablesOf(chunk));
  for (const chunk of chunks) queue.add({ kind: "copy", chunk });
  if (isFull && plan.catalog.largeObjects.count > 0 && !choosesObjects(options.include)) queue.add({ kind: "largeObjects" });
  for (const job of builds) queue.add({ kind: "build", build: job }, job.tableOid ?? "all");
  if (isFull) await createLedger(admin);

  progress.totalTables += tables.length;
  progress.totalBytes += tables.reduce((sum, table) => sum + table.bytes, 0);
  progress.totalIndexes += builds.reduce((sum, job) => sum + job.objects.length, 0);
  const result = { tables: tables.length, rows: 0, bytes: 0, largeObjects: 0 };
  let copying = chunks.length;
  const perTable = new Map<string, { rows: number; bytes: number; since: number }>();
  const steps = new StepPair(context, database, copying > 0);

  const laneSessions = Array.from({ length: lanes }, () => ({ source: undefined as Session | undefined, target: undefined as Session | undefined }));
  const target = async (lane: number): Promise<Session> => {
    const held = laneSessions[lane]!;
    held.target ??= await sessions.add(openSession(plan.target, { settings: LANE_SETTINGS }));
    return held.target;
  };
  const source = async (lane: number): Promise<Session> => {
    const held = laneSessions[lane]!;
    held.source ??= await sessions.add(openUnderSnapshot(plan.source, plan.snapshot.id));
    return held.source;
  };

  await queue.run(
    lanes,
    async (job, lane) => {
      const since = Date.now();
      if (job.kind === "build") {
        const { objects } = job.build;
        progress.lanes.set(lane, { doing: `index ${objects[0]}`, since });
        await runBuild(await target(lane), job.build, queue.readyJobs === 0);
        progress.doneIndexes += objects.length;
        for (const name of objects) report({ event: "object", database, kind: "INDEX", name, seconds: (Date.now() - since) / 1000 / objects.length });
      } else if (job.kind === "largeObjects") {
        progress.lanes.set(lane, { doing: "large objects", since });
        const { count, bytes } = await copyLargeObjects(await source(lane), await target(lane), { noOwner: options.noOwner, noPrivileges: options.noPrivileges }, signal);
        result.largeObjects = count;
        result.bytes += bytes;
      } else {
        const { chunk } = job;
        const counters = { bytes: 0, rows: 0 };
        const chunkTables = chunk.kind === "part" ? [chunk.table] : chunk.tables;
        progress.lanes.set(lane, { doing: chunkTables.length === 1 ? chunkTables[0]!.display : `${chunkTables.length} small tables`, since, counters });
        const rows = await copyChunk(await source(lane), await target(lane), chunk, counters, signal);
        queue.complete(tablesOf(chunk));
        result.bytes += counters.bytes;
        progress.copiedBytes += counters.bytes;
        progress.doneBytes += chunkBytes(chunk);
        const totalBytes = Math.max(1, chunkBytes(chunk));
        for (const [at, table] of chunkTables.entries()) {
          const sum = perTable.get(table.oid) ?? { rows: 0, bytes: 0, since };
          sum.rows += rows[at] ?? 0;
          sum.bytes += chunkTables.length === 1 ? counters.bytes : Math.round((counters.bytes * table.bytes) / totalBytes);
          perTable.set(table.oid, sum);
          result.rows += rows[at] ?? 0;
          progress.copiedRows += rows[at] ?? 0;
          if (queue.isComplete(table.oid)) {
            progress.doneTables++;
            report({ event: "table", database, table: table.display, rows: sum.rows, bytes: sum.bytes, seconds: (Date.now() - sum.since) / 1000 });
          }
        }
        if (--copying === 0) steps.copied();
      }
      progress.lanes.delete(lane);
    },
    signal,
  );
  steps.done();
  for (const held of laneSessions) await held.source?.close();
  return result;
}

/** The conditions that cut large tables: by ctid where the server can scan ranges of it, else by a key. */
async function cutConditions(plan: DatabasePlan, lanes: number): Promise<Map<string, string[]>> {
  const tables = copyTables(plan.catalog, plan.selection.isSelected);
  const pages = new Map(plan.catalog.relations.map((relation) => [relation.oid, relation.pages]));
  const conditions = new Map<string, string[]>();
  for (const [oid, parts] of partsOf(tables, lanes)) {
    const cut = plan.catalog.database.versionNum >= 140000 ? ctidConditions(pages.get(oid) ?? 0, parts) : await keyConditions(plan.snapshot.session, oid, parts);
    if (cut.length > 1) conditions.set(oid, cut);
  }
  return conditions;
}

async function runValidations(plan: DatabasePlan, validations: readonly BuildJob[], context: RunContext, sessions: InterruptibleSessions): Promise<void> {
  if (validations.length === 0) return;
  const queue = new WorkQueue<BuildJob>();
  for (const job of validations) queue.add(job);
  const opened: (Session | undefined)[] = [];
  await queue.run(
    Math.min(context.lanes, validations.length),
    async (job, lane) => {
      opened[lane] ??= await sessions.add(openSession(plan.target, { settings: LANE_SETTINGS }));
      context.progress.lanes.set(lane, { doing: `foreign key ${job.objects[0]}`, since: Date.now() });
      await runBuild(opened[lane], job, queue.readyJobs === 0);
      context.progress.lanes.delete(lane);
    },
    context.signal,
  );
}

function tableBytesOfForeignKeys(plan: DatabasePlan): (entry: Entry) => number {
  // An FK entry's name begins with its table's name; a table's own name may hold blanks, so the longest match wins.
  const bytes = new Map(plan.catalog.relations.map((relation) => [`${relation.schema}\0${relation.name}`, relation.bytes]));
  return (entry) => {
    for (let end = entry.name.lastIndexOf(" "); end > 0; end = entry.name.lastIndexOf(" ", end - 1)) {
      const found = bytes.get(`${entry.schema}\0${entry.name.slice(0, end)}`);
      if (found !== undefined) return found;
    }
    return 0;
  };
}

function nameOf(entry: Entry): string {
  return entry.schema === "-" ? entry.name : `${entry.schema}.${entry.name}`;
}

async function inStep(context: RunContext, step: "structure" | "finish" | "analyze", database: string, work: () => Promise<void>): Promise<void> {
  const { report, progress } = context;
  const since = performance.now();
  progress.step = step;
  report({ event: "step", step, state: "started", database });
  await work();
  report({ event: "step", step, state: "finished", database, seconds: (performance.now() - since) / 1000 });
}

/** Copying and indexing overlap at the seam; the reader sees copy end when the last row is there, and index begin then. */
class StepPair {
  readonly #context: RunContext;
  readonly #database: string;
  #since = performance.now();
  #isCopying: boolean;

  constructor(context: RunContext, database: string, isCopying: boolean) {
    this.#context = context;
    this.#database = database;
    this.#isCopying = isCopying;
    this.#start(isCopying ? "copy" : "index");
  }

  copied(): void {
    this.#finish("copy");
    this.#isCopying = false;
    this.#start("index");
  }

  done(): void {
    this.#finish(this.#isCopying ? "copy" : "index");
  }

  #start(step: "copy" | "index"): void {
    this.#since = performance.now();
    this.#context.progress.step = step;
    this.#context.report({ event: "step", step, state: "started", database: this.#database });
  }

  #finish(step: "copy" | "index"): void {
    this.#context.report({ event: "step", step, state: "finished", database: this.#database, seconds: (performance.now() - this.#since) / 1000 });
  }
}
