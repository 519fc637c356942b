import { movesData } from "../plan/migration-type.ts";
import { type Chunk, chunkBytes } from "../copy/chunk.ts";
import { chunkNote } from "../copy/copy-chunk.ts";
import type { Ledger } from "../copy/ledger.ts";
import type { DatabasePlan } from "../plan/database-plan.ts";
import { movesLargeObjects } from "../precheck/scope.ts";
import type { BuildJob } from "../structure/post-data.ts";
import { buildNote } from "./build.ts";
import { LARGE_OBJECTS_NOTE } from "./discard-data.ts";
import type { CopyPlan } from "./plan-copy.ts";
import type { Crew } from "./lanes/crew.ts";
import { type JobResult, type LaneJob, type QueuedJob, tablesOf } from "./lanes/lane-job.ts";
import type { DatabaseResult, RunContext } from "./run-context.ts";

export type CopyResult = Pick<DatabaseResult, "tables" | "rows" | "bytes" | "largeObjects">;

/** Noted when all data is there: from then on the snapshot is not needed any more. */
export const COPIED = "copied";

/**
 * The data, then indexes, by the same lanes: a table's indexes begin when its rows are there and no copying is left to begin. What the ledger
 * knows is left out. `onCopied`, with the notes of it and the figures, when the last of the data is there; the figures are the same in a run that finds it there.
 */
export async function copyAndBuild(
  plan: DatabasePlan,
  { tables, chunks, kept }: CopyPlan,
  builds: readonly BuildJob[],
  ledger: Ledger,
  context: RunContext,
  crew: Crew,
  onCopied: (notes: readonly string[], result: CopyResult) => Promise<void>,
): Promise<CopyResult> {
  const isFull = movesData(context.options.type) && !ledger.has(COPIED);
  const movesObjects = isFull && movesLargeObjects(plan, context.options);
  const hasLargeObjects = movesObjects && !ledger.has(LARGE_OBJECTS_NOTE);
  if (isFull && !movesObjects) tellLargeObjectsLeftBehind(plan, context);
  const missing = builds.filter((build) => !ledger.has(buildNote(build)));
  const queued: QueuedJob[] = [
    ...chunks.map((chunk) => ({ job: { kind: "copy", chunk } as const })),
    ...(hasLargeObjects ? [{ job: { kind: "largeObjects" } as const }] : []),
    ...missing.map((build) => ({ job: { kind: "build", build, of: "index" } as const, after: build.tableOid ?? "all" })),
  ];
  const { progress } = context;
  progress.totalTables += tables.length;
  progress.totalBytes += tables.reduce((sum, table) => sum + table.bytes, 0);
  progress.totalIndexes += missing.reduce((sum, build) => sum + build.objects.length, 0);
  const notes = [...kept, ...chunks].map(chunkNote).concat(movesObjects ? [LARGE_OBJECTS_NOTE] : []);
  countKept(chunks, kept, progress);
  const open = new Set(chunks.flatMap(tablesOf).map(({ oid }) => oid));
  context.onPlanned?.(
    plan.catalog.database.name,
    tables.map(({ oid, display, bytes }) => ({ name: display, size: bytes, isCopied: !open.has(oid) })),
  );
  const account = new Account(
    plan.catalog.database.name,
    chunks,
    context,
    chunks.length + (hasLargeObjects ? 1 : 0),
    async () => await onCopied(notes, { tables: tables.length, ...account.result }),
  );
  if (isFull && account.isCopied) await onCopied(notes, { tables: tables.length, ...account.result });
  await crew.run(queued, async (result, at) => await account.take(queued[at]!.job, result), context.signal);
  account.finish();
  return (ledger.value(COPIED) as CopyResult | undefined) ?? { tables: tables.length, ...account.result };
}

