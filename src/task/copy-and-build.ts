import { type Chunk, type CopyTable, chunkBytes } from "../copy/chunk.ts";
import { type Settings, forCopy } from "../copy/computing-settings.ts";
import { copyChunk } from "../copy/copy-chunk.ts";
import { keyConditions } from "../copy/key-bounds.ts";
import { WorkQueue } from "../copy/lanes.ts";
import { type Ledger, sessionName } from "../copy/ledger.ts";
import { copyLargeObjects } from "../copy/large-objects.ts";
import { openUnderSnapshot } from "../copy/snapshot.ts";
import type { DatabasePlan } from "../plan/database-plan.ts";
import { choosesObjects } from "../plan/object-pattern.ts";
import { copyTables, ctidConditions, partsOf, planChunks } from "../plan/plan-chunks.ts";
import type { BuildJob } from "../structure/post-data.ts";
import type { Session } from "../wire/session.ts";
import { buildNote, runBuild } from "./build.ts";
import { rememberLargeObjects } from "./discard-data.ts";
import type { InterruptibleSessions } from "./interruptible-sessions.ts";
import type { DatabaseResult, RunContext } from "./run-context.ts";

/**
 * Settings of sessions that write to the target. Losing the last moments of an unfinished migration in a crash of the target
 * costs nothing: the end of the run waits for the disk (see runDatabase).
 */
export const LANE_SETTINGS: Readonly<Record<string, string>> = { synchronous_commit: "off", maintenance_work_mem: "256MB" };

type LaneJob = { readonly kind: "copy"; readonly chunk: Chunk } | { readonly kind: "build"; readonly build: BuildJob } | { readonly kind: "largeObjects" };

export type CopyResult = Pick<DatabaseResult, "tables" | "rows" | "bytes" | "largeObjects">;

/** Noted when all data is there: from then on the snapshot is not needed any more. */
export const COPIED = "copied";

/**
 * The data, then indexes, on the same lanes: a table's indexes begin when its rows are there and no copying is left to begin. What the ledger
 * knows is left out. `onCopied` when the last of the data is there.
 */
export async function copyAndBuild(
  plan: DatabasePlan,
  builds: readonly BuildJob[],
  ledger: Ledger,
  context: RunContext,
  sessions: InterruptibleSessions,
  computing: Settings,
  onCopied: () => Promise<void>,
): Promise<CopyResult> {
  const isFull = context.options.type === "full" && !ledger.has(COPIED);
  const tables = isFull ? copyTables(plan.catalog, plan.selection.isSelected) : [];
  const chunks = planChunks(tables, await cutConditions(plan, tables, context.lanes));
  const queue = new WorkQueue<LaneJob>();
  for (const chunk of chunks) queue.expect(tablesOf(chunk).map((table) => table.oid));
  for (const chunk of chunks) queue.add({ kind: "copy", chunk });
  // A selection by patterns names no large objects: they belong to no schema.
  if (isFull && plan.catalog.largeObjects.count > 0 && !choosesObjects(context.options.include)) queue.add({ kind: "largeObjects" });
  const copying = queue.readyJobs;
  const missing = builds.filter((build) => !ledger.has(buildNote(build)));
  for (const build of missing) queue.add({ kind: "build", build }, build.tableOid ?? "all");
  if (isFull && copying === 0) await onCopied();

  const { progress } = context;
  progress.totalTables += tables.length;
  progress.totalBytes += tables.reduce((sum, table) => sum + table.bytes, 0);
  progress.totalIndexes += missing.reduce((sum, build) => sum + build.objects.length, 0);
  const lanes = Array.from(
    { length: context.lanes },
    (_, number) => new Lane(number, plan, sessions, { ...LANE_SETTINGS, ...forCopy(computing), ...encodingSettings(plan) }, sessionName(context.task.id)),
  );
  const work = new LaneWork(plan, ledger, context, queue, copying, onCopied);
  await queue.run(context.lanes, async (job, lane) => await work.run(job, lanes[lane]!), context.signal, sessions.stop);
  work.finish();
  for (const lane of lanes) await lane.closeSource();
  return { tables: tables.length, ...work.result };
}

/** SQL_ASCII holds bytes of any encoding: they pass as they are, and the target decides whether it can hold them. */
function encodingSettings(plan: DatabasePlan): Record<string, string> {
  return plan.catalog.database.encoding === "SQL_ASCII" ? { client_encoding: "SQL_ASCII" } : {};
}

/** One lane's two connections, opened when first needed. */
class Lane {
  readonly number: number;
  readonly #plan: DatabasePlan;
  readonly #sessions: InterruptibleSessions;
  readonly #targetSettings: Settings;
  readonly #sessionName: string;
  #source: Session | undefined;
  #target: Session | undefined;

  constructor(number: number, plan: DatabasePlan, sessions: InterruptibleSessions, targetSettings: Settings, sessionName: string) {
    this.number = number;
    this.#targetSettings = targetSettings;
    this.#sessionName = sessionName;
    this.#plan = plan;
    this.#sessions = sessions;
  }

  async source(): Promise<Session> {
    return (this.#source ??= await this.#sessions.add(
      openUnderSnapshot(this.#plan.source, this.#plan.snapshot.id, { settings: encodingSettings(this.#plan), signal: this.#sessions.signal }),
    ));
  }

