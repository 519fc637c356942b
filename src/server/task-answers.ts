import { createHash } from "node:crypto";
import { isAtWork } from "../task/states.ts";
import type { Task } from "../task/task-record.ts";
import type { Figures, StepTimes } from "../task/task-views.ts";
import type { Progress, TaskDetail, TaskRow } from "./contract/task.ts";

/** Rates this old are of a run that does not write any more. */
const STALE_MS = 30_000;

/** A task as lists tell it. */
export function taskRowAnswer(task: Task, figures: Figures | undefined): TaskRow {
  const { id, name, options, state, before, tags, error, allowedActions } = task;
  const isUnderWay = isAtWork(before ?? state);
  return {
    id,
    name,
    source: task.source.replace(/^source /, ""),
    target: task.target.replace(/^target /, ""),
    type: options.type,
    instance: options.instance,
    state,
    before: before ?? null,
    step: isUnderWay ? (figures?.progress.step ?? task.step) : task.step,
    tags: { ...tags },
    scheduledAt: iso(task.scheduledAt),
    createdAt: task.createdAt.toISOString(),
    startedAt: iso(task.startedAt),
    endedAt: iso(task.endedAt),
    nextTryAt: iso(task.nextTryAt),
    error,
    allowedActions: [...allowedActions],
    progress: figures === undefined ? null : progressAnswer(figures, isAtWork(state)),
  };
}

/** Tells what was asked for from what was asked for before. */
export function configurationOf({ source, target, options, scheduledAt }: Task): string {
  return createHash("sha256")
    .update(JSON.stringify([source, target, options, scheduledAt]))
    .digest("hex")
    .slice(0, 16);
}

/** A task with all that is known of it. */
export function taskAnswer(task: Task, figures: Figures | undefined, steps: readonly StepTimes[], workers: number): TaskDetail {
  const { options } = task;
  return {
    ...taskRowAnswer(task, figures),
    onlyCheck: task.onlyCheck,
    accepted: [...task.accepted],
    run: task.run,
    isHeld: task.isHeld,
    concurrency: task.concurrency,
    configuration: configurationOf(task),
    rateLimit: task.rateLimit,
    options: {
      include: [...options.include],
      exclude: [...options.exclude],
      owner: !options.noOwner,
      privileges: !options.noPrivileges,
      publications: options.publications,
      tablespaceMap: { ...options.tablespaceMap },
      acceptAlarms: options.acceptAlarms,
      verify: options.verify,
      statistics: options.statistics,
      conflicts: options.incremental?.conflicts ?? null,
      untilCaughtUp: options.incremental?.untilCaughtUp ?? false,
      fence: options.incremental?.fence ?? false,
      retryForSeconds: options.retryForMs === undefined ? null : options.retryForMs / 1000,
    },
    steps: steps.map(({ step, database, startedAt, finishedAt, seconds }) => ({ step, database, startedAt: startedAt.toISOString(), finishedAt: iso(finishedAt), seconds })),
    summary: task.summary === null ? null : { ...task.summary },
    workers,
  };
}

/** Rates are told only while a run writes them. */
function progressAnswer({ progress, updatedAt }: Figures, isRunning: boolean): Progress {
  const { rates, stream } = progress;
  const underWay = { bytes: 0, rows: 0 };
  for (const [, { counters }] of progress.lanes) {
    underWay.bytes += counters?.bytes ?? 0;
    underWay.rows += counters?.rows ?? 0;
  }
  const isFresh = isRunning && Date.now() - updatedAt.getTime() < STALE_MS;
  return {
    step: progress.step,
    percent: rates === undefined || progress.totalTables === 0 ? null : Math.floor(1000 * rates.fraction) / 10,
    etaSeconds: isFresh && progress.step === "copy" ? (rates?.etaSeconds ?? null) : null,
    totalTables: progress.totalTables,
    doneTables: progress.doneTables,
    totalBytes: progress.totalBytes,
    doneBytes: progress.doneBytes,
    // With what lanes have brought of chunks that are not complete.
    copiedBytes: progress.copiedBytes + underWay.bytes,
    copiedRows: progress.copiedRows + underWay.rows,
    totalIndexes: progress.totalIndexes,
    doneIndexes: progress.doneIndexes,
    bytesPerSecond: isFresh ? (rates?.bytesPerSecond ?? 0) : 0,
    rowsPerSecond: isFresh ? (rates?.rowsPerSecond ?? 0) : 0,
    transactionsPerSecond: isFresh ? (rates?.transactionsPerSecond ?? 0) : 0,
    waits: [...progress.waits],
    lanes: progress.lanes.map(([, { doing, since, counters }]) => ({
      doing,
      since: new Date(since).toISOString(),
      rows: counters?.rows ?? null,
      bytes: counters?.bytes ?? null,
    })),
    stream:
      stream === undefined
        ? null
        : {
            // What nobody measures any more is not known.
            lagBytes: isFresh ? (stream.lagBytes ?? null) : null,
            lagSeconds: isFresh ? (stream.lagSeconds ?? null) : null,
            transactions: stream.transactions,
            changes: stream.changes,
            bytes: stream.bytes,
            skipped: stream.skipped,
            alarms: [...stream.alarms],
            retainedBytes: stream.retainedBytes ?? null,
          },
    complete: progress.complete === undefined ? null : { current: progress.complete.current, done: [...progress.complete.done] },
    updatedAt: updatedAt.toISOString(),
  };
}

function iso(moment: Date | null): string | null {
  return moment?.toISOString() ?? null;
}