/** What an earlier run has copied counts as done. */
function countKept(chunks: readonly Chunk[], kept: readonly Chunk[], progress: RunContext["progress"]): void {
  const open = new Set(chunks.flatMap(tablesOf).map(({ oid }) => oid));
  progress.doneBytes += kept.reduce((sum, chunk) => sum + chunkBytes(chunk), 0);
  progress.doneTables += new Set(
    kept
      .flatMap(tablesOf)
      .map(({ oid }) => oid)
      .filter((oid) => !open.has(oid)),
  ).size;
}

/** Keeps the account of what was moved. */
class Account {
  readonly result = { rows: 0, bytes: 0, largeObjects: 0 };
  readonly #database: string;
  readonly #context: RunContext;
  readonly #onCopied: () => Promise<void>;
  readonly #steps: StepPair;
  /** Chunks that are not there yet, per table; tables with several chunks come together in the sums. */
  readonly #openChunks = new Map<string, number>();
  readonly #perTable = new Map<string, { rows: number; bytes: number; seconds: number }>();
  /** Chunks and large objects that are still to come. */
  #copying: number;
  #uncounted = 0;

  constructor(database: string, chunks: readonly Chunk[], context: RunContext, copying: number, onCopied: () => Promise<void>) {
    this.#database = database;
    this.#context = context;
    this.#copying = copying;
    this.#onCopied = onCopied;
    for (const { oid } of chunks.flatMap(tablesOf)) this.#openChunks.set(oid, (this.#openChunks.get(oid) ?? 0) + 1);
    this.#steps = new StepPair(context, database, copying > 0);
  }

  get isCopied(): boolean {
    return this.#copying === 0;
  }

  async take(job: LaneJob, result: JobResult): Promise<void> {
    const { progress, report } = this.#context;
    if (job.kind === "copy") this.#countChunk(job.chunk, result);
    this.result.bytes += result.bytes;
    this.result.largeObjects += result.largeObjects ?? 0;
    if (job.kind === "build") {
      progress.doneIndexes += job.build.objects.length;
      const seconds = result.seconds / job.build.objects.length;
      for (const name of job.build.objects) report({ event: "object", database: this.#database, kind: "INDEX", name, seconds });
    } else if (--this.#copying === 0) {
      await this.#onCopied();
      this.#steps.copied();
    }
  }

  finish(): void {
    this.#steps.done();
    if (this.#uncounted === 0) return;
    const message = `${this.#uncounted} chunks arrived, but the worker that copied them died before it could say how many rows: the figures are without these`;
    this.#context.report({ event: "notice", level: "info", message });
  }

  #countChunk(chunk: Chunk, { rows, bytes, seconds }: JobResult): void {
    const { progress, report } = this.#context;
    const tables = tablesOf(chunk);
    progress.copiedBytes += bytes;
    progress.doneBytes += chunkBytes(chunk);
    if (rows === undefined) this.#uncounted++;
    for (const [at, table] of tables.entries()) {
      const moved = rows?.[at] ?? 0;
      this.result.rows += moved;
      progress.copiedRows += moved;
      const sum = this.#perTable.get(table.oid) ?? { rows: 0, bytes: 0, seconds: 0 };
      sum.rows += moved;
      // The bytes of a shared chunk are not counted per table: they are divided by the tables' sizes.
      sum.bytes += tables.length === 1 ? bytes : Math.round((bytes * table.bytes) / Math.max(1, chunkBytes(chunk)));
      sum.seconds += seconds;
      this.#perTable.set(table.oid, sum);
      const open = (this.#openChunks.get(table.oid) ?? 1) - 1;
      this.#openChunks.set(table.oid, open);
      if (open > 0) continue;
      progress.doneTables++;
      report({ event: "table", database: this.#database, table: table.display, ...sum });
    }
  }
}

/** An include names no large objects: they belong to no schema. */
function tellLargeObjectsLeftBehind({ catalog }: DatabasePlan, { report }: RunContext): void {
  const { count } = catalog.largeObjects;
  if (count === 0) return;
  const what = count === 1 ? "1 large object is not moved: it has no name" : `${count} large objects are not moved: they have no names`;
  report({ event: "notice", level: "warning", message: `${what} that --include could select; they move with the whole database, also with --exclude` });
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