  async target(): Promise<Session> {
    return (this.#target ??= await this.#sessions.open(this.#plan.target, {
      settings: this.#targetSettings,
      applicationName: this.#sessionName,
    }));
  }

  async closeSource(): Promise<void> {
    await this.#source?.close();
  }
}

/** Does the jobs and keeps the account of what was moved. */
class LaneWork {
  readonly result = { rows: 0, bytes: 0, largeObjects: 0 };
  readonly #plan: DatabasePlan;
  readonly #ledger: Ledger;
  readonly #context: RunContext;
  readonly #onCopied: () => Promise<void>;
  readonly #queue: WorkQueue<LaneJob>;
  readonly #steps: StepPair;
  /** Tables with several chunks come together here. */
  readonly #perTable = new Map<string, { rows: number; bytes: number; readonly since: number }>();
  /** Chunks and large objects that are still to come. */
  #copying: number;

  constructor(plan: DatabasePlan, ledger: Ledger, context: RunContext, queue: WorkQueue<LaneJob>, copying: number, onCopied: () => Promise<void>) {
    this.#plan = plan;
    this.#ledger = ledger;
    this.#context = context;
    this.#queue = queue;
    this.#copying = copying;
    this.#onCopied = onCopied;
    this.#steps = new StepPair(context, plan.catalog.database.name, copying > 0);
  }

  async run(job: LaneJob, lane: Lane): Promise<void> {
    if (job.kind === "copy") await this.#copy(job.chunk, lane);
    else if (job.kind === "build") await this.#build(job.build, lane);
    else await this.#copyLargeObjects(lane);
    if (job.kind !== "build" && --this.#copying === 0) {
      await this.#onCopied();
      this.#steps.copied();
    }
    this.#context.progress.lanes.delete(lane.number);
  }

  finish(): void {
    this.#steps.done();
  }

  async #copy(chunk: Chunk, lane: Lane): Promise<void> {
    const since = Date.now();
    const tables = tablesOf(chunk);
    const counters = { bytes: 0, rows: 0 };
    this.#context.progress.lanes.set(lane.number, { doing: tables.length === 1 ? tables[0]!.display : `${tables.length} small tables`, since, counters });
    const rows = await copyChunk(await lane.source(), await lane.target(), chunk, this.#ledger, counters, this.#context.signal);
    this.#queue.complete(tables.map((table) => table.oid));
    this.#account(chunk, rows, counters.bytes, since);
  }

  async #build(build: BuildJob, lane: Lane): Promise<void> {
    const since = Date.now();
    const { report, progress } = this.#context;
    progress.lanes.set(lane.number, { doing: `index ${build.objects[0]}`, since });
    await runBuild(await lane.target(), build, this.#ledger, this.#queue.readyJobs === 0);
    progress.doneIndexes += build.objects.length;
    const seconds = (Date.now() - since) / 1000 / build.objects.length;
    for (const name of build.objects) report({ event: "object", database: this.#plan.catalog.database.name, kind: "INDEX", name, seconds });
  }

  async #copyLargeObjects(lane: Lane): Promise<void> {
    const { options, progress, signal } = this.#context;
    progress.lanes.set(lane.number, { doing: "large objects", since: Date.now() });
    await rememberLargeObjects(await lane.target(), this.#ledger);
    const { count, bytes } = await copyLargeObjects(await lane.source(), await lane.target(), { noOwner: options.noOwner, noPrivileges: options.noPrivileges }, signal);
    this.result.largeObjects = count;
    this.result.bytes += bytes;
  }

  #account(chunk: Chunk, rows: readonly number[], bytes: number, since: number): void {
    const { progress, report } = this.#context;
    const tables = tablesOf(chunk);
    this.result.bytes += bytes;
    progress.copiedBytes += bytes;
    progress.doneBytes += chunkBytes(chunk);
    for (const [at, table] of tables.entries()) {
      const moved = rows[at] ?? 0;
      this.result.rows += moved;
      progress.copiedRows += moved;
      const sum = this.#perTable.get(table.oid) ?? { rows: 0, bytes: 0, since };
      sum.rows += moved;
      // The bytes of a shared chunk are not counted per table: they are divided by the tables' sizes.
      sum.bytes += tables.length === 1 ? bytes : Math.round((bytes * table.bytes) / Math.max(1, chunkBytes(chunk)));
      this.#perTable.set(table.oid, sum);
      if (!this.#queue.isComplete(table.oid)) continue;
      progress.doneTables++;
      report({ event: "table", database: this.#plan.catalog.database.name, table: table.display, rows: sum.rows, bytes: sum.bytes, seconds: (Date.now() - sum.since) / 1000 });
    }
  }
}

function tablesOf(chunk: Chunk): readonly CopyTable[] {
  return chunk.kind === "part" ? [chunk.table] : chunk.tables;
}

/** The conditions that cut large tables: by ctid where the server can scan ranges of it, else by a key. */
async function cutConditions(plan: DatabasePlan, tables: readonly CopyTable[], lanes: number): Promise<Map<string, string[]>> {
  const pages = new Map(plan.catalog.relations.map((relation) => [relation.oid, relation.pages]));
  const conditions = new Map<string, string[]>();
  for (const [oid, parts] of partsOf(tables, lanes)) {
    const cut = plan.catalog.database.versionNum >= 140000 ? ctidConditions(pages.get(oid) ?? 0, parts) : await keyConditions(plan.snapshot.session, oid, parts);
    if (cut.length > 1) conditions.set(oid, cut);
  }
  return conditions;
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
