import { chunkNote, copyChunk } from "../../copy/copy-chunk.ts";
import { type Ledger, endSessions } from "../../copy/ledger.ts";
import { copyLargeObjects } from "../../copy/large-objects.ts";
import type { RelayCounters } from "../../wire/copy-relay.ts";
import type { Session } from "../../wire/session.ts";
import { buildNote, runBuild } from "../build.ts";
import { LARGE_OBJECTS_NOTE, discardLargeObjects, rememberLargeObjects } from "../discard-data.ts";
import type { ClaimedJob } from "./job-store.ts";
import { type JobResult, type LaneDoing, type LaneJob, type Stage, tablesOf } from "./lane-job.ts";

/** What a lane gives to its jobs. */
export interface LaneSite {
  readonly taskId: string;
  readonly stage: Stage;
  readonly ledger: Ledger;
  readonly signal: AbortSignal;
  readonly source: () => Promise<Session>;
  readonly target: () => Promise<Session>;
  /** What people see; the counters go on to change. */
  readonly tell: (doing: LaneDoing) => void;
  /** How many milliseconds to wait after so many bytes, to keep the task's rate limit. */
  readonly pace: (bytes: number) => number;
}

/** Does one job; what it writes is noted in the ledger in the same transaction. Throws coded errors; nothing of the job is then on the target. */
export async function runLaneJob({ job, before, more }: ClaimedJob, site: LaneSite): Promise<JobResult> {
  const since = Date.now();
  const result = (await doneBefore(job, before, site)) ?? (await run(job, more, since, site));
  return { ...result, seconds: (Date.now() - since) / 1000 };
}

type Outcome = Omit<JobResult, "seconds">;

async function run(job: LaneJob, more: boolean, since: number, site: LaneSite): Promise<Outcome> {
  if (job.kind === "copy") {
    const tables = tablesOf(job.chunk);
    const counters: RelayCounters = { bytes: 0, rows: 0, pace: site.pace };
    site.tell({ doing: tables.length === 1 ? tables[0]!.display : `${tables.length} small tables`, since, counters });
    const rows = await copyChunk(await site.source(), await site.target(), job.chunk, site.ledger, counters, site.signal);
    return { rows, bytes: counters.bytes, warnings: [] };
  }
  if (job.kind === "largeObjects") {
    site.tell({ doing: "large objects", since });
    await rememberLargeObjects(await site.target(), site.ledger);
    const { count, bytes } = await copyLargeObjects(await site.source(), await site.target(), site.stage, site.signal);
    await site.ledger.note(await site.target(), LARGE_OBJECTS_NOTE);
    return { bytes, largeObjects: count, warnings: [] };
  }
  if (job.kind === "build") {
    site.tell({ doing: `${job.of} ${job.build.objects[0]}`, since });
    await runBuild(await site.target(), job.build, site.ledger, !more);
    return { bytes: 0, warnings: [] };
  }
  site.tell({ doing: `analyze ${job.tables[0]?.display}`, since });
  return { bytes: 0, warnings: await analyze(await site.target(), job.tables, site.signal) };
}

/** The lane before may have died between its commit and the news of it, or hang with its transaction open. */
async function doneBefore(job: LaneJob, before: string | null, { taskId, ledger, target, signal }: LaneSite): Promise<Outcome | undefined> {
  if (before === null || job.kind === "analyze") return undefined;
  const session = await target();
  await endSessions(session, taskId, before);
  const note = job.kind === "copy" ? chunkNote(job.chunk) : job.kind === "build" ? buildNote(job.build) : LARGE_OBJECTS_NOTE;
  if (await ledger.isNoted(session, note)) return { bytes: 0, warnings: [] };
  if (job.kind === "largeObjects") await discardLargeObjects(session, ledger, signal); // they come in several transactions
  return undefined;
}

/** Missing statistics make a plan slower, not wrong: a table that cannot be analyzed (its foreign children may be out of reach) is told of. */
async function analyze(session: Session, tables: readonly { display: string; sql: string }[], signal: AbortSignal): Promise<{ message: string; object: string }[]> {
  try {
    await session.query(tables.map(({ sql }) => sql).join("; "));
    return [];
  } catch (error) {
    if (session.socket.destroyed || signal.aborted) throw error;
  }
  const warnings: { message: string; object: string }[] = [];
  for (const { display, sql } of tables) {
    await session.query(sql).catch((cause: unknown) => {
      if (session.socket.destroyed || signal.aborted) throw cause;
      warnings.push({ object: display, message: `${display} could not be analyzed: ${cause instanceof Error ? cause.message : String(cause)}` });
    });
  }
  return warnings;
}
