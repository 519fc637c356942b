import { z } from "zod";
import { COMPLETE_STEPS, type CompleteStep } from "../../complete/report.ts";
import { MIGRATION_TYPES } from "../../plan/migration-type.ts";
import { OBJECT_KINDS } from "../../plan/object-pattern.ts";
import { CONFLICT_POLICIES } from "../../stream/conflict-policy.ts";
import { TASK_ACTIONS, TASK_STATES } from "../../task/states.ts";
import { describedError } from "./error.ts";
import { moment } from "./moment.ts";

const COMPLETE_STEP_NAMES = Object.keys(COMPLETE_STEPS) as [CompleteStep, ...CompleteStep[]];

/** How the following of changes stands. */
export const streamFigures = z.object({
  lagBytes: z.number().nullable().meta({ description: "WAL between the source's position and what the target has applied; null until measured." }),
  lagSeconds: z.number().nullable().meta({ description: "Age of the oldest moment of the source that the target has not reached; 0: caught up; null until measured." }),
  transactions: z.number(),
  changes: z.number(),
  bytes: z.number(),
  skipped: z.number().meta({ description: "Changes left out by the policy for conflicts." }),
  retainedBytes: z.number().nullable().meta({ description: "WAL that the source keeps for the slots." }),
  alarms: z.array(z.string()).meta({ description: "WAL that the slot retains, a slot in danger, an old xmin." }),
});

/** The live figures of a task. */
export const taskProgress = z
  .object({
    step: z.string(),
    percent: z.number().nullable().meta({ description: "Of the data to copy, 0 to 100; null before it is planned." }),
    etaSeconds: z.number().nullable(),
    totalTables: z.number(),
    doneTables: z.number(),
    totalBytes: z.number().meta({ description: "Heap and TOAST of the tables to copy, in bytes." }),
    doneBytes: z.number(),
    copiedBytes: z.number().meta({ description: "Bytes relayed, in COPY's format." }),
    copiedRows: z.number(),
    totalIndexes: z.number(),
    doneIndexes: z.number(),
    bytesPerSecond: z.number().meta({ description: "Copied, or received from the stream, in the last seconds." }),
    rowsPerSecond: z.number().meta({ description: "Rows copied, or changes applied." }),
    transactionsPerSecond: z.number(),
    waits: z.array(z.string()).meta({ description: "Why nothing advances, when nothing does." }),
    lanes: z.array(z.object({ doing: z.string(), since: moment, rows: z.number().nullable(), bytes: z.number().nullable() })),
    stream: streamFigures.nullable(),
    complete: z
      .object({
        current: z.object({ step: z.enum(COMPLETE_STEP_NAMES), database: z.string() }).nullable(),
        done: z.array(z.object({ step: z.enum(COMPLETE_STEP_NAMES), database: z.string(), seconds: z.number(), aligned: z.number() })),
      })
      .nullable()
      .meta({ description: "Set while the task is completed: the step at work, and those that are done." }),
    updatedAt: moment,
  })
  .meta({ id: "TaskProgress" });

/** A task as a list shows it. */
export const taskRow = z
  .object({
    id: z.string(),
    name: z.string(),
    source: z.string().meta({ description: "user@host:port/database" }),
    target: z.string(),
    type: z.enum(MIGRATION_TYPES),
    instance: z.boolean(),
    state: z.enum(TASK_STATES),
    before: z.enum(TASK_STATES).nullable().meta({ description: "The state that paused, pausing, retrying or failed has interrupted." }),
    step: z.string().nullable(),
    tags: z.record(z.string(), z.string()),
    scheduledAt: moment.nullable(),
    createdAt: moment,
    startedAt: moment.nullable(),
    endedAt: moment.nullable(),
    nextTryAt: moment.nullable(),
    error: describedError.nullable(),
    allowedActions: z.array(z.enum(TASK_ACTIONS)),
    progress: taskProgress.nullable(),
  })
  .meta({ id: "TaskRow" });

/** One pattern of --include or --exclude. */
const pattern = z.object({ kind: z.enum(OBJECT_KINDS), pattern: z.string() });

/** A task with all that was asked for, but its passwords and keys. */
export const task = taskRow
  .extend({
    onlyCheck: z.boolean(),
    accepted: z.array(z.object({ check: z.string(), by: z.string(), at: moment })),
    run: z.number(),
    isHeld: z.boolean(),
    concurrency: z.number(),
    configuration: z.string().meta({ description: "Another one whenever what is moved, from where, or where to was changed." }),
    rateLimit: z.number().nullable().meta({ description: "Bytes per second over all lanes; null: no limit." }),
    options: z.object({
      include: z.array(pattern),
      exclude: z.array(pattern),
      owner: z.boolean(),
      privileges: z.boolean(),
      publications: z.boolean(),
      tablespaceMap: z.record(z.string(), z.string()),
      acceptAlarms: z.boolean(),
      verify: z.boolean(),
      statistics: z.boolean(),
      conflicts: z.enum(CONFLICT_POLICIES).nullable(),
      untilCaughtUp: z.boolean(),
      fence: z.boolean(),
      retryForSeconds: z.number().nullable(),
    }),
    steps: z
      .array(z.object({ step: z.string(), database: z.string().nullable(), startedAt: moment, finishedAt: moment.nullable(), seconds: z.number().nullable() }))
      .meta({ description: "Of the newest run, in their order." }),
    summary: z.record(z.string(), z.unknown()).nullable().meta({ description: "What was moved, once it has succeeded: the event `summary` of the command line." }),
    workers: z.number().meta({ description: "Workers of this store that live; with 0 nothing is done." }),
  })
  .meta({ id: "Task" });

/** How a list is narrowed and ordered; all of it is in the address. */
export const taskListQuery = z.object({
  state: z
    .string()
    .optional()
    .meta({ description: `States, separated by commas: ${TASK_STATES.join(", ")}.` }),
  type: z.enum(MIGRATION_TYPES).optional(),
  search: z.string().max(200).optional().meta({ description: "Part of the name, the id, the source or the target." }),
  tag: z.string().max(400).optional().meta({ description: "name=value, several separated by commas: tasks with all of them." }),
  sort: z.enum(["created", "-created", "name", "-name", "state", "-state"]).default("-created"),
  limit: z.coerce.number().int().min(1).max(500).default(50),
  offset: z.coerce.number().int().min(0).max(1_000_000).default(0),
});

export const taskList = z.object({
  total: z.number().meta({ description: "Tasks that fit, over all pages." }),
  states: z.record(z.string(), z.number()).meta({ description: "How many tasks there are in each state, before narrowing." }),
  workers: z.number().meta({ description: "Workers of this store that live; with 0 nothing is done." }),
  tasks: z.array(taskRow),
});

export const taskId = z.object({ id: z.string().regex(/^[0-9a-f]{10}$/, "The id of a task is wanted: ten hexadecimal digits.") });

/** What `summary` holds. */
export type { MigrationSummary } from "../../task/events.ts";
export type TaskRow = z.infer<typeof taskRow>;
export type TaskDetail = z.infer<typeof task>;
export type Progress = z.infer<typeof taskProgress>;
export type TaskListQuery = z.infer<typeof taskListQuery>;
